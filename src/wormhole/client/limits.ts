// Bounds and waits of the mailbox client, each with its reason. Times are milliseconds, sizes are bytes.

// --- what is read ---

/** A typed join code: eight words are under 100 characters, but other programs let users make up their own. */
export const CODE_MAX = 256;

/** A decrypted message. The largest is the ticket (under TICKET_MAX), which JSON around it may double. */
export const PAYLOAD_MAX = 16 * 1024;

/** Messages of other sides kept for one code. An exchange needs three; the Python client adds a few more. */
export const PHASES_MAX = 32;

/** Different messages from the operator that are shown: a server that sends a new one each time is cut off. */
export const MOTDS_MAX = 4;

// --- waits ---

/** Opening the WebSocket: TCP, a proxy if there is one, TLS and the HTTP upgrade. */
export const MAILBOX_CONNECT_MS = 10_000;

/** From the open WebSocket to an open mailbox: four short answers. */
export const MAILBOX_SETUP_MS = 10_000;

/** From the other side's first message to the ticket: three messages. A side that lost its socket is back in 1 to 5 s. */
export const EXCHANGE_MS = 15_000;

/**
 * From the ticket in the mailbox to a text client's acknowledgement. One that sends none has the ticket all the same, so
 * the next code does not wait for long.
 */
export const ACKNOWLEDGE_MS = 3_000;

/** Giving the nameplate back and closing the mailbox. Short, because somebody has pressed Ctrl+C. */
export const MAILBOX_CLOSE_MS = 1_000;

/** The WebSocket's own close, after that: nothing depends on it, so a server that ignores it is cut off. */
export const WEBSOCKET_CLOSE_MS = 100;

/** WebSocket pings keep NAT and proxy state alive: nginx, for one, drops a silent WebSocket after 60 s. */
export const MAILBOX_PING_MS = 30_000;

/** Without any traffic for two and a half pings, the socket is dead. */
export const MAILBOX_SILENCE_MS = 75_000;

/** A hub behind a typed code has this long to answer, by default: two people on the phone need less. */
export const REDEEM_MS = 60_000;

// --- trying again ---

/** Connecting again after an outage: soon at first, so that a short one is hardly noticed; once a minute in the end. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_GROWTH = 1.5;
export const RETRY_MAX_MS = 60_000;

/** Spoiled codes in a row (wrong guesses, above all) that are replaced at once: people do mistype. */
export const SPOILED_FREE = 3;

/**
 * From then on the next code waits, so that guessing the 16 bits of two words takes weeks. Jitter makes a pause 75 % of
 * its nominal length on average: 1.5, 3.4, 7.6, 17.1, 38.4 and then 52.5 s, which is 40 days for 65,536 guesses. (It must
 * not get faster than version 1.0.0: 1, 2.25, 5.1, 11.4, 25.6 and then 50 s on average.)
 */
export const SPOILED_FIRST_MS = 2_000;
export const SPOILED_GROWTH = 2.25;
export const SPOILED_MAX_MS = 70_000;

/** Without a spoiled code for this long, the next ones are free again. Guessing that slowly is slower still. */
export const SPOILED_QUIET_MS = 600_000;

// --- hashcash ---

/** Work that a server may ask for. It doubles with each bit: 28 bits take half a minute, too long already. */
export const HASHCASH_BITS_MAX = 28;

/** Hashes between two turns of the event loop: about 3 ms. */
export const HASHCASH_SLICE = 20_000;
