// The sending half of a QUIC stream: writes in chunks, and ends in exactly one of finish (acknowledged) or reset. A
// blocked native write holds the half's lock, so a reset takes effect only after it. A pending stopped() would hold it
// too, and never returns after a reset, so it is called after a finish only (docs/binding-notes.md, "Streams").
import { Aborted, type Waiter } from "../forward/duplex.ts";
import { type ChunkScheduler, ChunkSize } from "./chunk-size.ts";
import { nativeReason, type SendStream, toNative } from "./iroh.ts";

export class SendHalf {
	/** Resolves when the native half has ended: everything acknowledged, or reset. */
	readonly over: Promise<void>;
	error: Aborted | undefined;
	#native: SendStream;
	#size: ChunkSize;
	#writer: Waiter<void> | undefined;
	#prefix: Uint8Array | undefined;
	#flushing: Promise<void> | undefined;
	#finished = false;
	#lastWrite = Number.NEGATIVE_INFINITY;
	#resolveOver!: () => void;

	/** `prefix` is sent together with the first write, or alone when no write follows at once. */
	constructor(native: SendStream, scheduler: ChunkScheduler, prefix?: Uint8Array) {
		this.#native = native;
		this.#size = new ChunkSize(scheduler);
		this.over = new Promise((resolve) => {
			this.#resolveOver = resolve;
		});
		this.#prefix = prefix;
		if (prefix) setImmediate(() => this.#flush());
	}

	/** Resolves when the transport has taken everything. One call at a time. Rejects with Aborted when nobody reads. */
	async write(bytes: Uint8Array): Promise<void> {
		if (this.#flushing) await this.#flushing;
		const data = this.#withPrefix(bytes);
		for (let offset = 0; offset < data.length; ) {
			const chunk = data.subarray(offset, offset + this.#size.chunk());
			await this.#writeChunk(chunk);
			this.#size.moved(chunk.length);
			offset += chunk.length;
		}
	}

	/** Ends cleanly after everything written; `over` resolves when the other side has acknowledged it. */
	async finish(): Promise<void> {
		await this.write(new Uint8Array(0));
		if (this.error) throw this.error;
		this.#finished = true;
		try {
			await this.#native.finish();
		} catch (error) {
			throw this.#lost(error);
		}
		// After a stop by the other side a finish does nothing: without a reset the stream's slot would leak
		// (docs/binding-notes.md, "Concurrency").
		this.#native
			.stopped()
			.then((code) => {
				if (code === null) return undefined;
				this.#fail(new Aborted("the other side did not read to the end"));
				return this.#native.reset(BigInt(code));
			})
			.catch((error: unknown) => this.#fail(new Aborted(`stream lost: ${nativeReason(error)}`, { cause: error })))
			.finally(this.#resolveOver);
	}

	/**
	 * Ends with a reset; a waiting writer gets `error`. A QUIC reset overtakes bytes, so it waits until those last
	 * written have had `graceMs` to be read. Does nothing after a finish. Idempotent.
	 */
	reset(error: Aborted, code: bigint, graceMs: number): void {
		if (this.#finished || this.error) return;
		const blocked = this.#writer !== undefined;
		this.#fail(error);
		const resetNow = () => {
			this.#native.reset(code).then(this.#resolveOver, this.#resolveOver);
		};
		const left = this.#lastWrite + graceMs - performance.now();
		if (blocked || left <= 0) resetNow();
		else setTimeout(resetNow, left);
	}

	/** A write is waiting for the other side to read; until it returns no reset can be sent. */
	get blocked(): boolean {
		return this.#writer !== undefined;
	}

	/** Other streams need not make room for this one; see {@link ChunkSize.counted}. */
	uncounted(): void {
		this.#size.counted = false;
	}

	// --- internal ---

	#flush(): void {
		if (!this.#prefix || this.error) return;
		const prefix = this.#withPrefix(new Uint8Array(0));
		this.#flushing = this.#writeChunk(prefix).finally(() => {
			this.#flushing = undefined;
		});
		this.#flushing.catch(() => {});
	}

	#withPrefix(bytes: Uint8Array): Uint8Array {
		const prefix = this.#prefix;
		if (!prefix) return bytes;
		this.#prefix = undefined;
		const both = new Uint8Array(prefix.length + bytes.length);
		both.set(prefix);
		both.set(bytes, prefix.length);
		return both;
	}

	#writeChunk(chunk: Uint8Array): Promise<void> {
		if (this.error) return Promise.reject(this.error);
		return new Promise((resolve, reject) => {
			this.#writer = { resolve, reject };
			this.#native.writeAll(toNative(chunk)).then(
				() => {
					this.#lastWrite = performance.now();
					this.#writer = undefined;
					resolve();
				},
				(error: unknown) => {
					this.#lost(error);
				},
			);
		});
	}

	/** The other side stopped reading, or the connection was lost. Without a reset the stream's slot would leak. */
	#lost(error: unknown): Aborted {
		const lost = new Aborted(`stream lost: ${nativeReason(error)}`, { cause: error });
		this.#fail(lost);
		this.#native.reset(0n).then(this.#resolveOver, this.#resolveOver);
		return lost;
	}

	#fail(error: Aborted): void {
		this.error ??= error;
		this.#writer?.reject(this.error);
		this.#writer = undefined;
	}
}
