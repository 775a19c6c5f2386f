// Ticket ↔ join code. The only user of wormhole/. Called by share.ts (offer codes) and join.ts (redeem one); shows the
// codes as they come, by output.ts.
import { talk, waitingFor } from "../base/output.ts";
import { mailboxUrl } from "../wormhole/client/driver.ts";
import { redeem } from "../wormhole/client/wormhole.ts";

export { mailboxUrl };

export interface RedeemOptions {
	mailbox?: string;
	/** How long a hub may take to answer, in milliseconds. */
	timeoutMs?: number;
}

/** The ticket behind a join code; shows what is being waited for. @throws HivemindError `code`, `nobody`, `mailbox` */
export async function redeemCode(code: string, options: RedeemOptions, stop: AbortSignal): Promise<string> {
	const wait = waitingFor("the mailbox server");
	try {
		return await redeem(code, {
			url: options.mailbox,
			timeoutMs: options.timeoutMs,
			signal: stop,
			onWaiting: wait.change,
			onMotd: (text) => talk(`The mailbox says: ${text}`),
		});
	} finally {
		wait.end();
	}
}
