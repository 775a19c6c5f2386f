// The streams of one connection: opens ours within the limit, keeps all of them until they are closed, and aborts them
// when the connection ends. It knows their ids by counting (docs/binding-notes.md, "Streams").
import { within } from "../base/timers.ts";
import { Aborted, type Waiter } from "../forward/duplex.ts";
import { encodeHeader, FRAMED } from "../protocol/stream-header.ts";
import { type BiStream, nativeReason } from "./iroh.ts";
import { ABORTS_PER_TURN, HEADER_HOLD_MS, STREAMS_PER_CONNECTION } from "./limits.ts";
import { QuicStream, type StreamOptions } from "./stream.ts";

/** What all streams of a connection have in common. */
export type SharedOptions = Omit<StreamOptions, "id" | "framed" | "prefix" | "holdMs" | "onFirstData" | "expectAnswer">;

export class StreamPool {
	#openNative: () => Promise<BiStream>;
	#isClient: boolean;
	#shared: SharedOptions;
	#streams = new Set<QuicStream>();
	/** Callers that wait for a stream, and whether a native one was requested for the first of them. */
	#waiting: (Waiter<QuicStream> & { portId: number })[] = [];
	#requested = false;
	/** Port ids of which the last stream carried data of ours first. Where a service speaks first, no header may wait. */
	#weSpeakFirst = new Set<number>();
	/** How many streams were opened here and by the other side, the closed ones included. */
	#ours = 0;
	#theirs = 0;

	/** `isClient`: whether this side has made the connection. */
	constructor(openNative: () => Promise<BiStream>, isClient: boolean, shared: SharedOptions) {
		this.#openNative = openNative;
		this.#isClient = isClient;
		this.#shared = shared;
	}

	/** How many streams there have been, the closed ones included. */
	get opened(): number {
		return this.#ours + this.#theirs;
	}

	/** How many streams are open. */
	get size(): number {
		return this.#streams.size;
	}

	/**
	 * Opens a stream with a header for `portId`. Beyond the limit the caller waits for a free one, at most `timeoutMs`.
	 * @throws Aborted when none becomes free in time, on {@link rejectWaiting}, and when the connection is over
	 */
	async open(portId: number, timeoutMs: number): Promise<QuicStream> {
		const { promise, resolve, reject } = Promise.withResolvers<QuicStream>();
		const waiter = { resolve, reject, portId };
		this.#waiting.push(waiter);
		this.#request();
		try {
			return await within(timeoutMs, promise, () => new Aborted("all streams to the hub are busy"));
		} catch (error) {
			this.#waiting = this.#waiting.filter((other) => other !== waiter);
			throw error instanceof Aborted ? error : new Aborted(nativeReason(error), { cause: error });
		}
	}

	/** Takes a stream that the remote opened. */
	adopt(bi: BiStream): QuicStream {
		return this.#add(bi, { ...this.#shared, id: streamId(!this.#isClient, this.#theirs++) });
	}

	/** Fails every caller that waits for a free stream. */
	rejectWaiting(): void {
		for (const { reject } of this.#waiting.splice(0)) reject(new Aborted("the connection to the hub was lost"));
	}

	/** The remote says that it has aborted this stream. An unknown id is a stream that is closed already. */
	abort(id: string): void {
		for (const stream of this.#streams) if (stream.id === id) stream.abort(new Aborted("reset by the other side"));
	}

	/** The connection has ended. */
	async abortAll(): Promise<void> {
		let aborted = 0;
		for (const stream of [...this.#streams]) {
			if (++aborted % ABORTS_PER_TURN === 0) await new Promise(setImmediate);
			stream.abort(new Aborted("the connection ended"));
		}
	}

	// --- internal ---

	/**
	 * Requests one stream at a time: their ids are given in the order in which the transport gets to the requests, and of
	 * several it may get to a later one first. A request cannot be cancelled, so its stream goes to the caller that has
	 * waited longest by then. There are never more streams than the limit, however many the other side would grant.
	 */
	#request(): void {
		// One more for the control stream.
		if (this.#requested || this.#waiting.length === 0 || this.#streams.size > STREAMS_PER_CONNECTION) return;
		this.#requested = true;
		this.#openNative()
			.then(
				(bi) => this.#granted(bi),
				(error: Error) => this.#waiting.shift()?.reject(error),
			)
			.finally(() => {
				this.#requested = false;
				this.#request();
			});
	}

	#granted(bi: BiStream): void {
		const options = { ...this.#shared, id: streamId(this.#isClient, this.#ours++) };
		const next = this.#waiting.shift();
		if (next) next.resolve(this.#add(bi, { ...options, ...this.#header(next.portId) }));
		// Nobody waits any more; unless it is aborted, it would occupy a slot forever.
		else this.#add(bi, options).abort();
	}

	#header(portId: number): Partial<StreamOptions> {
		return {
			prefix: encodeHeader(portId),
			framed: (portId & FRAMED) !== 0,
			holdMs: this.#weSpeakFirst.has(portId) ? HEADER_HOLD_MS : 0,
			onFirstData: (ours) => (ours ? this.#weSpeakFirst.add(portId) : this.#weSpeakFirst.delete(portId)),
			expectAnswer: true,
		};
	}

	#add(bi: BiStream, options: StreamOptions): QuicStream {
		const stream = new QuicStream(bi, options);
		this.#streams.add(stream);
		void stream.closed.then(() => {
			this.#streams.delete(stream);
			this.#request();
		});
		return stream;
	}
}

// --- internal ---

/** As the binding writes it: bidirectional streams of one side are numbered from 0, in the order in which they are opened. */
const streamId = (byClient: boolean, index: number): string =>
	`${byClient ? "client" : "server"} bidirectional stream ${index}`;
