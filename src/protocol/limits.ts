// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** Characters in the name of a hub or a peer: it has to fit into a box on the screen and into log lines. */
export const NAME_MAX = 64;

/** Services of a hub: a welcome with all of them, and long names and addresses, fits into a control line. */
export const SERVICES_MAX = 32;

/**
 * One line of the control stream. A welcome with {@link SERVICES_MAX} services at addresses of 300 characters has
 * 13 KB; no honest side needs more than this.
 */
export const CONTROL_LINE_MAX = 16 * 1024;

/** Marks of local addresses that count: {@link SERVICES_MAX} services on both address families, and as many again. */
export const LISTENS_MAX = 128;

/** Data in one frame, unpacked: as much as the largest chunk that a stream moves at once. A receiver holds one frame. */
export const FRAME_DATA_MAX = 64 * 1024;

/** Data that a raw frame may announce before it is there: more would keep text that follows unpacked for longer. */
export const RAW_FRAME_MAX = 8 * 1024 * 1024;
