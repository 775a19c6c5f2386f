// Bounds of our mailbox server, each with its reason. Times are milliseconds, sizes are bytes as they are held in memory:
// two for each character. A network is an IPv4 address or an IPv6 /64.

/** Sockets in all. Each is a hub with a live code or a peer that redeems one. */
export const SERVER_CONNECTIONS_MAX = 1024;

/** Sockets of one network: a quarter of the whole, so that one address leaves room for others. A team behind one NAT has tens. */
export const SERVER_CONNECTIONS_PER_NETWORK = SERVER_CONNECTIONS_MAX / 4;

/**
 * Mailboxes in all, four for each socket: those of hubs and peers that have lost theirs are kept for a while. Without
 * messages each takes 3 KB at most (measured), 12 MB together.
 */
export const SERVER_MAILBOXES_MAX = 4096;

/** Mailboxes that one network has made: a quarter, as above. */
export const SERVER_MAILBOXES_PER_NETWORK = SERVER_MAILBOXES_MAX / 4;

/** The messages of all mailboxes. A code needs 20 KiB, so this is three times what all sockets need together. */
export const SERVER_BYTES_MAX = 64 * 1024 * 1024;

/** Messages of one network: a quarter, as above. */
export const SERVER_BYTES_PER_NETWORK = SERVER_BYTES_MAX / 4;

/** Messages of one mailbox. A code needs six; clients add theirs again after a dropped socket. */
export const SERVER_MESSAGES_MAX = 128;

/** All messages of one mailbox: six of a few kilobytes each, many times over. */
export const SERVER_MAILBOX_BYTES = 128 * 1024;

/** What a message takes beside its text: objects, measured and rounded up. */
export const SERVER_MESSAGE_OVERHEAD = 256;

/**
 * Characters of a body. The largest legitimate one is a payload in hex, 33 KB; with the names of side and phase around it
 * (768 bytes at most) the message must still be shorter than MAILBOX_MESSAGE_MAX.
 */
export const SERVER_BODY_MAX = 60 * 1024;

/** Sockets that listen to one mailbox. It has two sides; each may have left some that the server still believes in. */
export const SERVER_LISTENERS_MAX = 8;

/** AppIDs are short text chosen by programs. */
export const SERVER_APPID_MAX = 128;

/** Mailboxes and nameplates that one network enters: a burst, then one a second. Every guess at a code needs one. */
export const SERVER_CLAIMS_BURST = 120;
export const SERVER_CLAIM_MS = 1_000;

/**
 * Networks whose claims are counted, about 1 MB. A bucket is full again after two minutes at most; in that time far fewer
 * networks make a claim, and an attacker with that many has as many bursts anyway.
 */
export const SERVER_CLAIM_NETWORKS = 10_000;

/** Frames of one connection answered with `error` before it is closed. Working clients cause none. */
export const SERVER_ERRORS_MAX = 32;

/** An `error` repeats the frame it is about when that is no longer than this: larger ones would be amplified. */
export const SERVER_ORIG_MAX = 1024;

/** Unsent bytes to one client before it is dropped, as it reads nothing: a full mailbox and a full list of nameplates. */
export const SERVER_BACKLOG_MAX = 256 * 1024;

/** A mailbox without a socket is removed after this: until then its clients may come back. The reference server's is 660 s. */
export const SERVER_PRUNE_MS = 600_000;

/** The same for a mailbox that never had two sides: nothing is lost but a code that nobody has used. */
export const SERVER_LONELY_MS = 60_000;

/** How often such mailboxes are looked for. */
export const SERVER_PRUNE_EVERY_MS = 10_000;

/** Addresses in X-Forwarded-For that are looked at, from the last one on: nobody has that many proxies in a row. */
export const SERVER_HOPS_MAX = 8;
