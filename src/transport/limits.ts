// The bounds and waits of this folder, and those that hub and peer have to agree on, each with its reason.
// Times are milliseconds, sizes are bytes.

import { CONTROL_LINE_MAX } from "../protocol/limits.ts";

/** Streams on one QUIC connection at once. The binding's default of 100 starves a browser beside a dev server. */
export const STREAMS_PER_CONNECTION = 1024;

/**
 * Where clients speak first, a stream's header waits this long for their first bytes, with which it shares a packet. On
 * one machine they follow within half a millisecond.
 */
export const HEADER_HOLD_MS = 2;

/** From opening a stream to the hub's answer: an outage that the connection survives, and then the hub's own bounds. */
export const ANSWER_MS = 50_000;

/** How long a stream beyond {@link STREAMS_PER_CONNECTION} waits for another one to end before it is refused. */
export const OPEN_STREAM_MS = 10_000;

/** Connecting to a hub. iroh itself gives up after 30 s, which is longer than a user will wait. */
export const CONNECT_MS = 15_000;

/** Connecting to a relay, before the ticket is printed without one. The binding's `online()` itself never gives up. */
export const RELAY_MS = 10_000;

/** A relay that does not answer an HTTP request within this time counts as down. */
export const RELAY_PING_MS = 5_000;

/**
 * From one look at a relay that does not answer to the next, before jitter: the first pause, the longest, and the growth.
 * After half a minute it is seen within 2 s that the relay is back; over night the looks are few.
 */
export const RELAY_LOOK_FIRST_MS = 1_000;
export const RELAY_LOOK_MAX_MS = 5_000;
export const RELAY_LOOK_GROWTH = 1.02;

/** On shutdown, pending handshakes may finish for this long. On a direct path one takes milliseconds. */
export const HANDSHAKE_DRAIN_MS = 250;

/** Closing the endpoint. A dead remote costs 90 ms (docs/binding-notes.md, "Shutdown"); more is not worth waiting. */
export const CLOSE_MS = 1_000;

/** The smallest read. A pending read allocates its size: with 4 KiB, 2,000 idle connections took 8 MB more. */
export const READ_MIN = 1024;

/** The first read of a stream: most requests and small answers fit into it. What follows is adapted to what comes. */
export const READ_FIRST = 4 * 1024;

/** The largest chunk. Beyond 64 KiB the binding gets no faster, and other streams only wait longer. */
export const CHUNK_MAX = 64 * 1024;

/** The largest chunk while other streams move small amounts: half the wait for them, for a tenth of the throughput. */
export const CHUNK_SHARED = 32 * 1024;

/** The smallest chunk that bulk transfers are cut down to when many of them share the thread. */
export const CHUNK_MIN = 8 * 1024;

/**
 * The first bytes of each direction go as they are, and so does each piece that is shorter than the second: it fits into
 * a packet anyway, or nearly, and a small request should not even wait for the compressor.
 */
export const UNCOMPRESSED_FIRST = 4 * 1024;
export const COMPRESS_FROM = 512;

/** A piece that does not shrink to this many percent of its size goes as it is: a saving must be worth the receiver's work. */
export const COMPRESS_TO_PERCENT = 90;

/**
 * Pieces that are not tried after one that did not shrink: one, then twice as many each time, up to this. A download of
 * compressed data then costs one attempt of 30 µs in 4 MiB.
 */
export const COMPRESS_SKIP_MAX = 64;

/** Level 3 makes bundled JavaScript 5 % smaller, in pieces of 64 KiB, for 25 % more time (docs/benchmarks.md). */
export const COMPRESS_LEVEL = 1;

/** Bytes that all bulk transfers together may move in one turn of the event loop (src/transport/chunk-size.ts). */
export const BULK_BUDGET = 128 * 1024;

/** A stream that has moved nothing for this long no longer counts when the thread is shared out. */
export const SHARE_WINDOW_MS = 50;

/** One service's failure is reported at most this often: a browser retries a dead port many times a second. */
export const REPORT_EVERY_MS = 1_000;

/**
 * Lines of a control stream before the welcome. A peer of ours sends one, its hello, and waits; the others are for what
 * a newer version may add. Nothing is answered until then, so a stranger cannot make the hub write.
 */
export const GREETING_LINES = 4;

/** Their bytes: one line as long as any may be, as a welcome with many services, and as much again. */
export const GREETING_BYTES = 2 * CONTROL_LINE_MAX;

/** Reads until the welcome: twice the packets that these bytes need. Each costs as much as a line, even for one byte. */
export const GREETING_PIECES = 56;

/**
 * Control messages at once, besides one `reset` for each stream: all pings and pongs of the 45 s after which a hub gives a
 * silent connection up, and a hundred more. A process that was stopped, or a path that is back, delivers them together.
 */
export const CONTROL_BURST = 256;

/**
 * Control messages a second in the long run. An honest side sends two, a ping and a pong, and a hub one more each time a
 * service goes down or comes up.
 */
export const CONTROL_RATE = 50;

/** Control messages queued for a side that does not read. Older ones are dropped; the silence ends the connection. */
export const CONTROL_QUEUE = 2_000;

/** A connection without a valid hello is closed after this. Over a slow relay path a hello takes a second. */
export const HELLO_MS = 5_000;

/** Often enough that three lost pings are noticed within seconds; a ping and its pong are about 100 bytes. */
export const PING_MS = 1_000;

/** Connections of one remote id: one in use, one given up on, one being made, and a spare. */
export const CONNECTIONS_PER_ID = 4;

/**
 * A new path is reported when it has been in use for this long: two looks of a hub, eight of a peer. Hole punching tries
 * several addresses within a second, and a path that comes and goes is not worth two lines.
 */
export const PATH_SETTLE_MS = 2_000;

/** How often half-closed connections that move nothing are looked for, and whether an invitation has expired. */
export const SWEEP_MS = 60_000;

/**
 * Attempts to bind the endpoint again on the same ports, without which old tickets lose their direct addresses. The
 * garbage collector frees them after one or two; on a busy machine that once took more than 20 (measured). After a relay
 * that packets did not reach, the old endpoint sometimes never gave them back: then other ports are better than none.
 */
export const REBIND_SAME_PORTS = 30;

/** The pause between two attempts to bind: long enough for a garbage collection, too short for a user to notice. */
export const REBIND_PAUSE_MS = 100;

/**
 * Bytes that connections had received that have ended since the last garbage collection: from this many on there is
 * another one. An ordinary flood of strangers, 17 KB each, comes to one in ten seconds.
 */
export const COLLECT_FROM = 4 * 1024 * 1024;

/** That collection takes 5 to 15 ms, so there are five a second at most; the handles are let go well within this time. */
export const COLLECT_AFTER_MS = 200;

/** Closing a connection discards what is in flight; a final message is given this long to be read. */
export const CLOSE_DELAY_MS = 500;

/** The pause after a failed accept: long enough not to spin, short enough not to be noticed. */
export const ACCEPT_RETRY_MS = 100;

/** Handshakes at once after a quiet period: a whole team that comes back together fits into it. */
export const HANDSHAKE_BURST = 64;

/**
 * Handshakes a second after the burst. One costs about a millisecond of a core, and what it leaves behind another at
 * the next garbage collection. At twice this rate the slowest requests beside a flood took twice as long (two runs of
 * each).
 */
export const HANDSHAKES_PER_SECOND = 25;

/** Incoming connections queued for a handshake: what is served in ten seconds, for as long as a client keeps trying. */
export const HANDSHAKE_QUEUE_MAX = 256;

/**
 * With this many queued or pending, an unproven source has to prove its address first (QUIC Retry, RFC 9000 section
 * 8.1.2): one more round trip for it, and no forged sources for us.
 */
export const HANDSHAKE_RETRY_FROM = 32;

/** Sources that were served less often in the last one or two of these go first. At this rate that is 1,000 entries. */
export const SOURCE_HISTORY_MS = 10_000;

/** How often a known source has priority in that time: a few attempts of a few peers behind one address. */
export const KNOWN_SOURCE_PRIORITY = 16;

/** Pending handshakes. Those that never finish are given up by the transport after 30 to 60 s, at 85 kB each. */
export const HANDSHAKES_MAX = 512;

/** Pending handshakes of one host, so that one host cannot use up all of them: a team behind one address. */
export const HANDSHAKES_PER_HOST = 64;

/** Pending handshakes through one relay, which hides its clients' addresses: a flood through it leaves the other half. */
export const HANDSHAKES_PER_RELAY = HANDSHAKES_MAX / 2;

/** Longest grace before a reset (see RESET_GRACE_MS), however long the round trip is. */
export const RESET_GRACE_MAX_MS = 1_000;

/** Streams of a lost connection that are aborted in one turn of the event loop, so that a thousand hold nobody up. */
export const ABORTS_PER_TURN = 64;
