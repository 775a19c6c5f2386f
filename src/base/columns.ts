// Rows of text in columns, as wide on a terminal as their widest cell. Pure.

/** One line for each row, without spaces at its end. */
export function columns(rows: readonly (readonly string[])[]): string[] {
	const widths: number[] = [];
	for (const row of rows)
		for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, Bun.stringWidth(cell));
	const padded = (cell: string, i: number) => cell + " ".repeat((widths[i] ?? 0) - Bun.stringWidth(cell));
	return rows.map((row) => row.map(padded).join("   ").trimEnd());
}
