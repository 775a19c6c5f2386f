// Lines that stay below everything else on a terminal: erased before other text, drawn again after it. Pure: returns what
// has to be written (ECMA-48: CUU moves up, ED erases down to the end).

export class LiveRegion {
	/** What is on the screen, and for how many columns it was made. */
	#drawn: readonly string[] = [];

	/** What erases the lines; `columns` is the width of the terminal now, in which longer lines have wrapped. */
	erase(columns: number): string {
		const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(Bun.stringWidth(line) / columns)), 0);
		this.#drawn = [];
		return rows > 0 ? `\r\x1b[${rows}A\x1b[J` : "";
	}

	/** What draws the lines, at the start of a row. */
	draw(lines: readonly string[]): string {
		this.#drawn = lines;
		return lines.map((line) => `${line}\n`).join("");
	}

	/** Whether these lines are on the screen. */
	shows(lines: readonly string[]): boolean {
		return lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i]);
	}
}
