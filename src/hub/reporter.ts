// Prints a hub's events: results on stdout, messages and logs on stderr. What a remote can cause repeatedly is printed at
// most once a second. The only file of this folder that prints.

import { renderUnicodeCompact } from "uqr";
import { log, notice, print, waitingFor } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import type { HubEvent } from "./events.ts";
import { joinCommandOf, type Line, linesOf } from "./lines.ts";

export interface ReporterOptions {
	/** Also show each join command as a QR code. */
	qr?: boolean;
}

/** Prints the events of one hub. */
export function hubReporter({ qr = false }: ReporterOptions = {}): (event: HubEvent) => void {
	const rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	let interrupted = false;
	let endWait = () => {};
	return (event) => {
		if (event.type === "waiting") {
			endWait();
			const again = interrupted ? "; Ctrl+C again stops at once" : "";
			endWait = event.what ? waitingFor(WAITS[event.what] + again).end : () => {};
			return;
		}
		if (event.type === "stopping") interrupted = event.interrupted;
		for (const { to, text, key } of linesOf(event)) if (key === undefined || rate.take(key)) WRITE[to](text);
		if (event.type === "code" && qr) print(`${renderUnicodeCompact(joinCommandOf(event) ?? "")}\n`);
	};
}

// --- internal ---

const WAITS = { relay: "a relay", transfers: "running transfers" };

const WRITE: { [T in Line["to"]]: (text: string) => void } = {
	result: print,
	message: notice,
	error: (text) => log.error(text),
	warn: (text) => log.warn(text),
	info: (text) => log.info(text),
	debug: (text) => log.debug(text),
};
