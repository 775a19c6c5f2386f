// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Events that are kept for a page that is opened later: what fits on a few screens. */
export const RECENT_EVENTS = 100;

/** Between two `stats` events, as documented. */
export const STATS_EVERY_MS = 10_000;

/** Rates are averages over this long: shorter ones jump, longer ones lag. */
export const RATE_WINDOW_MS = 2_000;
/** Clients of /events at once: some pages and scripts. Each has a connection and a queue. */
export const EVENT_CLIENTS_MAX = 16;

/**
 * Characters that wait for a client of /events, beside the 4 MB that the kernel takes (measured); with more, the client is
 * dropped. A snapshot with a thousand peers has 330,000, and is not sent while anything waits.
 */
export const EVENT_QUEUE = 512 * 1024;

/** Between two snapshots for a page: often enough for rates that a person follows. */
export const SNAPSHOT_EVERY_MS = 1_000;

/** After this, a comment goes to the clients of /events, so that nothing in between takes them for dead. */
export const HEARTBEAT_MS = 15_000;

/** A connection that is silent, or takes nothing of a response, in seconds: Bun's own default. */
export const REQUEST_IDLE_S = 10;

/** Bytes of a request's body: no request has one. */
export const REQUEST_BODY_MAX = 1_024;

/** The longest `--status-token`: a request's whole head may have 16 KiB. */
export const STATUS_TOKEN_MAX = 256;

/** Wrong tokens from one network: a burst for scripts with an old one, then one each second. */
export const TOKEN_TRIES_BURST = 20;
export const TOKEN_TRY_MS = 1_000;

/** The answer that `status` reads: a snapshot with a thousand peers has 330 KB. */
export const STATUS_ANSWER_MAX = 2 * 1024 * 1024;

/** How long `status` waits for it. A busy program answers within 50 ms. */
export const STATUS_ANSWER_MS = 5_000;

/** Between two looks at how late the event loop is. Shorter stalls may be missed; more looks would cost more. */
export const LAG_EVERY_MS = 100;

/** The time that `loopLagMs` is about, as documented. */
export const LAG_WINDOW_MS = 10_000;
