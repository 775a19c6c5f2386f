// Checks of the mailbox server: whether it answers, and what time it is there.
import { MAILBOX_URL, mailboxUrl } from "../wormhole/client/mailbox-url.ts";
import { routeTo } from "../wormhole/client/proxy.ts";
import { TIMING } from "../wormhole/client/timing.ts";
import { openMailboxSocket } from "../wormhole/client/websocket.ts";
import { parseServerMessage } from "../wormhole/messages.ts";
import type { Finding } from "./finding.ts";
import { CLOCK_OFF_MS, MAILBOX_ANSWER_MS } from "./limits.ts";

/** Connects as a client does, and leaves after the server's welcome. @throws HivemindError `usage`, `mailbox` */
export async function mailbox(url = MAILBOX_URL): Promise<Finding> {
	const check = "mailbox server";
	const route = routeTo(mailboxUrl(url));
	const through = route.proxy ? ` through the proxy ${route.proxy.name}` : "";
	const answer = Promise.withResolvers<{ error?: string | undefined; hint?: string | undefined }>();
	const events = {
		onOpen: () => {},
		onFrame: (frame: string | Uint8Array) => {
			const message = parseServerMessage(frame);
			if (message?.type === "welcome") answer.resolve({ error: message.error });
		},
		onTooLong: () => {},
		onDown: ({ why, hint }: { why: string; hint?: string }) => answer.resolve({ error: why, hint }),
	};
	const socket = openMailboxSocket(route, events, { ...TIMING, connectMs: MAILBOX_ANSWER_MS });
	const late = setTimeout(() => answer.resolve({ error: "it sends no welcome" }), MAILBOX_ANSWER_MS);
	const { error, hint } = await answer.promise;
	clearTimeout(late);
	await socket.close();
	if (error === undefined) return { check, result: "ok", text: `${route.url} answers${through}` };
	return {
		check,
		result: "warning",
		text: `${route.url}${through}: ${error}`,
		hint: hint ?? "Join codes do not work without it. Tickets do: share without --wormhole, join --ticket.",
	};
}

/** Compares this machine's clock with the server's, which says what time it is in each HTTP answer. */
export async function clock(url = MAILBOX_URL): Promise<Finding> {
	const check = "clock";
	const route = routeTo(mailboxUrl(url));
	const http = route.url.replace(/^ws/, "http");
	const begun = Date.now();
	let date: string | null;
	try {
		const signal = AbortSignal.timeout(MAILBOX_ANSWER_MS);
		// Bun's fetch looks for proxies itself, and not as we do (wormhole/client/proxy.ts).
		const proxy = route.proxy ? { proxy: route.proxy.url } : { proxy: "" };
		date = (await fetch(http, { method: "HEAD", redirect: "manual", signal, ...proxy })).headers.get("date");
	} catch {
		return {
			check,
			result: "skipped",
			text: "the mailbox server was not reached, and nobody else is asked for the time",
		};
	}
	const there = Date.parse(date ?? "");
	if (Number.isNaN(there)) return { check, result: "skipped", text: "the mailbox server does not say what time it is" };
	// The header is cut to whole seconds.
	const off = (begun + Date.now()) / 2 - there - 500;
	const text = `${Math.abs(off) < 2000 ? "right" : `${Math.round(Math.abs(off) / 1000)} s ${off > 0 ? "ahead" : "behind"}`}, compared with the mailbox server`;
	if (Math.abs(off) <= CLOCK_OFF_MS) return { check, result: "ok", text };
	return { check, result: "warning", text, hint: "Set this machine's clock: TLS certificates and --expires go by it." };
}
