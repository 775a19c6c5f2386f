// How the benchmark's figures are summed up and printed: medians, and Markdown tables.

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

export function print(columns: readonly string[], rows: Readonly<Record<string, readonly (string | number)[]>>): void {
	console.log(`| | ${columns.join(" | ")} |\n|---|${columns.map(() => "---|").join("")}`);
	for (const [name, values] of Object.entries(rows)) console.log(`| ${name} | ${values.join(" | ")} |`);
	console.log();
}
