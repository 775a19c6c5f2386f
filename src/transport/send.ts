// The sending half of a QUIC stream: writes in fair pieces, and ends in exactly one of finish (acknowledged) or reset.
// Called by stream.ts. A blocked native write holds the half's lock, so a reset takes effect after it; a pending
// stopped() would do the same, and hangs for ever after a reset (measured), so it is only asked for after a finish.
import { Aborted, type Waiter } from "../forward/duplex.ts";
import { ChunkSize } from "./chunk-size.ts";
import { nativeReason, type SendStream, toNumbers } from "./iroh.ts";

export class SendHalf {
	/** Resolves when the native half has ended: everything acknowledged, or reset. */
	readonly over: Promise<void>;
	error: Aborted | undefined;
	#native: SendStream;
	#share = new ChunkSize();
	#writer: Waiter<void> | undefined;
	#prefix: Uint8Array | undefined;
	#flushing: Promise<void> | undefined;
	#finished = false;
	#lastWrite = Number.NEGATIVE_INFINITY;
	#resolveOver!: () => void;

	/** `prefix` travels in one flight with the first write, or alone when none comes at once. */
	constructor(native: SendStream, prefix?: Uint8Array) {
		this.#native = native;
		this.over = new Promise((resolve) => {
			this.#resolveOver = resolve;
		});
		this.#prefix = prefix;
		if (prefix) setImmediate(() => this.#flush());
	}

	/** Resolves when the transport has taken all of it. One call at a time. Rejects with Aborted when nobody reads. */
	async write(bytes: Uint8Array): Promise<void> {
		if (this.#flushing) await this.#flushing;
		const data = this.#withPrefix(bytes);
		for (let offset = 0; offset < data.length; ) {
			const piece = data.subarray(offset, offset + this.#share.piece());
			await this.#writePiece(piece);
			this.#share.moved(piece.length);
			offset += piece.length;
		}
	}

	/** Ends cleanly behind everything written; `over` resolves when the other side has acknowledged it. */
	async finish(): Promise<void> {
		await this.write(new Uint8Array(0));
		if (this.error) throw this.error;
		this.#finished = true;
		try {
			await this.#native.finish();
		} catch (error) {
			throw this.#lost(error);
		}
		// After the other side's stop a finish does nothing and the stream's slot leaks, unless it is reset (measured).
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
	 * Ends visibly; the writer that waits gets `error`. Bytes written within the last `graceMs` are given that time to
	 * be read, since a QUIC reset overtakes them. Does nothing after a finish. Idempotent.
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

	/** A write waits for the other side to read; until then no reset can leave. */
	get blocked(): boolean {
		return this.#writer !== undefined;
	}

	/** Nobody waits for these bytes; see {@link ChunkSize.counted}. */
	uncounted(): void {
		this.#share.counted = false;
	}

	// --- internal ---

	#flush(): void {
		if (!this.#prefix || this.error) return;
		const prefix = this.#withPrefix(new Uint8Array(0));
		this.#flushing = this.#writePiece(prefix).finally(() => {
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

	#writePiece(piece: Uint8Array): Promise<void> {
		if (this.error) return Promise.reject(this.error);
		return new Promise((resolve, reject) => {
			this.#writer = { resolve, reject };
			this.#native.writeAll(toNumbers(piece)).then(
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

	/** The other side stopped reading, or the connection is gone: the half is reset, or its slot would leak. */
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
