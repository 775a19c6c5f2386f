// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

import { TICKET_MAX } from "../invite/limits.ts";

/** The longest line read from standard input: a ticket has at most {@link TICKET_MAX} characters, a code far fewer. */
export const SECRET_LINE_MAX = 2 * TICKET_MAX;

/** The longest `--timeout` of `join`, in seconds: a day. */
export const REDEEM_MAX_S = 86_400;

/** The highest `--max-peers`: each peer may have a thousand streams. */
export const MAX_PEERS_MAX = 1_000;

/** The longest `--expires`: an invitation that is good for weeks might as well not expire. */
export const EXPIRES_MAX_MS = 20 * 86_400_000;

/** Time for a clean stop after a bug: DRAIN_MS for running transfers, then CLOSE_MS for closing the endpoint. */
export const FAULT_STOP_MS = 5_000;

/** The lines of one paste arrive at once. A ticket that is cut short is refused this much later. */
export const PASTE_MS = 300;

/**
 * Signals this close together are one: Ctrl+C reaches the whole process group, and then `npm run`, `turbo` or
 * `concurrently` pass it on. Not longer than SILENCE_MS, after which the program says what a second one does.
 */
export const SIGNAL_ECHO_MS = 500;

/** After a second signal, closing connections may take this long. The other side is told within milliseconds. */
export const CUT_MS = 1_000;

/** Answers to one question that are no port number. After that the proposed port is taken. */
export const BAD_PORTS_MAX = 5;
/** A project file. One with 32 services, every option and a comment on each has 6 KB. */
export const PROJECT_FILE_MAX = 16 * 1024;

/** Lines of a project file in which a mistake is located, which takes a parse for each: at most 0.5 s in all (measured). */
export const PROJECT_LINES_MAX = 1_000;

/** How often `init` asks again after an answer that is none. */
export const ASK_TRIES = 3;
