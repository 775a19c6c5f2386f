// Text on its way to a terminal, a pipe or a file. Pushing never waits: a reader that stops reading (Ctrl+S, a selection
// in a Windows console, a full pipe) must not hold up the program. What does not fit into the bound is dropped.

import { FLUSH_STALL_MS, OUTPUT_QUEUE } from "./limits.ts";
import { STDERR, type writeSome } from "./stdio.ts";

export interface OutputQueueOptions {
	write: typeof writeSome;
	/** Where to say how much was dropped, on stderr; this queue itself when not given. */
	notes?: OutputQueue;
}

interface Piece {
	fd: number;
	bytes: Uint8Array;
}

export class OutputQueue {
	readonly #write: typeof writeSome;
	readonly #notes: OutputQueue;
	/** Not begun, oldest first, and their bytes. */
	readonly #waiting: Piece[] = [];
	#bytes = 0;
	/** Lines dropped since the last note. */
	#dropped = 0;
	/** How many writes have got anywhere. */
	#progress = 0;
	#running: Promise<void> | undefined;

	constructor({ write, notes }: OutputQueueOptions) {
		this.#write = write;
		this.#notes = notes ?? this;
	}

	/** Whether everything is written. */
	get idle(): boolean {
		return this.#running === undefined;
	}

	/** Queues text for a descriptor, after everything that was pushed before it, and drops the oldest for it if need be. */
	push(fd: number, text: string): void {
		const bytes = Buffer.from(text);
		this.#waiting.push({ fd, bytes });
		this.#bytes += bytes.length;
		while (this.#bytes > OUTPUT_QUEUE && this.#waiting.length > 1) this.#drop();
		this.#running ??= this.#run();
	}

	/** Resolves when everything is written, or when nothing was for {@link FLUSH_STALL_MS}: then nobody reads. */
	async flush(): Promise<void> {
		let before: number | undefined;
		while (this.#running && before !== this.#progress) {
			before = this.#progress;
			await Promise.race([this.#running, Bun.sleep(FLUSH_STALL_MS)]);
		}
	}

	// --- internal ---

	#take(): Piece | undefined {
		const piece = this.#waiting.shift();
		this.#bytes -= piece?.bytes.length ?? 0;
		return piece;
	}

	#drop(): void {
		for (const byte of this.#take()?.bytes ?? []) if (byte === NEWLINE) this.#dropped++;
	}

	async #run(): Promise<void> {
		for (let piece = this.#take(); piece; piece = this.#take()) {
			await this.#finish(piece);
			if (this.#dropped > 0) await this.#note();
		}
		// Here and not in a callback: what is pushed from now on needs another run.
		this.#running = undefined;
	}

	/** Writes all of a piece: half a line is worse than none. What cannot be written (EPIPE, EIO) is forgotten. */
	async #finish({ fd, bytes }: Piece): Promise<void> {
		try {
			for (let done = 0; done < bytes.length; ) {
				const written = await this.#write(fd, bytes.subarray(done));
				done += written;
				if (written > 0) this.#progress++;
			}
		} catch {
			this.#progress++;
		}
	}

	async #note(): Promise<void> {
		const lines = this.#dropped === 1 ? "1 line of output was" : `${this.#dropped} lines of output were`;
		const text = `… ${lines} dropped: nobody was reading.\n`;
		this.#dropped = 0;
		if (this.#notes === this) await this.#finish({ fd: STDERR, bytes: Buffer.from(text) });
		else this.#notes.push(STDERR, text);
	}
}

const NEWLINE = 10;
