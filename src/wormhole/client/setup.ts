// What offering and redeeming a code have in common: who we are, fresh secrets, and the operator's message.
import { ChangeFilter } from "../../base/change-filter.ts";
import { NONCE } from "./keys.ts";
import { MOTDS_MAX } from "./limits.ts";
import { randomScalar } from "./spake2.ts";
import type { Setup } from "./state.ts";

/** The AppID of Magic Wormhole's own command lines, and of the original hivemind-p2p: any client opens our codes. */
const APP_ID = "lothar.com/wormhole/text-or-file-xfer";

/** Tells the other side that we read and send the bare ticket (docs/mailbox-protocol.md, "Payload"). */
const APP_VERSIONS = { "hivemind-p2p": { v: 1 } };

/** The part of a set-up that is the same for both roles. New secrets each time: they must never be used twice. */
export function freshSetup(): Pick<Setup, "appid" | "versions" | "secrets"> {
	const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));
	return {
		appid: APP_ID,
		versions: APP_VERSIONS,
		secrets: { side: random(5).toHex(), scalar: randomScalar(), nonces: [random(NONCE), random(NONCE)] },
	};
}

/** Passes on the operator's message once until it changes, at most {@link MOTDS_MAX} times. */
export function motdFilter(tell: ((text: string) => void) | undefined): (text: string) => void {
	const told = new ChangeFilter<string>();
	let count = 0;
	return (text) => {
		if (count >= MOTDS_MAX || !told.changed("motd", text)) return;
		count += 1;
		tell?.(text);
	};
}
