// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Characters of a ticket. Real ones have 100 to 500; the binding's parser accepts a megabyte (measured). */
export const TICKET_MAX = 4 * 1024;

/** With `--once`, the peer that took the ticket has this long to join before another code is shown. Reaching a hub takes up to 15 s. */
export const ONCE_WAIT_MS = 30_000;

/** How much of an identity file is read. A real one has 150 bytes, and a longer one is refused. */
export const IDENTITY_MAX = 4 * 1024;

/** Attempts to lock a file. A signal may interrupt one on a network file system; five in a row is no accident. */
export const LOCK_TRIES = 5;

/** How much of a saved hub's file is read: more than its longest ticket and name take. A longer one is refused. */
export const SAVED_HUB_MAX = 8 * 1024;

/** Characters of a saved hub's alias: it is typed, and with what surrounds it while it is written it names a file. */
export const ALIAS_MAX = 64;

/** Numbers that are tried behind an alias that another hub has. Nobody has as many hubs of one name. */
export const ALIAS_NUMBERS = 99;

/** A file that was being written this long ago was left behind by a program that was killed. Writing takes milliseconds. */
export const LEFT_BEHIND_MS = 60_000;
