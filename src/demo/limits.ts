// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** One check of `demo`; each takes a few milliseconds when it works. */
export const DEMO_CHECK_MS = 10_000;
