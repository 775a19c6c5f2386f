// One QUIC bidirectional stream as Duplex: its two halves, the header and the answer on it, and its end.
// Made by connection.ts; called by link.ts, guest.ts, serve.ts and join.ts (which bridges it).
import { Aborted, type Duplex } from "../forward/duplex.ts";
import { RESET_GRACE_MAX_MS, RESET_GRACE_MS } from "../forward/limits.ts";
import { ACCEPTED, decodeHeader, HEADER_LENGTH, REFUSED } from "../protocol/stream-header.ts";
import { type BiStream, pin, unpin } from "./iroh.ts";
import { ANSWER_MS } from "./limits.ts";
import { ReceiveHalf } from "./receive.ts";
import { SendHalf } from "./send.ts";

/** Error code of our resets and stops: the original reads none, so the value says only "not a clean end". */
const ABORT_CODE = 1n;

export interface StreamOptions {
	/** Travels in one flight with the first data, or alone when there is none yet. */
	prefix?: Uint8Array;
	/**
	 * The first byte read is the hub's answer and not data; anything but "accepted" aborts the stream, and so does none
	 * for {@link ANSWER_MS}.
	 */
	expectAnswer?: boolean;
	/** The connection's round trip in milliseconds. */
	rtt: () => number;
	/** Whether the connection is over. */
	isLost?: () => boolean;
	/** Told the stream's id when an abort cannot reach the other side by itself. */
	onStuckAbort?: (id: string) => void;
}

export class QuicStream implements Duplex {
	readonly closed: Promise<Error | undefined>;
	/** The hub answered our header with something else than "accepted". */
	refused = false;
	/** The hub answered that the service is connected. */
	accepted = false;
	#send: SendHalf;
	#receive: ReceiveHalf;
	#expectAnswer: boolean;
	/** The transport's id of the stream, the same on both sides; "" in the first moments. */
	id = "";
	#rtt: () => number;
	#isLost: () => boolean;
	#onStuckAbort: (id: string) => void;

	constructor(bi: BiStream, options: StreamOptions) {
		const handles = [bi, bi.send, bi.recv] as const;
		for (const handle of handles) pin(handle);
		this.#send = new SendHalf(handles[1], options.prefix);
		this.#receive = new ReceiveHalf(handles[2]);
		this.#expectAnswer = options.expectAnswer ?? false;
		this.#rtt = options.rtt;
		this.#isLost = options.isLost ?? (() => false);
		this.#onStuckAbort = options.onStuckAbort ?? (() => {});
		// Asked for now: once a write is blocked the binding answers no more.
		handles[1].id().then(
			(id) => {
				this.id = id;
			},
			() => {},
		);
		this.closed = Promise.all([this.#send.over, this.#receive.over]).then(() => {
			for (const handle of handles) unpin(handle);
			return this.#receive.error ?? this.#send.error;
		});
	}

	/** Its connection is over. */
	get lost(): boolean {
		return this.#isLost();
	}

	get ended(): boolean {
		return this.#receive.ended;
	}

	read(): Promise<Uint8Array | null> {
		return this.#expectAnswer ? this.#readAnswer() : this.#receive.read();
	}

	write(bytes: Uint8Array): Promise<void> {
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
		// A blocked write keeps the reset from leaving: then only words reach the other side.
		if (this.#send.blocked && this.id !== "") this.#onStuckAbort(this.id);
		const grace = Math.min(RESET_GRACE_MAX_MS, RESET_GRACE_MS + 4 * this.#rtt());
		this.#send.reset(error, ABORT_CODE, grace);
		this.#receive.stop(error, ABORT_CODE);
	}

	/**
	 * Reads the header; data behind it stays to be read. Resolves with the port id, or undefined when what came is no
	 * header. Rejects with Aborted when the stream was reset. The caller bounds the wait.
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

	/** Tells the peer that its service is connected. */
	accept(): Promise<void> {
		return this.write(Uint8Array.of(ACCEPTED));
	}

	/** Tells the peer no, and ends the stream. A header that is still being waited for is waited for no more. */
	async refuse(): Promise<void> {
		this.cancel();
		try {
			await this.write(Uint8Array.of(REFUSED));
			await this.end();
		} catch {
			// Whoever has gone needs no answer.
		}
	}

	// --- internal ---

	async #readAnswer(): Promise<Uint8Array | null> {
		const timer = setTimeout(() => this.abort(new Aborted("no answer from the hub")), ANSWER_MS);
		const bytes = await this.#receive.read().finally(() => clearTimeout(timer));
		this.#expectAnswer = false;
		if (bytes?.[0] !== ACCEPTED) {
			this.refused = true;
			const error = new Aborted("refused by the hub");
			this.abort(error);
			throw error;
		}
		this.accepted = true;
		return bytes.length > 1 ? bytes.subarray(1) : this.#receive.read();
	}
}
