// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** A silent wait longer than this is explained on the screen. */
export const SILENCE_MS = 500;

/** Text from a remote (close reasons are up to 1,400 bytes) is cut to this before it is printed. */
export const REMOTE_TEXT_MAX = 200;

/** An error on the screen: the longest of ours has 400 characters, and what was typed may stand in it. */
export const ERROR_TEXT_MAX = 1_000;

/** Keys of a rate limiter when its owner names no other number; a remote can invent as many keys as it likes. */
export const RATE_KEYS = 1_000;

/** A look at the other side's silence that comes later than this says that we were stopped ourselves, and nothing else. */
export const STALL_MS = 2_000;
