// The receiving half of a QUIC stream: reads only while somebody wants the bytes, and ends in exactly one of end of
// stream, reset by the sender, or stop. A pending native read holds the half's lock, so a stop takes effect only after
// that read returns (docs/binding-notes.md, "Streams").
import { Aborted, type Waiter } from "../forward/duplex.ts";
import { type ChunkScheduler, ChunkSize } from "./chunk-size.ts";
import { fromNative, nativeReason, type RecvStream } from "./iroh.ts";

export class ReceiveHalf {
	/** Resolves when the native half has ended. */
	readonly over: Promise<void>;
	/** The sender finished, and everything was received. */
	ended = false;
	error: Aborted | undefined;
	#native: RecvStream;
	#size: ChunkSize;
	#reader: Waiter<Uint8Array | null> | undefined;
	#buffered: Uint8Array[] = [];
	#pulling = false;
	#more = false;
	#resolveOver!: () => void;

	constructor(native: RecvStream, scheduler: ChunkScheduler) {
		this.#native = native;
		this.#size = new ChunkSize(scheduler);
		this.over = new Promise((resolve) => {
			this.#resolveOver = resolve;
		});
	}

	/** The next bytes, or null at the end. One call at a time. Rejects with Aborted after a reset or a stop. */
	read(): Promise<Uint8Array | null> {
		const bytes = this.#buffered.shift();
		if (bytes) {
			if (this.#more && this.#buffered.length === 0) this.#pull();
			return Promise.resolve(bytes);
		}
		if (this.error) return Promise.reject(this.error);
		if (this.ended) return Promise.resolve(null);
		return new Promise((resolve, reject) => {
			this.#reader = { resolve, reject };
			this.#pull();
		});
	}

	/** Puts bytes back, to be read next. */
	unread(bytes: Uint8Array): void {
		if (bytes.length > 0) this.#buffered.unshift(bytes);
	}

	/** Stops reading and tells the sender; a waiting reader gets `error`. Idempotent. */
	stop(error: Aborted, code: bigint): void {
		const unread = this.#buffered.length > 0;
		this.#buffered = [];
		if (this.error || (this.ended && !unread)) return;
		this.#fail(error);
		if (this.ended) return;
		this.#native.stop(code).then(this.#resolveOver, this.#resolveOver);
	}

	/** Other streams need not make room for this one; see {@link ChunkSize.counted}. */
	uncounted(): void {
		this.#size.counted = false;
	}

	// --- internal ---

	#pull(): void {
		if (this.#pulling || this.ended || this.error) return;
		this.#pulling = true;
		const asked = this.#size.readSize();
		this.#native.read(asked).then(
			(returned) => this.#received(returned, asked),
			(error: unknown) => this.#lost(error),
		);
	}

	#received(returned: number[], asked: number): void {
		this.#pulling = false;
		// After a stop or a reset the binding reads nothing, which looks like the end (docs/binding-notes.md, "Streams").
		if (this.error) return;
		const reader = this.#reader;
		this.#reader = undefined;
		if (returned.length === 0) {
			this.ended = true;
			reader?.resolve(null);
			this.#resolveOver();
			return;
		}
		const bytes = fromNative(returned);
		this.#size.moved(bytes.length, asked);
		// A full read means that more is waiting: fetch it while these bytes are being written.
		this.#more = bytes.length === asked;
		if (!reader) {
			this.#buffered.push(bytes);
			return;
		}
		reader.resolve(bytes);
		if (this.#more) this.#pull();
	}

	/** The sender reset the stream, or the connection was lost. */
	#lost(error: unknown): void {
		this.#pulling = false;
		this.#fail(new Aborted(`stream lost: ${nativeReason(error)}`, { cause: error }));
		this.#resolveOver();
	}

	#fail(error: Aborted): void {
		this.error ??= error;
		this.#reader?.reject(this.error);
		this.#reader = undefined;
	}
}
