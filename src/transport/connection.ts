// One QUIC connection to another program: who it is, its streams, its end.
// Made by endpoint.ts and accept.ts; called by guest.ts and hub.ts (accept streams), session.ts and uplink.ts (open them).

import { printable } from "../base/printable.ts";
import { within } from "../base/timers.ts";
import { Aborted, type Waiter } from "../forward/duplex.ts";
import { encodeHeader } from "../protocol/stream-header.ts";
import { type BiStream, type Connection as NativeConnection, nativeReason, pin, unpin } from "./iroh.ts";
import { ABORTS_PER_TURN, LAST_WORD_MS, OPEN_STREAM_MS, STREAMS_PER_CONNECTION } from "./limits.ts";
import { QuicStream, type StreamOptions } from "./stream.ts";

export class Connection {
	/** The remote's public id. */
	readonly id: string;
	/** The first 10 characters of the remote's public id: enough to tell peers apart on a screen. */
	readonly remote: string;
	/** Resolves when the connection is over, with the reason, safe to print; our own when we closed it. */
	readonly closed: Promise<string>;
	#native: NativeConnection;
	#streams = new Set<QuicStream>();
	/** Who waits for a stream of ours, and how many of those are asked for. */
	#waiting: Waiter<BiStream>[] = [];
	#asked = 0;
	#closedHere: string | undefined;
	/** `performance.now()` of the last look that saw a path. */
	#pathAt = performance.now();
	/** Told the id of a stream that was aborted here while the binding's locks kept that from the other side. */
	onStuckAbort: (streamId: string) => void = () => {};

	constructor(native: NativeConnection) {
		this.#native = pin(native);
		this.id = native.remoteId().toString();
		this.remote = this.id.slice(0, 10);
		void this.#refuseUni();
		this.closed = native
			.closed()
			.catch((error: unknown) => nativeReason(error))
			.then((reason) => {
				void this.#abortAll();
				unpin(native);
				return this.#closedHere ?? closeReason(reason);
			});
	}

	/** The hub's side: how many streams the peer may have open. The peer's side opens none, so a peer allows none. */
	limitIncomingStreams(bidirectional: number): void {
		this.#native.setMaxConcurrentBiStreams(BigInt(bidirectional));
		this.#native.setMaxConcurrentUniStreams(0n);
	}

	/**
	 * Opens a stream for a service, or for control (port id 0); its header leaves with the first data. Of more than
	 * {@link STREAMS_PER_CONNECTION}, or than the other side grants, the next waits for a free one.
	 * @throws Aborted when none comes free within `timeoutMs`, who waits is sent away, or the connection is over
	 */
	async openStream(portId: number, timeoutMs = OPEN_STREAM_MS): Promise<QuicStream> {
		const { promise, resolve, reject } = Promise.withResolvers<BiStream>();
		const waiter = { resolve, reject };
		this.#waiting.push(waiter);
		this.#askForStreams();
		try {
			const late = () => new Aborted("all streams to the hub are busy");
			const bi = await within(timeoutMs, promise, late);
			return this.#track(bi, { prefix: encodeHeader(portId), expectAnswer: true });
		} catch (error) {
			this.#waiting = this.#waiting.filter((other) => other !== waiter);
			throw error instanceof Aborted ? error : new Aborted(nativeReason(error), { cause: error });
		}
	}

	/** Nobody waits for a free stream any more. */
	sendAway(): void {
		for (const { reject } of this.#waiting.splice(0)) reject(new Aborted("the hub is lost"));
	}

	/** Hands over each stream that the remote opens, until the connection ends. Never rejects. */
	async acceptStreams(onStream: (stream: QuicStream) => void): Promise<void> {
		for (;;) {
			let bi: BiStream;
			try {
				bi = await this.#native.acceptBi();
			} catch (error) {
				// The connection is over, or of no more use: either way its end is what the others wait for.
				this.closeSoon(nativeReason(error));
				return;
			}
			onStream(this.#track(bi));
		}
	}

	/** The other side says that it has aborted this stream. Unknown ids are streams that are over. */
	abortStream(id: string): void {
		for (const stream of this.#streams) if (stream.id === id) stream.abort(new Aborted("reset by the other side"));
	}

	/** How many streams are open, the control stream included. */
	get streams(): number {
		return this.#streams.size;
	}

	/** Whether it has ended, also where {@link closed} has not come through yet. */
	isOver(): boolean {
		return this.#native.closeReason() !== null;
	}

	/**
	 * For how many milliseconds no path has led to the other side, as far as was asked: ask regularly. The binding may
	 * never end such a connection (measured).
	 */
	pathlessFor(): number {
		const now = performance.now();
		if (this.#native.rtt() !== null) this.#pathAt = now;
		return now - this.#pathAt;
	}

	/** Ends the connection; the other side is told `reason` at once. Idempotent. */
	close(reason: string): void {
		if (this.#closedHere !== undefined) return;
		this.#closedHere = reason;
		this.#native.close(0n, [...new TextEncoder().encode(reason)]);
	}

	/** The same a moment later, unless the connection ends by itself meanwhile and then says why. */
	closeSoon(reason: string): void {
		const timer = setTimeout(() => this.close(reason), LAST_WORD_MS);
		void this.closed.then(() => clearTimeout(timer));
	}

	/** `direct` or `relay` with the address in use, for the log. */
	path(): string {
		const path = this.#path();
		return path ? `${path.isRelay ? "relay" : "direct"} ${path.remoteAddr}` : "path not known yet";
	}

	/** The IP address that the remote is reached at directly, an IPv6 one in brackets; undefined by a relay. */
	host(): string | undefined {
		const path = this.#path();
		return path && !path.isRelay ? path.remoteAddr.replace(/:\d+$/, "") : undefined;
	}

	// --- internal ---

	/**
	 * What is asked for can't be taken back: it is for whoever waits longest when it comes. So as many are asked for as
	 * wait, and never more than the limit, whatever the other side would grant.
	 */
	#askForStreams(): void {
		// One more, for control.
		const most = STREAMS_PER_CONNECTION + 1;
		while (this.#asked < this.#waiting.length && this.#streams.size + this.#asked < most) {
			this.#asked++;
			this.#native.openBi().then(
				(bi) => {
					this.#asked--;
					const next = this.#waiting.shift();
					if (next) next.resolve(bi);
					// Nobody waits any more: it would hold a slot for ever.
					else this.#track(bi).abort();
				},
				(error: Error) => {
					this.#asked--;
					this.#waiting.shift()?.reject(error);
				},
			);
		}
	}

	/**
	 * There are no unidirectional streams in the protocol, but the handshake has granted a hundred of them: unread they
	 * would hold their window of 1.25 MB each (measured).
	 */
	async #refuseUni(): Promise<void> {
		try {
			for (;;) (await this.#native.acceptUni()).stop(0n).catch(() => {});
		} catch {
			// The connection is over.
		}
	}

	#path() {
		const paths = this.#native.paths();
		// In the first moments none is selected.
		return paths.find(({ isSelected }) => isSelected) ?? paths[0];
	}

	async #abortAll(): Promise<void> {
		let aborted = 0;
		for (const stream of [...this.#streams]) {
			if (++aborted % ABORTS_PER_TURN === 0) await new Promise(setImmediate);
			stream.abort(new Aborted("the connection ended"));
		}
	}

	// One for all streams: a thousand closures are felt.
	#rtt = (): number => this.#native.rtt() ?? 0;

	#isOver = (): boolean => this.isOver();

	#track(bi: BiStream, options: Pick<StreamOptions, "prefix" | "expectAnswer"> = {}): QuicStream {
		const own = { rtt: this.#rtt, isLost: this.#isOver, onStuckAbort: this.#stuck };
		const stream = new QuicStream(bi, { ...options, ...own });
		this.#streams.add(stream);
		void stream.closed.then(() => {
			this.#streams.delete(stream);
			this.#askForStreams();
		});
		return stream;
	}

	#stuck = (streamId: string): void => this.onStuckAbort(streamId);
}

/** "closed by peer: hub stopped (code 0)" → "hub stopped"; a remote chooses the text. */
function closeReason(text: string): string {
	const byPeer = /^closed by peer: ([\s\S]*?)(?: \(code \d+\))?$/.exec(text);
	const reason = printable(byPeer?.[1] ?? text);
	// Of a close whose packet was lost only the end is seen, without its reason (RFC 9000 section 10.3).
	if (reason === "reset by peer" || (byPeer && /^\d*$/.test(reason))) return "closed by the other side";
	return reason === "timed out" ? "no answer for 30 seconds" : reason;
}
