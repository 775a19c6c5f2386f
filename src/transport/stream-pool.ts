// The streams of one connection: opens ours within the limit, keeps all of them until they are closed, and aborts them
// when the connection ends.
import { within } from "../base/timers.ts";
import { Aborted, type Waiter } from "../forward/duplex.ts";
import { encodeHeader } from "../protocol/stream-header.ts";
import { type BiStream, nativeReason } from "./iroh.ts";
import { ABORTS_PER_TURN, STREAMS_PER_CONNECTION } from "./limits.ts";
import { QuicStream, type StreamOptions } from "./stream.ts";

export class StreamPool {
	#openNative: () => Promise<BiStream>;
	#shared: StreamOptions;
	#streams = new Set<QuicStream>();
	/** Callers that wait for a stream, and how many native streams were requested for them. */
	#waiting: Waiter<BiStream>[] = [];
	#requested = 0;
	/** How many streams there have been, the closed ones included. */
	opened = 0;

	/** `shared` are the options that all streams of the connection have in common. */
	constructor(openNative: () => Promise<BiStream>, shared: StreamOptions) {
		this.#openNative = openNative;
		this.#shared = shared;
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
		const { promise, resolve, reject } = Promise.withResolvers<BiStream>();
		const waiter = { resolve, reject };
		this.#waiting.push(waiter);
		this.#request();
		try {
			const bi = await within(timeoutMs, promise, () => new Aborted("all streams to the hub are busy"));
			return this.#add(bi, { ...this.#shared, prefix: encodeHeader(portId), expectAnswer: true });
		} catch (error) {
			this.#waiting = this.#waiting.filter((other) => other !== waiter);
			throw error instanceof Aborted ? error : new Aborted(nativeReason(error), { cause: error });
		}
	}

	/** Takes a stream that the remote opened. */
	adopt(bi: BiStream): QuicStream {
		return this.#add(bi, this.#shared);
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
	 * A request cannot be cancelled, so its stream goes to the caller that has waited longest by then. There are never
	 * more requests than callers, nor more streams than the limit, however many the other side would grant.
	 */
	#request(): void {
		// One more for the control stream.
		const most = STREAMS_PER_CONNECTION + 1;
		while (this.#requested < this.#waiting.length && this.#streams.size + this.#requested < most) {
			this.#requested++;
			this.#openNative().then(
				(bi) => {
					this.#requested--;
					const next = this.#waiting.shift();
					if (next) next.resolve(bi);
					// Nobody waits any more; unless it is aborted, it would occupy a slot forever.
					else this.#add(bi, this.#shared).abort();
				},
				(error: Error) => {
					this.#requested--;
					this.#waiting.shift()?.reject(error);
				},
			);
		}
	}

	#add(bi: BiStream, options: StreamOptions): QuicStream {
		const stream = new QuicStream(bi, options);
		this.#streams.add(stream);
		this.opened++;
		void stream.closed.then(() => {
			this.#streams.delete(stream);
			this.#request();
		});
		return stream;
	}
}
