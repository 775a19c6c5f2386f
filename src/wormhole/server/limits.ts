// Bounds of our mailbox server, each with its reason. Times are milliseconds, sizes are bytes.

/** Sockets in all. Each is a hub with a live code or a peer that redeems one. */
export const SERVER_CONNECTIONS_MAX = 1024;

/** Sockets of one address: a team behind one NAT has tens. */
export const SERVER_CONNECTIONS_PER_ADDRESS = 256;

/** Mailboxes in all. With the two bounds below, a full server holds 4,096 × 256 KiB = 1 GiB at worst. */
export const SERVER_MAILBOXES_MAX = 4096;

/** Messages of one mailbox. A code needs six; clients add theirs again after a dropped socket. */
export const SERVER_MESSAGES_MAX = 128;

/** Characters of all messages of one mailbox: six messages of a few kilobytes each, many times over. */
export const SERVER_MAILBOX_BYTES = 256 * 1024;

/** AppIDs are short text chosen by programs. */
export const SERVER_APPID_MAX = 128;

/** Claims and allocations of one address: a burst, then one a second. Every guess at a code needs one. */
export const SERVER_CLAIMS_BURST = 120;
export const SERVER_CLAIM_MS = 1_000;

/**
 * Addresses whose claims are counted, about 1 MB. A bucket is full again after two minutes at most; in that time far
 * fewer addresses make a claim, and an attacker with that many has as many bursts anyway.
 */
export const SERVER_CLAIM_ADDRESSES = 10_000;

/** Frames of one connection answered with `error` before it is closed. Working clients cause none. */
export const SERVER_ERRORS_MAX = 32;

/** An `error` repeats the frame it is about when that is no longer than this: larger ones would be amplified. */
export const SERVER_ORIG_MAX = 1024;

/** Unsent bytes to one client before it is dropped, as it reads nothing: four times what a full mailbox holds. */
export const SERVER_BACKLOG_MAX = 1024 * 1024;

/** A mailbox without a socket is removed after this: until then its clients may come back. The reference server's is 660 s. */
export const SERVER_PRUNE_MS = 600_000;

/** How often such mailboxes are looked for. */
export const SERVER_PRUNE_EVERY_MS = 60_000;
