// URLs of mailbox servers, as people write them.
import { HivemindError } from "../../base/errors.ts";

/** The public mailbox server. */
export const MAILBOX_URL = "wss://relay.magic-wormhole.io/v1";

/**
 * A mailbox server's URL, normalised: http and https mean ws and wss, and an empty path means /v1.
 * @throws HivemindError `usage`
 */
export function mailboxUrl(text: string): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	const protocol = url && PROTOCOLS[url.protocol];
	if (!url || !protocol || url.hostname === "") {
		throw new HivemindError("usage", `'${text}' is not the URL of a mailbox server.`, {
			hint: "Examples: ws://127.0.0.1:14400/v1, wss://relay.example.org/v1.",
		});
	}
	url.protocol = protocol;
	url.hash = "";
	if (url.pathname === "/") url.pathname = "/v1";
	return url.href;
}

// --- internal ---

const PROTOCOLS: Record<string, string> = { "ws:": "ws:", "wss:": "wss:", "http:": "ws:", "https:": "wss:" };
