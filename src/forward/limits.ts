// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Running transfers may finish this long after SIGINT or SIGTERM; Docker kills after 10 s. */
export const DRAIN_MS = 3_000;

/** A write that takes longer waits for its reader: buffers on the way are full, and empty out for a while yet. */
export const SLOW_WRITE_MS = 20;

/** While stopping: a connection without bytes for this long, whose last word was the service's, is idle. Some services send twice a second. */
export const IDLE_MS = 1_000;

/**
 * After our FIN, a socket whose other side keeps talking to nobody is read and discarded this long, so that the
 * bytes before our FIN are not destroyed by a RST (RFC 9112 section 9.6 describes the problem).
 */
export const LINGER_MS = 2_000;

/**
 * A QUIC reset discards what the receiver has not read yet (RFC 9000 section 3.2). When bytes were written just
 * before it, the reset waits this long plus four round trips, so that data arrives first, as with a TCP RST.
 */
export const RESET_GRACE_MS = 50;
export const RESET_GRACE_MAX_MS = 1_000;

/** Bytes of a socket kept for the stream before the socket is paused; the kernel holds the rest. */
export const SOCKET_QUEUE = 64 * 1024;

/** A TCP connection silent for this long is probed, or a client that lost its power would hold its stream for ever. */
export const KEEPALIVE_MS = 60_000;

/** A half-closed connection without bytes for this long is reset: nobody waits half an hour for a reply. */
export const HALF_CLOSED_IDLE_MS = 30 * 60_000;
