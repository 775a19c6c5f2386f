// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

/** A hub's or peer's name: it stands in a box and in log lines. */
export const NAME_MAX = 64;

/** One line: a welcome with three services has 500 bytes; longer ones are an attack. */
export const CONTROL_LINE_MAX = 4 * 1024;
