// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** After SIGINT or SIGTERM, running transfers may finish for this long. Docker kills after 10 s. */
export const DRAIN_MS = 3_000;

/** A write that takes longer is waiting for its reader: buffers on the way are full and take a while to empty. */
export const SLOW_WRITE_MS = 20;

/**
 * On shutdown a connection that has moved nothing for this long, and whose last bytes came from the service, is idle.
 * Some services send twice a second.
 */
export const IDLE_MS = 1_000;

/**
 * After our FIN, a socket whose other side keeps sending is read and discarded for this long. Otherwise a RST would
 * destroy the bytes before the FIN (RFC 9112 section 9.6).
 */
export const LINGER_MS = 2_000;

/**
 * A QUIC reset discards what the receiver has not read yet (RFC 9000 section 3.2). If bytes were written just before
 * it, it waits for this long plus four round trips, so that the data arrives first, as it does before a TCP RST.
 */
export const RESET_GRACE_MS = 50;

/** Bytes of a socket that are queued for the stream before the socket is paused; the kernel keeps the rest. */
export const SOCKET_QUEUE = 64 * 1024;

/** A silent TCP connection is probed after this, or a client that lost power would occupy its stream forever. */
export const KEEPALIVE_MS = 60_000;

/** A half-closed connection that has moved nothing for this long is reset: nobody waits half an hour for a reply. */
export const HALF_CLOSED_IDLE_MS = 30 * 60_000;

/**
 * The next address of a service is tried when the one before has not answered for this long: the "Connection Attempt
 * Delay" of RFC 8305, section 5.
 */
export const STAGGER_MS = 250;

/**
 * What was found out about a host (its addresses, or that nobody listens at the loopback address that was asked for)
 * holds for this long. A container that is replaced gets a new address; a lookup takes from 0.1 ms to some seconds.
 */
export const RESOLVED_MS = 5_000;

/**
 * A connection that turns out not to be needed is read and discarded for this long after our FIN. A service that is
 * alive answers with its own FIN in milliseconds.
 */
export const RELEASE_MS = 10_000;

/**
 * File descriptors that no socket of a client gets: endpoints, relays, the mailbox, files. A peer that looks for its hub
 * with a second endpoint needs some twenty. Where few are allowed at all, it is a quarter of them.
 */
export const DESCRIPTORS_RESERVED = 32;

/** While no socket may be opened, the open descriptors are counted this often. */
export const DESCRIPTORS_COUNT_MS = 250;

/** There is room again when no socket was refused for this long. Under a steady load the two messages would alternate. */
export const DESCRIPTORS_QUIET_MS = 1_000;
