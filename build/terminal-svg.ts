// Draws terminals as one SVG that loads nothing: rows appear as they were printed, and a viewer that does not animate
// shows the last picture. textLength keeps text on a grid and boxes are strokes, so any monospaced font fits.

/** A row of a terminal. Times are milliseconds since the start of the recording. */
export interface Row {
	readonly text: string;
	/** When it was printed, or when its prompt was. */
	readonly at: number;
	/** When it was typed, and for how long; undefined for what a program printed. */
	readonly typed?: { readonly at: number; readonly ms: number };
}

export interface Terminal {
	readonly title: string;
	/** Its column in the picture, from the left; terminals of one column are stacked. */
	readonly column: number;
	readonly rows: readonly Row[];
}

/** The rows of a terminal while a program writes to it. */
export class Screen {
	readonly rows: Row[] = [];
	#line = "";

	/** Adds output that was printed at `at`. @throws Error for control sequences other than a spinner's */
	print(output: string, at: number): void {
		const lines = (this.#line + output).split("\r\n");
		this.#line = lines.pop() as string;
		for (const line of lines) {
			// A spinner overwrites its line and erases it in the end.
			const text = line.slice(line.lastIndexOf("\r") + 1).replace("\x1b[K", "");
			if (/\p{Cc}/u.test(text)) throw new Error(`cannot draw ${JSON.stringify(text)}`);
			this.rows.push({ text, at });
		}
	}

	/** Adds one typed line with its prompt. The terminal's first prompt is there from the start. */
	type(text: string, at: number, ms: number): void {
		this.rows.push({ text, at: this.rows.length === 0 ? 0 : at, typed: { at, ms } });
	}
}

/** The SVG. `marked` matches what is coloured in the rows; `description` is for screen readers. */
export function terminalSvg(terminals: readonly Terminal[], marked: RegExp, description: string): string {
	const columns = [...new Set(terminals.map(({ column }) => column))].sort().map((column) => {
		const windows = terminals.filter((terminal) => terminal.column === column);
		const width = 2 * PADDING + cellsOf(windows) * CELL;
		return { windows, width, height: sum(windows.map(heightOf)) + (windows.length - 1) * GAP };
	});
	const height = Math.max(...columns.map((column) => column.height));
	const drawn: string[] = [];
	let x = EDGE;
	for (const { windows, width } of columns) {
		let y = EDGE;
		for (const terminal of windows) {
			// The lowest windows of all columns end at the same height.
			const own = terminal === windows.at(-1) ? height + EDGE - y : heightOf(terminal);
			drawn.push(windowSvg(terminal, { x, y, width, height: own, id: `w${drawn.length}` }, marked));
			y += own + GAP;
		}
		x += width + GAP;
	}
	const [w, h] = [round(x - GAP + EDGE), round(height + 2 * EDGE)];
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" aria-labelledby="d">
<desc id="d">${escaped(description)}</desc>
<style>${STYLE}</style>
${drawn.join("\n")}
</svg>
`;
}

/** The width of the widest row, in cells. */
export const cellsOf = (terminals: readonly Terminal[]): number =>
	Math.max(...terminals.flatMap(({ rows }) => rows.map(({ text }) => Bun.stringWidth(text))));

// --- internal ---

/** Pixels: a character's width, the heights of a row and a title bar, the space around text, between windows, outside. */
const CELL = 7.2;
const LINE = 17;
const BAR = 30;
const PADDING = 14;
const GAP = 14;
const EDGE = 1;

/** The width of a prompt, in cells. */
const PROMPT = 2;

/** The colours of windows, title bars, edges, text, dimmed text, prompts and marks. */
const LIGHT = ["#fff", "#f0f2f5", "#d0d7de", "#1f2328", "#656d76", "#1a7f37", "#0550ae"];
const DARK = ["#0d1117", "#1c2128", "#30363d", "#d7dee6", "#8d96a0", "#56d364", "#79c0ff"];

/** Without CSS variables, which librsvg does not know. */
const colours = ([page, bar, edge, text, dim, prompt, mark]: readonly string[]) =>
	[
		`text{fill:${text}}.title{fill:${dim}}.prompt{fill:${prompt}}.mark{fill:${mark}}.bar{fill:${bar}}.dot{fill:${edge}}`,
		`.window{fill:${page};stroke:${edge}}.rule{stroke:${edge}}.box{stroke:${dim}}.cover{fill:${page}}.cursor{fill:${dim}}`,
	].join("");

/** With reduced motion only the last picture is shown. */
const animated = (rules: string) => `@media (prefers-reduced-motion:no-preference){${rules}}`;

const STYLE = `
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.title{text-anchor:middle}.prompt,.mark{font-weight:700}.box{fill:none}.cover{opacity:0}
${colours(LIGHT)}
@media (prefers-color-scheme:dark){${colours(DARK)}}
@keyframes show{from{opacity:0}to{opacity:1}}
@keyframes gone{from{opacity:1}to{opacity:0}}
${animated(".row{animation:show 1ms both}")}
`;

const heightOf = ({ rows }: Terminal) => BAR + 2 * PADDING + rows.length * LINE;

interface Frame {
	x: number;
	y: number;
	width: number;
	height: number;
	id: string;
}

function windowSvg({ title, rows }: Terminal, { x, y, width, height, id }: Frame, marked: RegExp): string {
	const dots = [16, 32, 48].map((cx) => `<circle class="dot" cx="${cx}" cy="${BAR / 2}" r="5"/>`).join("");
	const body = rows.map((row, i) => rowSvg(row, PADDING, BAR + PADDING + i * LINE, width, marked));
	const [w, h, middle] = [width, height, width / 2].map(round);
	return `<g transform="translate(${round(x)} ${round(y)})">
<clipPath id="${id}"><rect x="1" y="${BAR + 1}" width="${round(width - 2)}" height="${round(height - BAR - 10)}"/></clipPath>
<rect class="window" width="${w}" height="${h}" rx="9"/>
<path class="bar" d="M.5 ${BAR}V9a8.5 8.5 0 0 1 8.5-8.5H${round(width - 9)}a8.5 8.5 0 0 1 8.5 8.5V${BAR}Z"/><path class="rule" d="M0 ${BAR}H${w}"/>${dots}
<text class="title" x="${middle}" y="${BAR / 2 + 4}">${escaped(title)}</text>
<g clip-path="url(#${id})">
${body.filter(Boolean).join("\n")}
</g>
</g>`;
}

/** `x` and `y` are the row's upper left corner. */
function rowSvg({ text, at, typed }: Row, x: number, y: number, width: number, marked: RegExp): string {
	const shown = `style="animation-delay:${seconds(at)}"`;
	const lines = boxPath(text, x, y);
	const border = lines && `<path class="row box" ${shown} d="${lines}"/>`;
	const plain = text.replace(BOX, " ");
	const content = plain.trim();
	if (content === "") return border;
	const start = round(x + (plain.length - plain.trimStart().length) * CELL);
	const prompt = typed ? content.slice(0, PROMPT) : "";
	const command = content.slice(prompt.length);
	const spans = (prompt && `<tspan class="prompt">${escaped(prompt)}</tspan>`) + markedSpans(command, marked);
	const size = `x="${start}" y="${y + 13}" textLength="${round(Bun.stringWidth(content) * CELL)}"`;
	const line = `<text class="row" ${shown} ${size} xml:space="preserve">${spans}</text>`;
	return border + line + (typed ? coverSvg(command, at, typed, x + PROMPT * CELL, y, width) : "");
}

/** Covers what is not typed yet. The cover moves on by one cell per character, with the cursor at its edge. */
function coverSvg(
	command: string,
	at: number,
	typed: { at: number; ms: number },
	x: number,
	y: number,
	width: number,
): string {
	const cursor = `d="M${round(x)} ${y + 2}h${CELL}v14h-${CELL}z"`;
	const cells = Bun.stringWidth(command);
	// A prompt that is waiting for a command.
	if (cells === 0) return `<path class="row cursor" style="animation-delay:${seconds(at)}" ${cursor}/>`;
	const animations = [
		`show 1ms ${seconds(at)} both`,
		`type${cells} ${seconds(typed.ms)} steps(${cells}) ${seconds(typed.at)} both`,
		`gone 1ms ${seconds(typed.at + typed.ms)} forwards`,
	];
	const moves = `@keyframes type${cells}{to{transform:translateX(${round(cells * CELL)}px)}}`;
	const cover = `<path d="M${round(x)} ${y}h${round(width)}v${LINE}h-${round(width)}z"/><path class="cursor" ${cursor}/>`;
	const id = `c${Math.round(typed.at)}`;
	return `<style>${moves}${animated(`#${id}{animation:${animations.join()}}`)}</style><g class="cover" id="${id}">${cover}</g>`;
}

function markedSpans(text: string, marked: RegExp): string {
	const parts = text.split(new RegExp(`(${marked.source})`));
	return parts.map((part, i) => (i % 2 ? `<tspan class="mark">${escaped(part)}</tspan>` : escaped(part))).join("");
}

/** Each character's strokes in a cell of 1 × 1, as polylines. Double lines are equally far apart in both directions. */
const [L, R, T, B] = [0.33, 0.67, 0.43, 0.57];
const GLYPHS: Record<string, number[][]> = {
	"─": [[0, 0.5, 1, 0.5]],
	"│": [[0.5, 0, 0.5, 1]],
	"┌": [[1, 0.5, 0.5, 0.5, 0.5, 1]],
	"┐": [[0, 0.5, 0.5, 0.5, 0.5, 1]],
	"└": [[1, 0.5, 0.5, 0.5, 0.5, 0]],
	"┘": [[0, 0.5, 0.5, 0.5, 0.5, 0]],
	"═": [
		[0, T, 1, T],
		[0, B, 1, B],
	],
	"║": [
		[L, 0, L, 1],
		[R, 0, R, 1],
	],
	"╔": [
		[1, T, L, T, L, 1],
		[1, B, R, B, R, 1],
	],
	"╗": [
		[0, T, R, T, R, 1],
		[0, B, L, B, L, 1],
	],
	"╚": [
		[1, B, L, B, L, 0],
		[1, T, R, T, R, 0],
	],
	"╝": [
		[0, B, R, B, R, 0],
		[0, T, L, T, L, 0],
	],
};
const BOX = /[─│┌┐└┘═║╔╗╚╝]/g;

/** The box characters of a row as one path; a run of the same character is one stroke. */
function boxPath(text: string, x: number, y: number): string {
	return [...text.matchAll(/─+|═+|[│┌┐└┘║╔╗╚╝]/g)]
		.flatMap(({ 0: run, index }) =>
			(GLYPHS[run[0] as string] as number[][]).map((points) => {
				const pairs = Array.from({ length: points.length / 2 }, (_, i) => {
					const [h = 0, v = 0] = points.slice(2 * i);
					return `${round(x + (index + (h === 1 ? run.length : h)) * CELL)} ${round(y + v * LINE)}`;
				});
				return `M${pairs.join("L")}`;
			}),
		)
		.join("");
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const round = (pixels: number) => Math.round(pixels * 100) / 100;
const seconds = (ms: number) => `${round(ms / 1000)}s`;
const escaped = (text: string) =>
	text.replace(/[&<>"]/g, (found) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[found] as string);
