// The contract of both ends of a bridge: a TCP socket (socket.ts) and a QUIC stream (stream.ts).
// Two directions that end separately, as in TCP; an abort ends both at once and visibly.

export interface Duplex {
	/** The next bytes, or null at the other side's clean end (FIN). Rejects with {@link Aborted} after a reset. */
	read(): Promise<Uint8Array | null>;
	/** Resolves when more is welcome (backpressure). Rejects with {@link Aborted} when the other side is gone. */
	write(bytes: Uint8Array): Promise<void>;
	/** Ends our direction cleanly: everything written arrives, then a FIN. */
	end(): Promise<void>;
	/** Nothing more will be read. The other direction goes on; the sender is told or, after our FIN, bounded. */
	cancel(): void;
	/** Ends both directions at once with a reset; a direction that has ended cleanly stays clean. Idempotent. */
	abort(): void;
	/** The other side has ended cleanly; what is still queued comes before the null. */
	readonly ended: boolean;
	/** Resolves once when all is over and released: with undefined after two clean ends, else with the cause. */
	readonly closed: Promise<Error | undefined>;
}

/** The other side ended without a FIN: a RST, a QUIC reset or stop, a lost connection, or our own abort. */
export class Aborted extends Error {
	constructor(message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = "Aborted";
	}
}

/** A promise with its handles outside; at most one is pending for each direction of a duplex. */
export interface Waiter<T> {
	resolve(value: T): void;
	reject(error: Error): void;
}
