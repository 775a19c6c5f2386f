// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Streams one QUIC connection carries at once: the binding's default of 100 starves a browser with a dev server. */
export const STREAMS_PER_CONNECTION = 1024;

/**
 * From opening a stream to the hub's answer: a silence that the connection survives, and then all that the hub may take.
 */
export const ANSWER_MS = 50_000;

/** Waiting for a free stream: a burst over STREAMS_PER_CONNECTION may queue this long, then it is refused. */
export const OPEN_STREAM_MS = 10_000;

/** Reaching a hub. iroh itself gives up after 30 s, longer than a person waits without doubt. */
export const CONNECT_MS = 15_000;

/** Reaching a relay before the ticket is printed without one; `online()` itself never gives up. */
export const RELAY_MS = 10_000;

/** Stopping: a handshake under way may end first. On a direct path it takes milliseconds. */
export const HANDSHAKE_MS = 250;

/** Closing the endpoint. A dead remote costs 90 ms (measured); more is not worth waiting for. */
export const CLOSE_MS = 1_000;

/** First read of a stream. A pending read allocates its size (measured): with 4 KiB, 2,000 idle connections took 8 MB more. */
export const READ_MIN = 1024;

/** The largest piece moved at once: beyond 64 KiB the binding gets no faster, only the neighbours slower. */
export const PIECE_MAX = 64 * 1024;

/** The largest piece while other streams move small things: half the wait for them, a tenth of the throughput. */
export const PIECE_SHARED = 32 * 1024;

/** The smallest piece that bulk streams are cut down to when many share the thread. */
export const PIECE_MIN = 8 * 1024;

/** Bytes that all bulk streams together may have in one turn of the event loop (see fairness.ts). */
export const BULK_BUDGET = 128 * 1024;

/** A stream that moved nothing for this long no longer counts when the thread is shared out. */
export const SHARE_WINDOW_MS = 50;

/** One service's failure is reported at most this often; a browser retries a dead port many times a second. */
export const REPORT_EVERY_MS = 1_000;

/** Messages a second: honest sides send two pings and pongs; a burst of aborted streams sends one each. */
export const CONTROL_RATE = 2_000;

/** Messages waiting for a side that does not read; older ones are dropped, the heartbeat decides. */
export const CONTROL_QUEUE = 2_000;

/** A connection without a valid hello is closed after this. A slow relay path needs a second. */
export const HELLO_MS = 5_000;

/** Often enough that three lost ones are {@link SUSPECT_MS}; a ping and its answer are some 100 bytes. */
export const PING_MS = 1_000;

/** Connections of one remote id: one in use, one that is given up, one that is being made, and a spare. */
export const CONNECTIONS_PER_ID = 4;

/** How often those are looked for, and the clock whether an invitation has expired. */
export const SWEEP_MS = 60_000;

/** Binding it again: tries with the same ports, and the pause between two. The collector frees them in one or two. */
export const REBIND_SAME_PORTS = 20;
export const REBIND_PAUSE_MS = 100;

/** Closing a connection discards what is under way; a last word gets this long to be read. */
export const LAST_WORD_MS = 500;

/** After a failed accept: long enough not to spin, short enough not to be noticed. */
export const ACCEPT_PAUSE_MS = 100;

/**
 * Handshakes with newcomers: a burst, then a steady rate. One costs about a millisecond of a core, and what it leaves
 * behind another at the next garbage collection; a team that comes back at once fits into the burst. At twice the rate
 * the slowest requests beside a flood took twice as long (measured, two runs of each).
 */
export const ARRIVALS_BURST = 64;
export const ARRIVALS_PER_SECOND = 25;

/** Who waits for a handshake: what is served within ten seconds, for as long as a client knocks. */
export const ARRIVALS_MAX = 256;

/**
 * From so many that wait, or whose handshake is under way, a newcomer has to prove its address: one more round trip for
 * it, and no forged senders for us.
 */
export const ARRIVALS_CROWDED = 32;

/** Whoever came less often within the last one or two of these comes first. At the rate above 1,000 entries. */
export const ARRIVALS_WINDOW_MS = 10_000;

/** So often within that time a known host or id comes first: a few attempts of a few peers behind one address. */
export const ARRIVALS_KNOWN = 16;

/** Handshakes under way: those that never end are given up by the transport after 30 to 60 s, at 85 kB each (measured). */
export const HANDSHAKES_MAX = 512;

/** The same of one host: a team behind one address that comes at once. One host alone must not fill the door. */
export const HANDSHAKES_PER_HOST = 64;

/** The same by one relay, where nobody's address counts: a flood behind it leaves room for who comes directly. */
export const HANDSHAKES_PER_RELAY = HANDSHAKES_MAX / 2;

/** Streams of a lost connection that are aborted in one turn, so that a thousand of them hold nobody up. */
export const ABORTS_PER_TURN = 64;
