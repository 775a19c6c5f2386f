// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

import { SERVICES_MAX } from "../protocol/limits.ts";

/** How often a peer looks at its connections: whatever is overdue is noticed at most this much later. */
export const UPLINK_TICK_MS = 250;

/** Silence of the hub after which a peer looks for a second connection: three unanswered pings. */
export const SUSPECT_MS = 3_000;

/** Silence after which a peer gives an old connection up: QUIC itself survives black holes of 25 s (measured). */
export const PEER_SILENCE_MS = 30_000;

/** One attempt to reach the hub again. A first packet and three repeats fit into it; iroh's own bound is 30 s. */
export const RECONNECT_ATTEMPT_MS = 4_000;

/** The first pause between attempts, before jitter, from the start of one to the start of the next: a hub that was only restarted is found within it. */
export const RECONNECT_FIRST_MS = 200;

/** The longest such pause: short enough that a person who starts the hub again does not wait for the peer. */
export const RECONNECT_MAX_MS = 5_000;

/** Each pause is this many times the one before: five attempts reach the longest one. */
export const RECONNECT_GROWTH = 2;

/** A connection that lasted longer than this was a good one: its successor is looked for without a pause. */
export const LASTING_MS = 10_000;

/** A hub lost for this long may have another ticket by now, and the peer says so, once. One that was merely restarted is found much sooner. */
export const STILL_LOST_MS = 20_000;

/** A replaced connection that carries nothing is closed after this: a stream that was being opened on it has started by then. */
export const REPLACED_MS = 2_000;

/** New local connections wait this long for a hub and are then reset; a browser waits longer without complaint. */
export const HUB_WAIT_MS = 10_000;

/** After a refused stream, how long to wait for the hub's message about the service, sent at the same moment on the control stream. */
export const REFUSAL_REASON_MS = 200;

/** An attempt that has not succeeded by then gets a parallel one from a second endpoint: on a direct path it takes milliseconds. */
export const PARALLEL_AFTER_MS = 500;

/** Parallel attempts without a living old connection come this often at most: each asks the router for a port mapping, and an outage may last all night. */
export const PARALLEL_EVERY_MS = 60_000;

/** This many of them come at once, at first and when the relay is back: a hub may need some seconds to find its way to that relay. */
export const PARALLEL_BURST = 3;

/** A free port must be free on both loopback addresses. A program that has it on the second one only is rare. */
export const FREE_PORT_TRIES = 16;

/** Ports after a taken one that are tried before any free one: with all services of a hub in a row, each finds its own. */
export const SUBSTITUTES_MAX = 2 * SERVICES_MAX;

/** Questions about one port. Whoever names five that are taken is better served by the one that was proposed. */
export const PORT_QUESTIONS_MAX = 5;
