// A QUIC bidirectional stream as Duplex: its two halves, the stream header, the hub's answer, and its end.
// Both native halves stay pinned until both have ended.
import { Aborted, type Duplex } from "../forward/duplex.ts";
import { RESET_GRACE_MS } from "../forward/limits.ts";
import { ACCEPTED, decodeHeader, HEADER_LENGTH, REFUSED } from "../protocol/stream-header.ts";
import type { ChunkScheduler } from "./chunk-size.ts";
import { type BiStream, pin, unpin } from "./iroh.ts";
import { ANSWER_MS, RESET_GRACE_MAX_MS } from "./limits.ts";
import { ReceiveHalf } from "./receive.ts";
import { SendHalf } from "./send.ts";

/** Error code of our resets and stops. The original program ignores it: it says no more than "not a clean end". */
const ABORT_CODE = 1n;

export interface StreamOptions {
	/** The transport's id of the stream, the same on both sides. */
	id: string;
	/** Sent together with the first data, or alone when there is none within `holdMs`. */
	prefix?: Uint8Array;
	holdMs?: number;
	/** Whether its data is in frames; see CompressedDuplex. False when not given. */
	framed?: boolean;
	/** Called once, with the first data: whether it was ours. */
	onFirstData?: (ours: boolean) => void;
	/**
	 * The first byte read is the hub's answer and not data. Any answer but "accepted" aborts the stream, and so does none
	 * within {@link ANSWER_MS}.
	 */
	expectAnswer?: boolean;
	/** Shared by all streams of this thread. */
	scheduler: ChunkScheduler;
	/** The connection's round trip in milliseconds. */
	rtt: () => number;
	/** Whether the connection is over. */
	isLost: () => boolean;
	/** Called with the stream's id when an abort cannot reach the other side by itself. */
	onStuckAbort: (id: string) => void;
}

export class QuicStream implements Duplex {
	readonly closed: Promise<Error | undefined>;
	/** What the hub answered to our header; "none" where no answer is expected. */
	answer: "none" | "pending" | "accepted" | "refused";
	/** The transport's id of the stream, the same on both sides. */
	readonly id: string;
	/** Its data is in frames: read and written through a CompressedDuplex. */
	readonly framed: boolean;
	#send: SendHalf;
	#receive: ReceiveHalf;
	#rtt: () => number;
	#isLost: () => boolean;
	#onStuckAbort: (id: string) => void;
	#onFirstData: ((ours: boolean) => void) | undefined;

	constructor(bi: BiStream, options: StreamOptions) {
		const handles = [bi, bi.send, bi.recv] as const;
		for (const handle of handles) pin(handle);
		this.id = options.id;
		this.framed = options.framed ?? false;
		this.#send = new SendHalf(handles[1], options.scheduler);
		if (options.prefix) this.#send.hold(options.prefix, options.holdMs ?? 0);
		this.#receive = new ReceiveHalf(handles[2], options.scheduler);
		this.answer = options.expectAnswer ? "pending" : "none";
		this.#rtt = options.rtt;
		this.#isLost = options.isLost;
		this.#onStuckAbort = options.onStuckAbort;
		this.#onFirstData = options.onFirstData;
		this.closed = Promise.all([this.#send.over, this.#receive.over]).then(() => {
			for (const handle of handles) unpin(handle);
			return this.#receive.error ?? this.#send.error;
		});
	}

	/** Whether its connection was over before the hub had answered; the binding is asked only where that may be. */
	get lost(): boolean {
		return this.answer !== "accepted" && this.#isLost();
	}

	get ended(): boolean {
		return this.#receive.ended;
	}

	read(): Promise<Uint8Array | null> {
		return this.answer === "pending" ? this.#readAnswer() : this.#receive.read();
	}

	write(bytes: Uint8Array): Promise<void> {
		if (this.#onFirstData) this.#firstData(true);
		return this.#send.write(bytes);
	}

	end(): Promise<void> {
		return this.#send.finish();
	}

	/** It carries control messages: transfers need not make room for them. */
	uncounted(): void {
		this.#send.uncounted();
		this.#receive.uncounted();
	}

	cancel(): void {
		this.#receive.stop(new Aborted("not read to the end"), ABORT_CODE);
	}

	abort(error = new Aborted("aborted here")): void {
		// A blocked write holds the reset back; only a control message reaches the other side then.
		if (this.#send.blocked) this.#onStuckAbort(this.id);
		const grace = Math.min(RESET_GRACE_MAX_MS, RESET_GRACE_MS + 4 * this.#rtt());
		this.#send.reset(error, ABORT_CODE, grace);
		this.#receive.stop(error, ABORT_CODE);
	}

	/**
	 * Reads the stream header and leaves the data behind it to be read. Resolves with the port id, or with undefined when
	 * the bytes are not a valid header. Rejects with Aborted when the stream was reset. The caller bounds the wait.
	 */
	async readHeader(): Promise<number | undefined> {
		const header = new Uint8Array(HEADER_LENGTH);
		for (let length = 0; length < HEADER_LENGTH; ) {
			const bytes = await this.#receive.read();
			if (!bytes) return undefined;
			const taken = bytes.subarray(0, HEADER_LENGTH - length);
			header.set(taken, length);
			length += taken.length;
			this.#receive.unread(bytes.subarray(taken.length));
		}
		return decodeHeader(header);
	}

	/**
	 * Tells the peer that its service is connected: together with the service's first bytes, or alone after `holdMs`. The
	 * stream is aborted if the peer has stopped reading by then. To be called before any write.
	 */
	accept(holdMs: number): void {
		this.#send.hold(Uint8Array.of(ACCEPTED), holdMs, () => this.abort());
	}

	/** Tells the peer that its stream is refused, and ends it. Stops waiting for a header that is still missing. */
	async refuse(): Promise<void> {
		this.cancel();
		try {
			await this.write(Uint8Array.of(REFUSED));
			await this.end();
		} catch {
			// The peer is gone and needs no answer.
		}
	}

	// --- internal ---

	async #readAnswer(): Promise<Uint8Array | null> {
		const timer = setTimeout(() => this.abort(new Aborted("no answer from the hub")), ANSWER_MS);
		const bytes = await this.#receive.read().finally(() => clearTimeout(timer));
		if (bytes?.[0] !== ACCEPTED) {
			this.answer = "refused";
			const error = new Aborted("refused by the hub");
			this.abort(error);
			throw error;
		}
		this.answer = "accepted";
		const data = bytes.length > 1 ? bytes.subarray(1) : await this.#receive.read();
		if (data) this.#firstData(false);
		return data;
	}

	#firstData(ours: boolean): void {
		this.#onFirstData?.(ours);
		this.#onFirstData = undefined;
	}
}
