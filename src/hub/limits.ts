// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

import { STREAMS_PER_CONNECTION } from "../transport/limits.ts";

/**
 * Streams that the transport grants a peer. It gives ended ones back in batches of an eighth
 * (docs/binding-notes.md, "Streams"), and what waits for such a batch must not count.
 */
export const STREAM_CREDIT = Math.ceil((STREAMS_PER_CONNECTION * 8) / 7);

/**
 * The hub's answer waits this long for the service's first bytes, with which it shares a packet. Peers of ours send their
 * data without waiting for it, and those of the original program get it at once.
 */
export const ANSWER_HOLD_MS = 5;

/** From a stream's first byte to its whole header. A slow link needs one round trip, so this is generous. */
export const HEADER_MS = 10_000;

/** Dialling a service. Shorter than a browser's patience, longer than a TCP SYN retried three times (7 s). */
export const DIAL_MS = 10_000;

/** Silence after which the hub drops a connection. Longer than the peer's limit: the peer may have a better one. */
export const HUB_SILENCE_MS = 45_000;

/**
 * Wrong secrets that one id may send at once, and the time in which all of them are refilled. A secret of 128 bits
 * needs no more protection; this keeps the log readable.
 */
export const WRONG_SECRETS = 3;
export const WRONG_SECRETS_MS = 60_000;

/** Ids whose wrong secrets are remembered; the oldest is forgotten. */
export const WRONG_SECRET_IDS = 10_000;

/** Ids admitted before an invitation expired, which may return; the oldest is forgotten and needs a new invitation. */
export const ADMITTED_IDS = 10_000;

/** `--max-peers` when not given: the size of a team. */
export const MAX_PEERS = 32;

/** Connections that await admission; beyond it the oldest is closed, so that a flood keeps no honest peer out. */
export const PENDING_CONNECTIONS_MAX = 64;

/** Streams of a connection that awaits admission: one for control and a few that came too early. More are reset. */
export const PENDING_STREAMS_MAX = 8;

/**
 * Bytes that a connection may receive before its peer is admitted, whatever they are. A peer of ours needs 17 KB, or 30
 * if a direct path is found besides the relay: nearly all are probes of each path, of which iroh allows eight. One of the
 * original program, which sends no hello to an open hub, adds the first 12 to 36 KB of its first streams.
 */
export const PENDING_BYTES_MAX = 256 * 1024;

/**
 * How often these bytes are counted, at 1 µs for each connection. What arrives within two of these is held beyond the
 * bound: 12 MB on a line of 1 Gbit/s.
 */
export const PENDING_BYTES_MS = 50;

/** Streams of all connections before each peer has only its share: at 1.25 MB each that is all a laptop has. */
export const STREAMS_MAX = 8 * 1024;

/**
 * From one look at a service that is down, or of which nothing is known, to the next, before jitter: the first pause, and
 * the longest. A person who starts it again notices the first; the longest keeps the hub quiet over night. A dial by a
 * peer does not wait for a look.
 */
export const HEALTH_FIRST_MS = 1_000;
export const HEALTH_MAX_MS = 30_000;

/** Each such pause is this many times the one before: six looks reach the longest one. */
export const HEALTH_GROWTH = 2;

/** One look at an address: a local one answers in a millisecond, one behind a VPN within a second. */
export const HEALTH_DIAL_MS = 2_000;

/** A welcome, and the list on the screen of a hub that starts, wait this long for a look at the services; a host that never answers must not hold it up. */
export const HEALTH_WAIT_MS = 300;

/** If the relay has not led here for this long, though one answers, the endpoint is bound again (iroh issue 4476). */
export const RELAY_LOST_MS = 60_000;

/** Between two checks whether the relay leads to this hub. Each check binds an endpoint, so they are rare. */
export const RELAY_CHECK_MS = 60_000;

/** The same at the start and while the relay is lost, to notice soon that it works. */
export const RELAY_CHECK_LOST_MS = 10_000;

/** One probe through the relay. A connection through a slow relay takes a second or two. */
export const RELAY_PROBE_MS = 10_000;

/**
 * The probe of a relay that was away and is back. If it finds no way to this hub, a needless restart of the endpoint costs
 * peers less than waiting for iroh, so this is short.
 */
export const RELAY_BACK_PROBE_MS = 1_000;

/** A peer that has said goodbye is disconnected after this. It gives its own transfers 3 s to finish. */
export const LEAVING_MS = 10_000;

/** Hosts and ids of admitted peers, remembered to tell them from a flood; the oldest is forgotten. */
export const KNOWN_MAX = 1_000;

/**
 * Open connections to a service that were made since it last sent a byte, and within UNANSWERED_MS. More are refused: in
 * a loop through two hubs, of which neither can know, each connection opens the next one, and none is ever answered. A
 * browser opens six to a host; a service that lets this many wait without a word to any of them is a rare one.
 */
export const UNANSWERED_MAX = 256;

/** Older connections do not count, so a service that only listens (a log) may have many. A loop grows in milliseconds. */
export const UNANSWERED_MS = 60_000;

/** A peer that has not answered for this long may be gone, and what listens on its ports may be something else. */
export const GONE_MS = 3_000;

/**
 * Peers are told of their services' states at most this often. One that goes up and down with each connection would
 * otherwise exceed the control messages that a peer accepts (CONTROL_RATE), and end its connection.
 */
export const SERVICES_EVERY_MS = 100;
