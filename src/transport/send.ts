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
	/** Bytes that wait for the next write, and what ends the wait. */
	#held: Uint8Array | undefined;
	#release: () => void = () => {};
	#flushing: Promise<void> | undefined;
	#finished = false;
	#lastWrite = Number.NEGATIVE_INFINITY;
	#resolveOver!: () => void;

	constructor(native: SendStream, scheduler: ChunkScheduler) {
		this.#native = native;
		this.#size = new ChunkSize(scheduler);
		this.over = new Promise((resolve) => {
			this.#resolveOver = resolve;
		});
	}

	/**
	 * Sends these first bytes together with the first write or the end, which saves a packet and a call on both sides, or
	 * alone when neither has come after `ms` milliseconds. `onFailure` is called when they could not be sent alone. To be
	 * called before any write.
	 */
	hold(bytes: Uint8Array, ms: number, onFailure = () => {}): void {
		this.#held = bytes;
		const flush = () => this.#flush()?.catch(onFailure);
		if (ms > 0) {
			const timer = setTimeout(flush, ms);
			this.#release = () => clearTimeout(timer);
		} else setImmediate(flush);
	}

	/** Resolves when the transport has taken everything. One call at a time. Rejects with Aborted when nobody reads. */
	async write(bytes: Uint8Array): Promise<void> {
		if (this.#flushing) await this.#flushing;
		const data = this.#withHeld(bytes);
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
		this.#release();
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

	/** Sends alone what was held, if it still is. */
	#flush(): Promise<void> | undefined {
		const held = this.#held;
		if (!held || this.error) return undefined;
		this.#held = undefined;
		this.#flushing = this.#writeChunk(held).finally(() => {
			this.#flushing = undefined;
		});
		return this.#flushing;
	}

	#withHeld(bytes: Uint8Array): Uint8Array {
		const held = this.#held;
		if (!held) return bytes;
		this.#release();
		this.#held = undefined;
		const both = new Uint8Array(held.length + bytes.length);
		both.set(held);
		both.set(bytes, held.length);
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
