// One QUIC connection to another program: who the remote is, the streams, the path, and the end.
// The native handle stays pinned until the connection is over.

import { printable } from "../base/printable.ts";
import type { ChunkScheduler } from "./chunk-size.ts";
import {
	type BiStream,
	collectAfter,
	type Connection as NativeConnection,
	nativeReason,
	pin,
	toNative,
	unpin,
} from "./iroh.ts";
import { CLOSE_DELAY_MS, OPEN_STREAM_MS } from "./limits.ts";
import type { Path } from "./path-watch.ts";
import type { QuicStream } from "./stream.ts";
import { StreamPool } from "./stream-pool.ts";

export class Connection {
	/** The remote's public id. */
	readonly id: string;
	/** The first 10 characters of the remote's public id: enough to tell peers apart on a screen. */
	readonly remote: string;
	/** Resolves with the reason when the connection is over, safe to print; with our own when we closed it. */
	readonly closed: Promise<string>;
	#native: NativeConnection;
	#pool: StreamPool;
	#closedHere: string | undefined;
	/** `performance.now()` of the last check that saw a path. */
	#pathAt = performance.now();
	/** Called with the id of a stream that was aborted here while the binding's locks kept the reset from leaving. */
	onStuckAbort: (streamId: string) => void = () => {};

	/** `isClient`: whether this side has made it. `scheduler` is shared by all connections of the endpoint. */
	constructor(native: NativeConnection, isClient: boolean, scheduler: ChunkScheduler) {
		this.#native = pin(native);
		this.id = native.remoteId().toString();
		this.remote = this.id.slice(0, 10);
		this.#pool = new StreamPool(() => native.openBi(), isClient, {
			scheduler,
			rtt: () => native.rtt() ?? 0,
			isLost: () => this.isOver(),
			onStuckAbort: (streamId) => this.onStuckAbort(streamId),
		});
		void this.#refuseUni();
		this.closed = native
			.closed()
			.catch((error: unknown) => nativeReason(error))
			.then((reason) => {
				void this.#pool.abortAll();
				unpin(native);
				collectAfter(this.received);
				return this.#closedHere ?? closeReason(reason);
			});
	}

	/** For the hub's side: how many streams the peer may have open. A hub opens none, so a peer need not allow any. */
	limitIncomingStreams(bidirectional: number): void {
		this.#native.setMaxConcurrentBiStreams(BigInt(bidirectional));
		this.#native.setMaxConcurrentUniStreams(0n);
	}

	/**
	 * Opens a stream for a service, or for control (port id 0); its header is sent with the first data. Beyond
	 * STREAMS_PER_CONNECTION, or what the other side grants, the next one waits for a free stream.
	 * @throws Aborted when none becomes free within `timeoutMs`, on {@link rejectWaiting}, and when the connection is over
	 */
	openStream(portId: number, timeoutMs = OPEN_STREAM_MS): Promise<QuicStream> {
		return this.#pool.open(portId, timeoutMs);
	}

	/** Fails every {@link openStream} that waits for a free stream. */
	rejectWaiting(): void {
		this.#pool.rejectWaiting();
	}

	/** Hands over each stream that the remote opens, until the connection ends. Never rejects. */
	async acceptStreams(onStream: (stream: QuicStream) => void): Promise<void> {
		for (;;) {
			let bi: BiStream;
			try {
				bi = await this.#native.acceptBi();
			} catch (error) {
				// The connection is over, or no longer usable: either way everything else waits for its end.
				this.closeSoon(nativeReason(error));
				return;
			}
			onStream(this.#pool.adopt(bi));
		}
	}

	/** The remote says that it has aborted this stream. An unknown id is a stream that is closed already. */
	abortStream(id: string): void {
		this.#pool.abort(id);
	}

	/** How many streams are open, the control stream included. */
	get streams(): number {
		return this.#pool.size;
	}

	/** How many streams there have been, the closed ones included. */
	get streamsOpened(): number {
		return this.#pool.opened;
	}

	/** Bytes that have arrived, with the transport's own and repeated ones. It takes 1 µs. */
	get received(): number {
		return this.#native.stats().udpRxBytes;
	}

	/** Whether the connection has ended, also in the moment before {@link closed} resolves. */
	isOver(): boolean {
		return this.#native.closeReason() !== null;
	}

	/**
	 * Milliseconds without a path to the remote, as far as this was polled: call it regularly. The binding may never end
	 * such a connection (docs/binding-notes.md, "Connection loss").
	 */
	pathlessFor(): number {
		const now = performance.now();
		if (this.#native.rtt() !== null) this.#pathAt = now;
		return now - this.#pathAt;
	}

	/** Ends the connection; the remote is told `reason` at once. Idempotent. */
	close(reason: string): void {
		if (this.#closedHere !== undefined) return;
		this.#closedHere = reason;
		this.#native.close(0n, toNative(new TextEncoder().encode(reason)));
	}

	/** Closes it after a short delay, unless the connection ends by itself first and then gives its own reason. */
	closeSoon(reason: string): void {
		const timer = setTimeout(() => this.close(reason), CLOSE_DELAY_MS);
		void this.closed.then(() => clearTimeout(timer));
	}

	/** The path in use; undefined while none is known. It takes 2 µs (docs/binding-notes.md, "Connection loss"). */
	path(): Path | undefined {
		const path = this.#selected();
		return path && { kind: path.isRelay ? "relay" : "direct", address: path.remoteAddr };
	}

	/** The round-trip time of the path in use, in milliseconds; undefined while no path is known. */
	rttMs(): number | undefined {
		return this.#selected()?.rttMs;
	}

	/** The IP address at which the remote is reached directly, IPv6 in brackets; undefined through a relay. */
	host(): string | undefined {
		const path = this.path();
		return path?.kind === "direct" ? path.address.replace(/:\d+$/, "") : undefined;
	}

	// --- internal ---

	/** In the first moments none is selected. */
	#selected() {
		const paths = this.#native.paths();
		return paths.find(({ isSelected }) => isSelected) ?? paths[0];
	}

	/**
	 * The protocol has no unidirectional streams, but the handshake has granted a hundred of them, and each unread one
	 * would hold its window of 1.25 MB (docs/binding-notes.md, "Memory").
	 */
	async #refuseUni(): Promise<void> {
		try {
			for (;;) (await this.#native.acceptUni()).stop(0n).catch(() => {});
		} catch {
			// The connection is over.
		}
	}
}

/** "closed by peer: hub stopped (code 0)" → "hub stopped"; the remote chooses the text. */
function closeReason(text: string): string {
	const byPeer = /^closed by peer: ([\s\S]*?)(?: \(code \d+\))?$/.exec(text);
	const reason = printable(byPeer?.[1] ?? text);
	// When the closing packet is lost, only the end is seen, without its reason (RFC 9000 section 10.3).
	if (reason === "reset by peer" || (byPeer && /^\d*$/.test(reason))) return "closed by the other side";
	return reason === "timed out" ? "no answer for 30 seconds" : reason;
}
