// One QUIC connection to another program: who it is, its streams, its end.
// Called by endpoint.ts (makes them), share.ts (accepts streams) and join.ts (opens streams).
import { Aborted } from "./duplex.ts";
import { encodeHeader } from "./handshake.ts";
import { type BiStream, type Connection as NativeConnection, nativeReason, pin, printable, unpin } from "./iroh.ts";
import { OPEN_STREAM_MS, REMOTE_TEXT_MAX, STREAMS_PER_CONNECTION } from "./limits.ts";
import { QuicStream } from "./stream.ts";

export class Connection {
	/** The first 10 characters of the remote's public id: enough to tell peers apart on a screen. */
	readonly remote: string;
	/** Resolves when the connection is over, with the reason, safe to print; "" when we closed it. */
	readonly closed: Promise<string>;
	#native: NativeConnection;
	#streams = new Set<QuicStream>();
	#closedHere = false;

	constructor(native: NativeConnection) {
		this.#native = pin(native);
		this.remote = native.remoteId().toString().slice(0, 10);
		this.closed = native
			.closed()
			.catch((error: unknown) => nativeReason(error))
			.then((reason) => {
				for (const stream of this.#streams) stream.abort(new Aborted("the connection ended"));
				unpin(native);
				return this.#closedHere ? "" : closeReason(reason);
			});
	}

	/** The hub's side: how many streams the peer may have open. The peer's side opens none, so a peer allows none. */
	limitIncomingStreams(bidirectional: number): void {
		this.#native.setMaxConcurrentBiStreams(BigInt(bidirectional));
		this.#native.setMaxConcurrentUniStreams(0n);
	}

	/** Opens a stream for a service; its header leaves with the first data. Rejects when no stream comes free in time. */
	async openService(portId: number): Promise<QuicStream> {
		const opening = this.#native.openBi();
		let timer: Timer | undefined;
		const timeout = new Promise<never>((_, reject) => {
			timer = setTimeout(
				() => reject(new Aborted(`all ${STREAMS_PER_CONNECTION} streams to the hub are busy`)),
				OPEN_STREAM_MS,
			);
		});
		try {
			const bi = await Promise.race([opening, timeout]);
			return this.#track(new QuicStream(bi, { prefix: encodeHeader(portId), expectAnswer: true, rtt: this.#rtt }));
		} catch (error) {
			// A stream that comes after we gave up would hold a slot for ever.
			opening.then(
				(bi) => this.#track(new QuicStream(bi, { rtt: this.#rtt })).abort(),
				() => {},
			);
			throw error instanceof Aborted ? error : new Aborted(nativeReason(error), { cause: error });
		} finally {
			clearTimeout(timer);
		}
	}

	/** Hands over each stream that the remote opens, until the connection ends. Never rejects. */
	async acceptStreams(onStream: (stream: QuicStream) => void): Promise<void> {
		for (;;) {
			let bi: BiStream;
			try {
				bi = await this.#native.acceptBi();
			} catch {
				return;
			}
			onStream(this.#track(new QuicStream(bi, { rtt: this.#rtt })));
		}
	}

	/** Ends the connection; the other side is told `reason` at once. Idempotent. */
	close(reason: string): void {
		if (this.#closedHere) return;
		this.#closedHere = true;
		this.#native.close(0n, [...new TextEncoder().encode(reason)]);
	}

	/** `direct` or `relay` with the address in use, for the log. */
	path(): string {
		const path = this.#native.paths().find(({ isSelected }) => isSelected);
		return path ? `${path.isRelay ? "relay" : "direct"} ${path.remoteAddr}` : "no path";
	}

	// --- internal ---

	#rtt = (): number => this.#native.rtt() ?? 0;

	#track(stream: QuicStream): QuicStream {
		this.#streams.add(stream);
		void stream.closed.then(() => this.#streams.delete(stream));
		return stream;
	}
}

/** "closed by peer: hub stopped (code 0)" → "hub stopped"; a remote chooses the text. */
function closeReason(text: string): string {
	const byPeer = /^closed by peer: ([\s\S]*?)(?: \(code \d+\))?$/.exec(text);
	const reason = printable(byPeer?.[1] ?? text, REMOTE_TEXT_MAX);
	if (byPeer && /^\d*$/.test(reason)) return "closed by the other side";
	return reason === "timed out" ? "no answer for 30 seconds" : reason;
}
