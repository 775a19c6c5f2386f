// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Characters in the name of a hub or a peer: it has to fit into a box on the screen and into log lines. */
export const NAME_MAX = 64;

/** One line of the control stream. A welcome with three services has 500 bytes; no honest side needs more than this. */
export const CONTROL_LINE_MAX = 4 * 1024;

/** Marks of local addresses in a hello that count: three services on both address families, and as many again. */
export const LISTENS_MAX = 12;
