// What a person sees: results on stdout, talk and logs on stderr. The only user of consola.
// Called by whoever has something to say. Results are what a script wants; everything else is talk.
import { createConsola, type LogLevel } from "consola";
import { SILENCE_MS } from "./limits.ts";

const isTTY = process.stderr.isTTY === true;
const colours = isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const paint = (code: number, text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);

const COLOUR: Record<string, number> = { error: 31, fatal: 31, warn: 33, info: 36, debug: 90, trace: 90 };

/** Logs on stderr, as deep as {@link setVerbosity} says: errors only, until told otherwise. */
export const log = createConsola({
	level: 0,
	// What may come often is rationed where it comes from (rate-limiter.ts); consola itself would hold back, and say it later.
	throttle: 0,
	reporters: [
		{
			log: ({ type, args }) => {
				talk(`${paint(COLOUR[type] ?? 36, `${type}:`)} ${args.map(String).join(" ")}`);
			},
		},
	],
});

/** `-v` warnings, `-vv` info, `-vvv` debug, `-vvvv` trace. */
export function setVerbosity(count: number): void {
	const levels: LogLevel[] = [0, 1, 3, 4, 5];
	log.level = levels[Math.min(count, 4)] ?? 5;
}

/** A result, on stdout. A reader that went away (`| head`) is no error. */
export function print(text: string): void {
	process.stdout.write(`${text}\n`);
}

/** A question, on stderr, with the cursor behind it. */
export function prompt(question: string): void {
	process.stderr.write(question);
}

/** Talk, on stderr; never parsed by scripts. */
export function talk(text: string): void {
	clearSpinner();
	process.stderr.write(`${text}\n`);
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/** A title as a box of 80 columns; one plain line where stdout is no terminal or not UTF-8. */
export function box(title: string): string {
	if (!boxes()) return title;
	const width = Math.max(76, Bun.stringWidth(title));
	const line = "═".repeat(width + 2);
	return `╔${line}╗\n║ ${title}${" ".repeat(width - Bun.stringWidth(title))} ║\n╚${line}╝`;
}

/** A small box for one thing that is read aloud; a plain line where {@link box} is one. */
export function panel(text: string): string {
	if (!boxes()) return text;
	const width = Math.max(36, Bun.stringWidth(text));
	const line = "─".repeat(width + 4);
	return `┌${line}┐\n│  ${text}${" ".repeat(width - Bun.stringWidth(text))}  │\n└${line}┘`;
}

/** Resolves as `work` does; when that takes longer than {@link SILENCE_MS}, says what is being waited for. */
export async function waiting<T>(what: string, work: Promise<T>): Promise<T> {
	const wait = waitingFor(what);
	try {
		return await work;
	} finally {
		wait.end();
	}
}

/** The same for a wait in several steps: each is said when it takes longer than {@link SILENCE_MS}. */
export function waitingFor(first: string): { change(what: string): void; end(): void } {
	let what = first;
	let timer: Timer | undefined;
	let ticker: Timer | undefined;
	const start = () => {
		timer = setTimeout(() => {
			if (!isTTY) return talk(`Waiting for ${what} …`);
			let frame = 0;
			ticker = setInterval(() => {
				process.stderr.write(`\r${FRAMES[frame++ % FRAMES.length]} Waiting for ${what} …`);
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

const FRAMES = isUtf8() ? [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"] : [..."|/-\\"];
let spinning = false;

function clearSpinner(): void {
	if (spinning) process.stderr.write("\r\x1b[K");
	spinning = false;
}

const boxes = (): boolean => process.stdout.isTTY === true && isUtf8();

function isUtf8(): boolean {
	if (process.platform !== "linux") return true;
	const { LC_ALL, LC_CTYPE, LANG } = process.env;
	return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}
