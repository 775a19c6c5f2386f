// The hub's half of join codes: offers its ticket under one code after another. What happens is told by events.

import { HivemindError } from "../base/errors.ts";
import { offerCodes } from "../wormhole/client/offer.ts";
import { ONCE_WAIT_MS } from "./limits.ts";

export interface OfferOptions {
	/** The mailbox server; the public one when not given. */
	mailbox?: string;
	/** Words of a code. */
	words?: number;
	/** Only one peer is admitted: after a code was taken the next one waits for that peer to join, which ends the offer. */
	once?: boolean;
}

export type OfferEvent =
	/**
	 * A code that works from now on; every earlier one is dead. `mailbox`: where it works, undefined for the public
	 * server. `unused`: the peer that took the last one has not joined, though only one may.
	 */
	| { type: "code"; code: string; mailbox: string | undefined; unused: boolean }
	/** A peer proved the code and has the ticket. `doubt`: why it may not have read it, if it did not say that it has. */
	| { type: "code_taken"; doubt?: string }
	/**
	 * The code is dead: somebody tried a wrong one, interfered, or broke off (`reason`) when it knew whether its guess was
	 * right. The next one comes in `waitMs` milliseconds.
	 */
	| { type: "wrong_code"; waitMs: number; reason?: string }
	/** The code is dead for a reason that tested no guess. The next one comes in `waitMs` milliseconds. */
	| { type: "code_spoiled"; reason: string; waitMs: number }
	/** Codes do not work until the next `code`; retrying goes on. `proxy`: the one that leads there; `hint`: what to do. */
	| { type: "mailbox_unreachable"; url: string; reason: string; proxy?: string; hint?: string }
	/** A message from the server's operator. */
	| { type: "mailbox_says"; text: string }
	/** The server has refused us for good: there are no more codes. */
	| { type: "codes_ended"; reason: string; hint: string | undefined };

/**
 * Offers the ticket under one join code after another until `stop` is aborted. A mailbox server that refuses us ends
 * only the codes: the ticket still works.
 * @throws HivemindError `usage` for a bad URL
 */
export async function offerJoinCodes(
	ticket: string,
	{ mailbox, words, once = false }: OfferOptions,
	emit: (event: OfferEvent) => void,
	stop: AbortSignal,
): Promise<void> {
	let taken = false;
	try {
		await offerCodes({
			ticket,
			url: mailbox,
			words,
			signal: stop,
			onCode: (code) => emit({ type: "code", code, mailbox, unused: taken && once }),
			onTaken: (doubt) => {
				taken = true;
				emit({ type: "code_taken", ...(doubt !== undefined && { doubt }) });
			},
			afterTakenMs: once ? ONCE_WAIT_MS : 0,
			onWrongCode: (waitMs, reason) => emit({ type: "wrong_code", waitMs, ...(reason !== undefined && { reason }) }),
			onSpoiled: (reason, waitMs) => emit({ type: "code_spoiled", reason, waitMs }),
			onUnreachable: ({ why, ...outage }) => emit({ type: "mailbox_unreachable", reason: why, ...outage }),
			onMotd: (text) => emit({ type: "mailbox_says", text }),
		});
	} catch (error) {
		if (!(error instanceof HivemindError) || error.code === "usage") throw error;
		emit({ type: "codes_ended", reason: error.message, hint: error.hint });
	}
}
