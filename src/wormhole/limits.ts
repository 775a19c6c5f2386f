// Bounds that both the mailbox client and our mailbox server keep, and the length of a join code. Sizes are bytes.

/**
 * Words of a join code. One word is 8 bits, which somebody guessing has a fair chance of hitting; eight words are 64
 * bits, more than anybody wants to type.
 */
export const CODE_WORDS_MIN = 2;
export const CODE_WORDS_MAX = 8;

/** One WebSocket message, in either direction. The largest legitimate one is a payload in hex, a few kilobytes. */
export const MAILBOX_MESSAGE_MAX = 64 * 1024;

/** A side, phase or mailbox name. The longest that a known program sends has 16 characters. */
export const MAILBOX_NAME_MAX = 64;
