// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Silence after which a peer looks for a second connection; three pings. */
export const SUSPECT_MS = 3_000;

/** Silence after which a peer gives an old connection up: QUIC survives black holes of 25 s (measured). */
export const PEER_SILENCE_MS = 30_000;

/** One attempt to reach the hub again. A first packet and three repeats fit in; iroh's own bound is 30 s. */
export const RECONNECT_ATTEMPT_MS = 4_000;

/** From the start of one attempt to the next: doubling, with jitter. */
export const RECONNECT_FIRST_MS = 200;
export const RECONNECT_MAX_MS = 5_000;

/** A hub lost for this long may be another one by now: the peer says so, once. One that was only started again is found much sooner. */
export const STILL_LOST_MS = 20_000;

/** A connection that lasted longer than this was a good one: the next is looked for without a pause. */
export const LASTING_MS = 10_000;

/** A connection that was replaced is closed once nothing runs on it, but not before what was about to start has. */
export const REPLACED_MS = 2_000;

/** New local connections wait this long for a hub and are then reset; a browser waits longer without a word. */
export const HUB_WAIT_MS = 10_000;

/** After a refused stream: for the control stream's word why, which leaves the hub in the same moment. */
export const WORD_MS = 200;

/** An attempt that has not succeeded by then is accompanied by one from a fresh endpoint (redial.ts). */
export const RECONNECT_BESIDE_MS = 500;

/** So often when no old connection lives any more: each endpoint asks the router for a port mapping, and nights are long. */
export const RECONNECT_TWIN_MS = 60_000;
