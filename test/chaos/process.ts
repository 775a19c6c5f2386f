// The programs of a chaos run. Each is started on its host, its lines are kept with their times, and it ends with us,
// however we end.
import { existsSync } from "node:fs";

/** The last lines of each program are kept, for a report of what went wrong. */
const LINES_MAX = 2_000;

/** No program of a chaos run lives longer. */
const LIFE_MS = 180_000;

/** Makes the kernel kill the program when we are gone: a test runner that is killed cannot clean up. */
const WITH_US = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];

export interface Line {
	/** `performance.now()` when it came. */
	at: number;
	text: string;
}

export class Process implements AsyncDisposable {
	readonly name: string;
	/** What it has printed, on either output. */
	readonly lines: Line[] = [];
	readonly exited: Promise<number>;
	/** Called with every whole line. */
	onLine: (line: string) => void = () => {};
	#child: Bun.Subprocess<"pipe", "pipe", "pipe">;

	/** `host` are the words that run a command on its host; that program must replace itself with the command. */
	constructor(name: string, host: readonly string[], command: readonly string[]) {
		this.name = name;
		this.#child = Bun.spawn([...host, ...WITH_US, ...command], {
			stdin: "pipe",
			stdout: "pipe",
			stderr: "pipe",
			env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8" },
			timeout: LIFE_MS,
			killSignal: "SIGKILL",
		});
		const outputs = [this.#read(this.#child.stdout), this.#read(this.#child.stderr)];
		this.exited = Promise.all([this.#child.exited, ...outputs]).then(([status]) => status);
	}

	get pid(): number {
		return this.#child.pid;
	}

	signal(name: NodeJS.Signals): void {
		this.#child.kill(name);
	}

	/** The first matching line, already printed or yet to come. Rejects if the program ends without one, or it takes too long. */
	async line(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
		const deadline = performance.now() + timeoutMs;
		let over = false;
		void this.exited.then(() => {
			over = true;
		});
		for (let seen = 0; ; await Bun.sleep(5)) {
			const ended = over;
			for (; seen < this.lines.length; seen++) {
				const found = pattern.exec((this.lines[seen] as Line).text);
				if (found) return found;
			}
			if (ended) throw new Error(`${this.name} ended without a line like ${pattern}\n${this.report(0)}`);
			if (performance.now() > deadline) throw new Error(`${this.name}: no line like ${pattern}\n${this.report(0)}`);
		}
	}

	/** Its lines, with seconds since `zero`. */
	report(zero: number): string {
		return this.lines
			.map(({ at, text }) => `${((at - zero) / 1000).toFixed(2).padStart(8)}  ${this.name}: ${text}\n`)
			.join("");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.exited;
	}

	// --- internal ---

	async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
		const decoder = new TextDecoder();
		let rest = "";
		for await (const bytes of stream) {
			const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
			rest = lines.pop() as string;
			for (const text of lines) {
				this.lines.push({ at: performance.now(), text });
				this.onLine(text);
			}
			// Only `line` reads from the start, and only while a program is starting.
			if (this.lines.length > LINES_MAX) this.lines.splice(0, this.lines.length - LINES_MAX / 2);
		}
	}
}
