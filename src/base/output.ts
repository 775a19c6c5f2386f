// What a person sees. stdout carries results, which a script may read; stderr carries messages and logs, which none
// should. Nothing here waits for a reader. The only user of consola.
import { createConsola, type LogLevel } from "consola/core";
import { PANEL_MS, SILENCE_MS } from "./limits.ts";
import { LiveRegion } from "./live-region.ts";
import { OutputQueue } from "./output-queue.ts";
import { isTerminal, STDERR, STDOUT, sameTarget, terminalColumns, writeSome } from "./stdio.ts";

const messages = new OutputQueue({ write: writeSome });
// One queue for one terminal: its order is what a person reads.
const results = sameTarget(STDOUT, STDERR) ? messages : new OutputQueue({ write: writeSome, notes: messages });

/** Takes text at once, whether or not anybody reads it. */
export const stdout = { write: (text: string): void => results.push(STDOUT, aroundPanel(text)) };
export const stderr = { write: (text: string): void => messages.push(STDERR, aroundPanel(text)) };

/** Resolves when everything is written, or as soon as a reader takes nothing more; to be awaited before the exit. */
export async function flushOutput(): Promise<void> {
	await Promise.all([results.flush(), messages.flush()]);
}

const COLOUR: Record<string, number> = { error: 31, fatal: 31, warn: 33, info: 36, debug: 90, trace: 90 };

/** Logs on stderr, down to the level of {@link setVerbosity}: errors only, until that is called. */
export const log = createConsola({
	level: 0,
	// Whatever may repeat is limited at its source (rate-limiter.ts). consola would hold lines back and print them late.
	throttle: 0,
	reporters: [
		{
			log: ({ type, args }) => {
				notice(`${paint(COLOUR[type] ?? 36, `${type}:`)} ${args.map(String).join(" ")}`);
			},
		},
	],
});

/** `-v` warnings, `-vv` info, `-vvv` debug, `-vvvv` trace. */
export function setVerbosity(count: number): void {
	const levels: LogLevel[] = [0, 1, 3, 4, 5];
	log.level = levels[Math.min(count, 4)] ?? 5;
}

/** A result, on stdout. It is not an error when the reader has gone (`| head`). Nothing after {@link useEvents}. */
export function print(text: string): void {
	if (!events) stdout.write(`${text}\n`);
}

/** From now on stdout has only events for programs: {@link printEvent} writes, and {@link print} does not. */
export function useEvents(): void {
	events = true;
}

/** An event on stdout, as a line of JSON; nothing without {@link useEvents}. */
export function printEvent(event: object): void {
	if (events) stdout.write(`${JSON.stringify(event)}\n`);
}

/** Whether a panel can be shown: both outputs are one terminal, and it can move its cursor. */
export function canShowPanel(): boolean {
	return !events && messages === results && isTerminal(STDOUT) && process.env.TERM !== "dumb";
}

/**
 * Keeps the lines that `render` returns below everything else on the terminal, and asks for them again every
 * {@link PANEL_MS}. `columns` is how wide a line may be. Returns what removes them; idempotent.
 */
export function showPanel(render: (columns: number) => readonly string[]): () => void {
	const draw = () => {
		// Not while nobody reads: a picture is worth nothing later on.
		if (!messages.idle) return;
		const columns = terminalColumns();
		const lines = render(columns - 1);
		if (!region.shows(lines)) messages.push(STDOUT, region.erase(columns) + region.draw(lines));
		panelLines = lines;
	};
	const timer = setInterval(draw, PANEL_MS);
	draw();
	return () => {
		clearInterval(timer);
		panelLines = [];
		const erased = region.erase(terminalColumns());
		if (erased) messages.push(STDOUT, erased);
	};
}

/** A question, on stderr; the cursor stays behind it. */
export function prompt(question: string): void {
	stderr.write(question);
}

/** A message, on stderr. */
export function notice(text: string): void {
	clearSpinner();
	stderr.write(`${text}\n`);
}

/** A title in a box of 80 columns; one plain line where stdout is not a terminal or not UTF-8. */
export function box(title: string): string {
	if (!boxes()) return title;
	const width = Math.max(76, Bun.stringWidth(title));
	const line = "═".repeat(width + 2);
	return `╔${line}╗\n║ ${title}${" ".repeat(width - Bun.stringWidth(title))} ║\n╚${line}╝`;
}

/** A small box for something to be read aloud; a plain line where {@link box} is one, too. */
export function panel(text: string): string {
	if (!boxes()) return text;
	const width = Math.max(36, Bun.stringWidth(text));
	const line = "─".repeat(width + 4);
	return `┌${line}┐\n│  ${text}${" ".repeat(width - Bun.stringWidth(text))}  │\n└${line}┘`;
}

/** An arrow to the right; two characters where {@link box} is a plain line. */
export function arrow(): string {
	return boxes() ? "→" : "->";
}

/** A wait, in one step or in several: says each one that takes longer than {@link SILENCE_MS}. */
export function waitingFor(first: string): { change(what: string): void; end(): void } {
	let what = first;
	let timer: Timer | undefined;
	let ticker: Timer | undefined;
	const start = () => {
		timer = setTimeout(() => {
			if (!isTerminal(STDERR)) return notice(`Waiting for ${what} …`);
			let frame = 0;
			ticker = setInterval(() => {
				// A picture is worth nothing later on.
				if (!messages.idle) return;
				stderr.write(`\r${FRAMES[frame++ % FRAMES.length]} Waiting for ${what} …`);
				spinning = true;
			}, 100);
		}, SILENCE_MS);
	};
	const end = () => {
		clearTimeout(timer);
		clearInterval(ticker);
		clearSpinner();
	};
	start();
	return {
		change(next) {
			if (next === what) return;
			end();
			what = next;
			start();
		},
		end,
	};
}

// --- internal ---

let events = false;

const region = new LiveRegion();
/** What {@link showPanel} keeps below everything else. */
let panelLines: readonly string[] = [];

/** Text that ends within a line is a spinner or a question: the panel comes back after the next whole line. */
function aroundPanel(text: string): string {
	if (panelLines.length === 0) return text;
	return region.erase(terminalColumns()) + text + (text.endsWith("\n") ? region.draw(panelLines) : "");
}

const FRAMES = isUtf8() ? [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"] : [..."|/-\\"];
let spinning = false;

function clearSpinner(): void {
	if (spinning) stderr.write("\r\x1b[K");
	spinning = false;
}

const boxes = (): boolean => isTerminal(STDOUT) && isUtf8();

/** Coloured text, where there are colours. */
export function paint(code: number, text: string): string {
	const colours = isTerminal(STDERR) && !process.env.NO_COLOR && process.env.TERM !== "dumb";
	return colours ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Whether the terminal shows more than ASCII. */
export function isUtf8(): boolean {
	if (process.platform !== "linux") return true;
	const { LC_ALL, LC_CTYPE, LANG } = process.env;
	return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}
