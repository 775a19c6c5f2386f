// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

import { TICKET_MAX } from "../invite/limits.ts";

/** A line read from standard input: tickets end at {@link TICKET_MAX}, join codes long before. */
export const SECRET_LINE_MAX = 2 * TICKET_MAX;

/** The longest `--timeout` of `join`, in seconds: a day. */
export const REDEEM_MAX_S = 86_400;

/** The most that `--max-peers` takes: each peer may have a thousand streams. */
export const MAX_PEERS_MAX = 1_000;

/** The longest `--expires`: an invitation that is good for weeks might as well not expire. */
export const EXPIRES_MAX_MS = 20 * 86_400_000;

/** For an orderly stop after a fault: running transfers have DRAIN_MS, and then CLOSE_MS goes into goodbyes. */
export const FAULT_STOP_MS = 5_000;

/**
 * Signals this close together are one: Ctrl+C reaches the whole process group, and then `npm run`, `turbo` or
 * `concurrently` pass it on. Not longer than SILENCE_MS, after which the program says what a second one does.
 */
export const SIGNAL_ECHO_MS = 500;

/** After a second signal, closing connections may take this long. The other side is told within milliseconds. */
export const CUT_MS = 1_000;
