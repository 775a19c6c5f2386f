// Markdown for the pages that are made from the sources.

/** A table. Its columns are padded, so that the source is readable, too. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string {
	const rows = [head, ...body].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
	const widths = head.map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
	const line = (row: readonly string[]) => `| ${widths.map((width, i) => (row[i] ?? "").padEnd(width)).join(" | ")} |`;
	const [first = [], ...rest] = rows;
	return [line(first), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n");
}
