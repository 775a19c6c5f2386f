// Runs dist/hivemind-p2p as a user or a script would, and observes what it prints, how it ends and what a signal does
// to it. Waits for printed lines and for the end, never for a fixed time. The runner builds the executable first.
import { existsSync } from "node:fs";
import { join } from "node:path";

export const EXECUTABLE = join(import.meta.dir, "../../dist/hivemind-p2p");

export interface RunOptions {
	/** Added to an environment that otherwise has only PATH and a UTF-8 locale. */
	env?: Record<string, string>;
	cwd?: string;
	/** A command to put in front: it gets the executable and the arguments as its last arguments. */
	wrapper?: readonly string[];
}

export interface Finished {
	/** The exit status; 128 plus the signal's number if a signal ended the program. */
	status: number;
	stdout: string;
	stderr: string;
}

/** Runs the program to its end, with `stdin` as its standard input; empty when not given. */
export async function run(
	args: readonly string[],
	{ stdin = "", ...options }: RunOptions & { stdin?: string } = {},
): Promise<Finished> {
	await using program = start(args, options);
	program.type(stdin);
	program.endInput();
	return await program.exited;
}

/** Starts the program, which runs until it exits, a signal ends it, or it is disposed of. */
export function start(args: readonly string[], options: RunOptions = {}): Program {
	if (!existsSync(EXECUTABLE)) throw new Error(`${EXECUTABLE} is missing: build it first with 'bun run build'`);
	return new Program([...(options.wrapper ?? []), EXECUTABLE, ...args], options);
}

export class Program implements AsyncDisposable {
	/** Resolves when the program has ended and everything that it printed has been read. */
	readonly exited: Promise<Finished>;
	#child: Bun.Subprocess<"pipe", "pipe", "pipe">;
	#readers: { stdout: Reader; stderr: Reader };

	constructor(command: readonly string[], { env, cwd }: RunOptions) {
		this.#child = Bun.spawn([...command], {
			stdin: "pipe",
			stdout: "pipe",
			stderr: "pipe",
			env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8", ...env },
			...(cwd !== undefined && { cwd }),
			// A test that times out disposes of nothing: its programs must not run forever.
			timeout: 120_000,
			killSignal: "SIGKILL",
		});
		const stdout = new Reader(this.#child.stdout);
		const stderr = new Reader(this.#child.stderr);
		this.#readers = { stdout, stderr };
		this.exited = Promise.all([this.#child.exited, stdout.done, stderr.done]).then(([status]) => ({
			status,
			stdout: stdout.text,
			stderr: stderr.text,
		}));
	}

	get pid(): number {
		return this.#child.pid;
	}

	/** What it has printed so far. */
	get stdout(): string {
		return this.#readers.stdout.text;
	}

	get stderr(): string {
		return this.#readers.stderr.text;
	}

	/** The first whole line that matches, already printed or yet to come. Rejects if the program ends without one. */
	line(pattern: RegExp): Promise<RegExpExecArray> {
		const { stdout, stderr } = this.#readers;
		return Promise.any([stdout.line(pattern), stderr.line(pattern)]).catch(async () => {
			const { status } = await this.exited;
			throw new Error(
				`ended with ${status} without a line like ${pattern}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`,
			);
		});
	}

	/** Resolves once the text is on stdout, even in an unfinished line, like a question. */
	shows(text: string): Promise<void> {
		return this.#readers.stdout.shows(text);
	}

	signal(name: NodeJS.Signals): void {
		this.#child.kill(name);
	}

	/** Writes text to its standard input. */
	type(text: string): void {
		this.#child.stdin.write(text);
		void this.#child.stdin.flush();
	}

	endInput(): void {
		void this.#child.stdin.end();
	}

	/** Stops reading an output of the program and closes it. */
	hangUp(output: "stdout" | "stderr"): Promise<void> {
		return this.#readers[output].cancel();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
		await this.exited;
	}
}

// --- internal ---

/** Collects one output and hands out its lines. A spinner's `\r` ends a line, too. */
class Reader {
	text = "";
	readonly done: Promise<void>;
	#reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<void> };
	#lines: string[] = [];
	#rest = "";
	#ended = false;
	#waiting = new Set<() => void>();

	constructor(stream: ReadableStream<Uint8Array>) {
		this.#reader = stream.getReader();
		this.done = this.#collect();
	}

	line(pattern: RegExp): Promise<RegExpExecArray> {
		let seen = 0;
		return this.#until(() => {
			while (seen < this.#lines.length) {
				const found = pattern.exec(this.#lines[seen++] as string);
				if (found) return found;
			}
			return undefined;
		});
	}

	async shows(text: string): Promise<void> {
		await this.#until(() => this.text.includes(text) || undefined);
	}

	cancel(): Promise<void> {
		return this.#reader.cancel();
	}

	/** What `find` returns, which is called again after each piece that is read until it finds something. */
	#until<T>(find: () => T | undefined): Promise<T> {
		return new Promise((resolve, reject) => {
			const look = () => {
				const found = find();
				if (found === undefined && !this.#ended) return;
				this.#waiting.delete(look);
				if (found === undefined) reject(new Error("ended without it"));
				else resolve(found);
			};
			this.#waiting.add(look);
			look();
		});
	}

	async #collect(): Promise<void> {
		const decoder = new TextDecoder();
		for (;;) {
			const { done, value } = await this.#reader.read();
			const text = decoder.decode(value, { stream: !done });
			this.text += text;
			const lines = (this.#rest + text).split(/\r?\n|\r/);
			this.#rest = done ? "" : (lines.pop() as string);
			this.#lines.push(...lines);
			this.#ended = done;
			for (const look of this.#waiting) look();
			if (done) return;
		}
	}
}
