// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Events that are kept for a page that is opened later: what fits on a few screens. */
export const RECENT_EVENTS = 100;

/** Between two `stats` events, as documented. */
export const STATS_EVERY_MS = 10_000;

/** Rates are averages over this long: shorter ones jump, longer ones lag. */
export const RATE_WINDOW_MS = 2_000;
