// The waits of a connection to the mailbox server, together so that tests can shorten them.
// Used by link.ts, mailbox.ts and wormhole.ts; the reasons are in limits.ts.
import {
	MAILBOX_CONNECT_MS,
	MAILBOX_GOODBYE_MS,
	MAILBOX_PING_MS,
	MAILBOX_SILENCE_MS,
	RETRY_FIRST_MS,
	RETRY_GROWTH,
	RETRY_MAX_MS,
} from "../limits.ts";

/** All in milliseconds. */
export interface Timing {
	connectMs: number;
	pingMs: number;
	silenceMs: number;
	/** The WebSocket's own goodbye, after the mailbox is closed. */
	closeMs: number;
	retryFirstMs: number;
	retryMaxMs: number;
}

export const TIMING: Timing = {
	connectMs: MAILBOX_CONNECT_MS,
	pingMs: MAILBOX_PING_MS,
	silenceMs: MAILBOX_SILENCE_MS,
	closeMs: MAILBOX_GOODBYE_MS,
	retryFirstMs: RETRY_FIRST_MS,
	retryMaxMs: RETRY_MAX_MS,
};

/** The wait before attempt `count` (from 0): growing by half, 20 % jitter either way, bounded. */
export function retryAfter(count: number, timing: Timing): number {
	const nominal = timing.retryFirstMs * RETRY_GROWTH ** Math.min(count, 50);
	return Math.min(nominal, timing.retryMaxMs / 1.2) * (0.8 + 0.4 * Math.random());
}
