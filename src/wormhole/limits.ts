// Bounds and waits of join codes, each with its reason, like ../limits.ts. Times are milliseconds, sizes are bytes.
// Called by wormhole/ and invite.ts; calls nothing.

// --- the client ---

/** Words of a code. One is 8 bits, which a guesser has a fair chance at; eight are 64 bits, more than anyone types. */
export const CODE_WORDS_MIN = 2;
export const CODE_WORDS_MAX = 8;

/** A typed code: eight words are under 100 characters; other clients let people make up their own. */
export const CODE_MAX = 256;

/** One message of the mailbox server. The largest honest one is a payload in hex, a few kilobytes. */
export const MAILBOX_MESSAGE_MAX = 64 * 1024;

/** The decrypted ticket message. Tickets are under TICKET_MAX; JSON around it may double that. */
export const PAYLOAD_MAX = 16 * 1024;

/** Messages of others kept for one code. An exchange needs three; the Python client may add a few. */
export const PHASES_MAX = 32;

/** Names in the mailbox protocol (side, phase, mailbox, nameplate); the longest honest one has 16 characters. */
export const MAILBOX_NAME_MAX = 64;

/** Opening the WebSocket: TCP, TLS, upgrade. */
export const MAILBOX_CONNECT_MS = 10_000;

/** From the open WebSocket to a mailbox of our own: four short answers. */
export const MAILBOX_SETUP_MS = 10_000;

/** From the other side's first message to the end: three messages. A side that lost its socket is back in 1 to 5 s. */
export const EXCHANGE_MS = 15_000;

/** Saying goodbye, so that no nameplate is left behind; a person has pressed Ctrl+C. */
export const MAILBOX_CLOSE_MS = 1_000;

/** The WebSocket's own goodbye after that: nothing depends on it. */
export const MAILBOX_GOODBYE_MS = 100;

/** PROTOCOL.md: a WebSocket ping this often keeps NAT and proxy state alive. */
export const MAILBOX_PING_MS = 30_000;

/** PROTOCOL.md: no traffic for two pings and a half means the socket is dead. */
export const MAILBOX_SILENCE_MS = 75_000;

/** Reconnecting: first after this, growing by half, up to the maximum (PROTOCOL.md). */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_GROWTH = 1.5;
export const RETRY_MAX_MS = 60_000;

/**
 * Spoiled codes in a row (wrong guesses, above all) that are replaced at once; from then on the next code waits, so
 * that a guesser at full speed needs weeks for 16 bits, not minutes. Forgotten after a quiet time.
 */
export const SPOILED_FREE = 3;
export const SPOILED_QUIET_MS = 600_000;

/** Waiting for a hub behind a code, by default: two people on the phone need less. */
export const REDEEM_MS = 60_000;

/** SHA-1 tries double with each bit: 28 bits take about half a minute here, more is not worth a join code. */
export const HASHCASH_BITS_MAX = 28;

/** Hashes between two turns of the event loop: about 3 ms. */
export const HASHCASH_SLICE = 20_000;

// --- our mailbox server (server.ts) ---

/** Sockets in all, and from one address: a team behind one NAT has tens. */
export const SERVER_CONNECTIONS_MAX = 1024;
export const SERVER_CONNECTIONS_PER_ADDRESS = 256;

/** Mailboxes in all, nameplates included. At the bounds below a full server holds 4,096 x 256 KiB = 1 GiB at worst. */
export const SERVER_MAILBOXES_MAX = 4096;

/** Messages and bytes of one mailbox. A code needs six messages of a few kilobytes; clients re-add after a drop. */
export const SERVER_MESSAGES_MAX = 128;
export const SERVER_MAILBOX_BYTES = 256 * 1024;

/** AppIDs are short text chosen by programs. */
export const SERVER_APPID_MAX = 128;

/** Claims and allocations from one address: a burst, then one a second. A guesser needs one for each guess. */
export const SERVER_CLAIMS_BURST = 120;
export const SERVER_CLAIM_MS = 1_000;

/** Frames of one connection that were answered with `error` before it is closed: honest clients have none. */
export const SERVER_ERRORS_MAX = 32;

/** Unsent bytes to one client before it is dropped: it reads nothing. Twice the content of a mailbox in JSON. */
export const SERVER_BACKLOG_MAX = 1024 * 1024;

/** A mailbox that no socket has opened for this long is forgotten (PROTOCOL.md). */
export const SERVER_PRUNE_MS = 600_000;

/** How often that is looked for. */
export const SERVER_PRUNE_EVERY_MS = 60_000;
