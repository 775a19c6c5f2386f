// Standard input, line by line, and questions on the terminal. Whoever makes an Input closes it; there is one for a
// command, because standard input that was given up cannot be read again.
import { prompt } from "../base/output.ts";
import { isTerminal, STDERR, STDIN } from "../base/stdio.ts";
import { aborted } from "../base/timers.ts";
import { maybeMore } from "../invite/pasted.ts";
import { PASTE_MS, SECRET_LINE_MAX } from "./limits.ts";

/** Standard input, line by line. What reads rejects with the reason of `stop` when that is aborted. */
export class Input {
	#lines = stdinLines();
	/** The next line, once it has been asked for. */
	#next: Promise<IteratorResult<string, void>> | undefined;
	#stop: AbortSignal;

	constructor(stop: AbortSignal) {
		this.#stop = stop;
	}

	/** Whether there is a person at a terminal who can be asked. */
	get canAsk(): boolean {
		return isTerminal(STDIN) && isTerminal(STDERR);
	}

	/** Asks on the terminal and resolves with the answer; undefined without a person, or when the input ends (Ctrl+D). */
	async ask(question: string): Promise<string | undefined> {
		if (!this.canAsk) return undefined;
		prompt(question);
		return this.line();
	}

	/** The same, for an answer that is pasted: see {@link paste}. */
	async askForPaste(question: string): Promise<string | undefined> {
		if (!this.canAsk) return undefined;
		prompt(question);
		return this.paste();
	}

	/** The next line, and those that come with it where a ticket was wrapped; empty when the input has ended. */
	async paste(): Promise<string> {
		let text = (await this.line()) ?? "";
		while (maybeMore(text) && text.length < SECRET_LINE_MAX) {
			const more = await this.line(Bun.sleep(PASTE_MS));
			if (more === undefined) break;
			text += `\n${more}`;
		}
		return text;
	}

	/** The next line without white space around it; undefined when the input has ended, or `late` resolves before. */
	async line(late: Promise<void> = new Promise(() => {})): Promise<string | undefined> {
		this.#next ??= this.#lines.next();
		const stopped = aborted(this.#stop).then(() => {
			throw this.#stop.reason;
		});
		const next = await Promise.race([this.#next, late, stopped]);
		if (!next) return undefined;
		this.#next = undefined;
		return next.done ? undefined : next.value;
	}

	/** Lets standard input go. Idempotent. */
	close(): void {
		// Not awaited: it waits for a line that is being read.
		void this.#lines.return();
	}
}

// --- internal ---

/** One stream for all lines: when it is given up, standard input cannot be read again. */
async function* stdinLines(): AsyncGenerator<string, void> {
	const decoder = new TextDecoder();
	let text = "";
	for await (const chunk of Bun.stdin.stream()) {
		text += decoder.decode(chunk, { stream: true });
		while (text.includes("\n") || text.length > SECRET_LINE_MAX) {
			const [line = ""] = text.split("\n", 1);
			text = text.slice(line.length + 1);
			yield line.trim();
		}
	}
	if (text !== "") yield text.trim();
}
