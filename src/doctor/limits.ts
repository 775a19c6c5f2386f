// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** An answer of the mailbox server, its TLS handshake included: as long as `share` and `join` wait for it. */
export const MAILBOX_ANSWER_MS = 10_000;

/** One way to a ticket's hub: a relay that is far away has answered by then, and both ways are tried at once. */
export const HUB_ANSWER_MS = 8_000;

/** A clock that is off by more than this breaks TLS certificates and `--expires` sooner or later. */
export const CLOCK_OFF_MS = 60_000;

/** Fewer descriptors than this are soon used up: a browser page may open a hundred connections, and each has two ends. */
export const DESCRIPTORS_FEW = 256;
