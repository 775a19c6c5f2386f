// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** A wait longer than this is explained on the screen; a shorter one is not noticed. */
export const SILENCE_MS = 500;

/** Between two looks at what the panel shows: twice a second is as often as a person can read it. */
export const PANEL_MS = 500;

/** Text from a remote is cut to this before it is printed: a close reason alone may have 1,400 bytes. */
export const REMOTE_TEXT_MAX = 200;

/** An error on the screen. The longest of ours has 400 characters, and it may quote what the user typed. */
export const ERROR_TEXT_MAX = 1_000;

/** Keys that a rate limiter remembers unless its owner says otherwise: a remote can invent any number of keys. */
export const RATE_KEYS = 1_000;

/** A regular check that is this late means that this process was suspended, and says nothing about the other side. */
export const STALL_MS = 2_000;

/**
 * Output that waits for a reader: some 3,000 lines of the log, more than a terminal keeps for scrolling back. Beyond
 * that the oldest lines are dropped.
 */
export const OUTPUT_QUEUE = 256 * 1024;

/** One write: what a pipe that poll(2) calls writable takes without waiting (PIPE_BUF of Linux). */
export const WRITE_MAX = 4_096;

/** A write that takes longer than this is waiting for its reader. Others take microseconds. */
export const OUTPUT_STUCK_MS = 50;

/** The pause before a descriptor is tried again that takes nothing: not noticed by a person, and nothing for a CPU. */
export const OUTPUT_RETRY_MS = 20;

/** A program that ends waits for a reader as long as it reads; one that takes nothing for this long has stopped. */
export const FLUSH_STALL_MS = 1_000;
