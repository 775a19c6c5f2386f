// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** A wait longer than this is explained on the screen; a shorter one is not noticed. */
export const SILENCE_MS = 500;

/** Text from a remote is cut to this before it is printed: a close reason alone may have 1,400 bytes. */
export const REMOTE_TEXT_MAX = 200;

/** An error on the screen. The longest of ours has 400 characters, and it may quote what the user typed. */
export const ERROR_TEXT_MAX = 1_000;

/** Keys that a rate limiter remembers unless its owner says otherwise: a remote can invent any number of keys. */
export const RATE_KEYS = 1_000;

/** A regular check that is this late means that this process was suspended, and says nothing about the other side. */
export const STALL_MS = 2_000;
