// The contract of a bridge's two ends: a TCP socket and a QUIC stream. As in TCP the two directions end separately; an
// abort ends both at once, and the other side can tell it from a clean end.

export interface Duplex {
	/** The next bytes, or null after the other side's clean end (FIN). Rejects with {@link Aborted} after a reset. */
	read(): Promise<Uint8Array | null>;
	/**
	 * Resolves when more may be written (backpressure). Rejects with {@link Aborted} when the other side is gone. The bytes
	 * are not copied: nobody may change them afterwards.
	 */
	write(bytes: Uint8Array): Promise<void>;
	/** Ends our direction cleanly: everything written arrives, then a FIN. */
	end(): Promise<void>;
	/** Reads nothing more; the other direction goes on. The sender is told or, after our FIN, given a time limit. */
	cancel(): void;
	/** Ends both directions at once with a reset; a direction that has ended cleanly stays clean. Idempotent. */
	abort(): void;
	/** The other side has ended cleanly. What is still queued is read before the null. */
	readonly ended: boolean;
	/** Resolves when both directions are over and released: with undefined after two clean ends, else with the cause. */
	readonly closed: Promise<Error | undefined>;
}

/** An end without a FIN: a RST, a QUIC reset or stop, a lost connection, or our own abort. */
export class Aborted extends Error {
	constructor(message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = "Aborted";
	}
}

/** Settles a promise that a caller waits for; at most one is pending for each direction of a duplex. */
export interface Waiter<T> {
	resolve(value: T): void;
	reject(error: Error): void;
}
