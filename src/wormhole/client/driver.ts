// The thin shell around the machine: keeps a WebSocket to the mailbox server, feeds what happens to `step` and runs
// the effects. Called by wormhole.ts; calls link.ts, machine.ts, hashcash.ts. All decisions are the machine's, except
// when to connect again.
import { HivemindError } from "../../base/errors.ts";
import { parseServerMessage } from "../messages.ts";
import { stamp } from "./hashcash.ts";
import { begin, step } from "./machine.ts";
import type { Effect, Event, Outcome, Setup, State } from "./state.ts";
import { retryAfter, type Timing } from "./timing.ts";
import { type Link, openLink } from "./websocket.ts";

export interface Exchange {
	/** As {@link mailboxUrl} returns it. */
	url: string;
	setup: Setup;
	timing: Timing;
	/** Aborted: the mailbox is closed with its mood, in at most a second, and the outcome is `cancelled`. */
	signal: AbortSignal;
	/** The code works from now on. */
	onLive?(code: string): void;
	/** The server let us in. */
	onUp?(): void;
	/** The other side is there. */
	onMet?(): void;
	onMotd?(text: string): void;
	/** The server cannot be reached; returns whether to try again. */
	onDown(why: string): boolean;
}

/** One exchange from the first connection to the last; resolves when its socket is closed, never rejects. */
export async function exchange(options: Exchange): Promise<Outcome | { kind: "unreachable"; why: string }> {
	const { setup, timing, signal } = options;
	const over = Promise.withResolvers<Outcome | { kind: "unreachable"; why: string }>();
	const timers = new Map<string, Timer>();
	let state: State = begin(setup);
	let link: Link | undefined;
	let working = new AbortController();
	let hungUp: Promise<void> | undefined;
	let failures = 0;

	const cancel = () => dispatch({ type: "cancel" });
	signal.addEventListener("abort", cancel);
	connect();
	if (signal.aborted) cancel();
	const outcome = await over.promise;
	signal.removeEventListener("abort", cancel);
	working.abort();
	for (const timer of timers.values()) clearTimeout(timer);
	await Promise.all([link?.close(), hungUp]);
	return outcome;

	function connect(): void {
		working = new AbortController();
		const current = openLink(
			options.url,
			{
				onOpen: () => dispatch({ type: "connected" }),
				onFrame: (frame) => {
					const message = parseServerMessage(frame);
					if (message) dispatch({ type: "message", message });
				},
				onDown: (why) => down(current, why),
			},
			timing,
		);
		link = current;
	}

	/** Each link goes down once: by itself, or because the machine hung up. */
	function down(current: Link, why: string): void {
		if (link !== current) return;
		link = undefined;
		working.abort();
		dispatch({ type: "dropped" });
		if (state.done) return;
		if (options.onDown(why)) timer("retry", retryAfter(failures++, timing), connect);
		else over.resolve({ kind: "unreachable", why });
	}

	function dispatch(event: Event): void {
		const next = step(state, event);
		state = next.state;
		for (const effect of next.effects) run(effect);
	}

	function run(effect: Effect): void {
		switch (effect.type) {
			case "send":
				if (effect.message.type === "bind") options.onUp?.();
				link?.send(JSON.stringify(effect.message));
				break;
			case "timer":
				timer(effect.name, effect.ms, () => dispatch({ type: "timer", name: effect.name }));
				break;
			case "hashcash":
				void work(effect.bits, effect.resource, working.signal);
				break;
			case "motd":
				options.onMotd?.(effect.text);
				break;
			case "live":
				failures = 0;
				options.onLive?.(effect.code);
				break;
			case "met":
				options.onMet?.();
				break;
			case "hangup":
				if (link) {
					const current = link;
					hungUp = current.close();
					down(current, effect.why);
				}
				break;
			case "done":
				over.resolve(effect.outcome);
		}
	}

	async function work(bits: number, resource: string, aborted: AbortSignal): Promise<void> {
		try {
			const found = await stamp(bits, resource, aborted);
			if (!aborted.aborted) dispatch({ type: "stamped", stamp: found });
		} catch (error) {
			// The only other end of `stamp`: the machine asks for no more bits than it makes.
			if (!aborted.aborted) throw error;
		}
	}

	function timer(name: string, ms: number | undefined, then: () => void): void {
		clearTimeout(timers.get(name));
		if (ms !== undefined) timers.set(name, setTimeout(then, ms));
	}
}

/**
 * A mailbox server's URL as people write it: http and https stand for ws and wss, an empty path for /v1.
 * @throws HivemindError `usage`
 */
export function mailboxUrl(text: string): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	const protocol = url && PROTOCOLS[url.protocol];
	if (!url || !protocol || url.hostname === "") {
		throw new HivemindError("usage", `'${text}' is not the URL of a mailbox server.`, {
			hint: "It looks like ws://127.0.0.1:4000/v1 or wss://relay.example.org/v1.",
		});
	}
	url.protocol = protocol;
	url.hash = "";
	if (url.pathname === "/") url.pathname = "/v1";
	return url.href;
}

// --- internal ---

const PROTOCOLS: Record<string, string> = { "ws:": "ws:", "wss:": "wss:", "http:": "ws:", "https:": "wss:" };
