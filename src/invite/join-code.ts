// Ticket ↔ join code. The only user of wormhole/. Called by share.ts (offer codes) and join.ts (redeem one); shows the
// codes as they come, by output.ts.
import { renderUnicodeCompact } from "uqr";
import { HivemindError } from "../base/errors.ts";
import { log, panel, print, talk } from "../base/output.ts";
import { PROGRAM } from "../base/version.ts";
import { mailboxUrl } from "../wormhole/client/mailbox-url.ts";
import { offerCodes } from "../wormhole/client/offer.ts";
import { ONCE_WAIT_MS } from "./limits.ts";

export { mailboxUrl };

export interface CodeOptions {
	/** The mailbox server; the public one when not given. */
	mailbox?: string;
	/** Words of a code. */
	words?: number;
	/** Also show each join command as a QR code. */
	qr?: boolean;
	/** After a code was taken, its peer may come in first: that ends the offer, and there is no other code. */
	once?: boolean;
	/** Called with each code instead of printing it. */
	onCode?: (code: string) => void;
}

/**
 * Offers the ticket under one join code after another until `stop` is aborted, and shows each. A mailbox that refuses
 * us ends only the codes: the ticket still works. Never rejects but for a bad URL.
 * @throws HivemindError `usage`
 */
export async function offer(ticket: string, options: CodeOptions, stop: AbortSignal): Promise<void> {
	let taken = false;
	try {
		await offerCodes({
			ticket,
			url: options.mailbox,
			words: options.words,
			signal: stop,
			onCode: (code) => {
				if (taken && options.once) talk("The peer that took the ticket has not come in. Another code:");
				(options.onCode ?? ((code) => showCode(code, options)))(code);
			},
			onTaken: () => {
				print("✓ Peer connected and received ticket");
				taken = true;
			},
			afterTakenMs: options.once ? ONCE_WAIT_MS : 0,
			onWrongCode: (waitMs) => {
				const pause = waitMs > 0 ? ` (in ${Math.ceil(waitMs / 1000)} s, as this was not the first time)` : "";
				talk(`Somebody tried a wrong code, or interfered. That code is dead; the next one comes${pause}.`);
			},
			onSpoiled: (why) => talk(`The code is dead: ${why}. The next one comes.`),
			onUnreachable: (url, why) => {
				talk(`The mailbox ${url} cannot be reached (${why}): no join code works now. The ticket does. Trying again …`);
			},
			onMotd: (text) => talk(`The mailbox says: ${text}`),
		});
	} catch (error) {
		if (!(error instanceof HivemindError) || error.code === "usage") throw error;
		log.error(`${error.message} ${error.hint ?? ""} Peers can still join with the ticket.`);
	}
}

// --- internal ---

function showCode(code: string, { mailbox, qr }: CodeOptions): void {
	const command = `${PROGRAM} join <name> --join-code ${code}${mailbox ? ` --wormhole-relay ${mailbox}` : ""}`;
	print(`${panel(`Join code: ${code}`)}
Waiting for peer to connect...

  ${command}
`);
	if (qr) print(`${renderUnicodeCompact(command.replace("<name>", "peer"))}\n`);
}
