// The peer's half of a join code: from the code to the ticket behind it.
import { redeem } from "../wormhole/client/redeem.ts";

export interface RedeemOptions {
	/** The mailbox server; the public one when not given. */
	mailbox?: string;
	/** How long a hub may take to answer, in milliseconds. */
	timeoutMs?: number;
}

export type RedeemEvent =
	/** What is waited for from now on, as part of a sentence: "the mailbox server", "the hub", "the ticket". */
	| { type: "waiting"; what: string }
	/** Nothing is waited for any more. */
	| { type: "waited" }
	/** A message from the mailbox server's operator, safe to print. */
	| { type: "motd"; text: string };

/** Resolves with the ticket behind a join code. @throws HivemindError `code`, `nobody`, `mailbox`; the reason of `stop` */
export async function redeemCode(
	code: string,
	options: RedeemOptions,
	emit: (event: RedeemEvent) => void,
	stop: AbortSignal,
): Promise<string> {
	try {
		return await redeem(code, {
			url: options.mailbox,
			timeoutMs: options.timeoutMs,
			signal: stop,
			onWaiting: (what) => emit({ type: "waiting", what }),
			onMotd: (text) => emit({ type: "motd", text }),
		});
	} finally {
		emit({ type: "waited" });
	}
}
