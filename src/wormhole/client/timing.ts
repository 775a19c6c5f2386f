// The waits of the mailbox client in one object, so that tests can shorten them. Their reasons are in limits.ts.
import { Backoff } from "../../base/backoff.ts";
import {
	MAILBOX_CONNECT_MS,
	MAILBOX_PING_MS,
	MAILBOX_SILENCE_MS,
	RETRY_FIRST_MS,
	RETRY_GROWTH,
	RETRY_MAX_MS,
	SPOILED_FIRST_MS,
	SPOILED_GROWTH,
	SPOILED_MAX_MS,
	WEBSOCKET_CLOSE_MS,
} from "./limits.ts";

/** All in milliseconds. */
export interface Timing {
	connectMs: number;
	pingMs: number;
	silenceMs: number;
	/** The WebSocket's own close, after the mailbox is closed. */
	closeMs: number;
	retryFirstMs: number;
	retryMaxMs: number;
	spoiledFirstMs: number;
	spoiledMaxMs: number;
}

export const TIMING: Timing = {
	connectMs: MAILBOX_CONNECT_MS,
	pingMs: MAILBOX_PING_MS,
	silenceMs: MAILBOX_SILENCE_MS,
	closeMs: WEBSOCKET_CLOSE_MS,
	retryFirstMs: RETRY_FIRST_MS,
	retryMaxMs: RETRY_MAX_MS,
	spoiledFirstMs: SPOILED_FIRST_MS,
	spoiledMaxMs: SPOILED_MAX_MS,
};

/** Pauses before the client connects again. */
export function retryBackoff({ retryFirstMs, retryMaxMs }: Timing): Backoff {
	return new Backoff({ firstMs: retryFirstMs, maxMs: retryMaxMs, growth: RETRY_GROWTH });
}

/** Pauses before the next code, once the free spoiled ones are used up. */
export function spoiledBackoff({ spoiledFirstMs, spoiledMaxMs }: Timing): Backoff {
	return new Backoff({ firstMs: spoiledFirstMs, maxMs: spoiledMaxMs, growth: SPOILED_GROWTH });
}
