// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Tickets are about 100 to 500 characters; the binding's parser accepts a megabyte. */
export const TICKET_MAX = 4 * 1024;

/** `--once`: the peer that took the ticket has this long to join before another code is shown. Reaching a hub takes 15 s. */
export const ONCE_WAIT_MS = 30_000;

/** An identity file has 150 bytes. */
export const IDENTITY_MAX = 4 * 1024;
