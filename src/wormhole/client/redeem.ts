// The peer's side of join codes: from a typed code to the ticket behind it.
import { HivemindError } from "../../base/errors.ts";
import { parseCode } from "./code.ts";
import { runExchange } from "./driver.ts";
import { failure, type Outage, unreachable } from "./failures.ts";
import { REDEEM_MS } from "./limits.ts";
import { MAILBOX_URL, mailboxUrl } from "./mailbox-url.ts";
import { routeTo } from "./proxy.ts";
import { freshSetup, motdFilter } from "./setup.ts";
import { TIMING, type Timing } from "./timing.ts";

export interface RedeemOptions {
	/** ws, wss, http or https; the public server when not given. */
	url?: string | undefined;
	/** How long a hub may take to answer, and before that the mailbox server to accept us; 60 s each when not given. */
	timeoutMs?: number | undefined;
	signal?: AbortSignal | undefined;
	/** What is being waited for now: "the mailbox server", "the hub", "the ticket". */
	onWaiting?(what: string): void;
	/** A message from the server's operator, once until it changes. */
	onMotd?(text: string): void;
	timing?: Partial<Timing>;
}

/**
 * The ticket behind a join code, typed as sloppily as {@link parseCode} forgives. One try spends a code, right or
 * wrong.
 * @throws HivemindError `code`: unreadable, wrong, used up; `nobody`: no hub in time; `mailbox`: the server cannot be
 * reached or refuses us; `usage`: bad URL. The reason of `signal` when that is aborted.
 */
export async function redeem(typed: string, options: RedeemOptions = {}): Promise<string> {
	const code = parseCode(typed);
	const url = mailboxUrl(options.url ?? MAILBOX_URL);
	const route = routeTo(url);
	const { timeoutMs = REDEEM_MS, signal, onWaiting } = options;
	signal?.throwIfAborted();
	/** How far this has come; a lost connection does not set it back. */
	let progress = "nothing" as "nothing" | "reached" | "waiting" | "met";
	/** Why there is no connection, while there is none. */
	let down: Outage | undefined = { why: "it does not answer" };
	const late = new AbortController();
	let timer = setTimeout(() => late.abort(), timeoutMs);
	onWaiting?.("the mailbox server");
	const outcome = await runExchange({
		route,
		setup: { ...freshSetup(), role: "redeem", code },
		timing: { ...TIMING, ...options.timing },
		signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
		onUp: () => {
			if (progress === "nothing") progress = "reached";
			down = undefined;
		},
		onLive: () => {
			// The hub's time begins when its mailbox is open for the first time.
			if (progress !== "waiting") {
				clearTimeout(timer);
				timer = setTimeout(() => late.abort(), timeoutMs);
			}
			progress = "waiting";
			onWaiting?.("the hub");
		},
		onMet: () => {
			progress = "met";
			onWaiting?.("the ticket");
		},
		onMotd: motdFilter(options.onMotd),
		onDown: (outage) => {
			down = outage;
			// A server that was there most likely comes back; one that never was does not.
			const retry = progress !== "nothing";
			if (retry) onWaiting?.("the mailbox server");
			return retry;
		},
	});
	clearTimeout(timer);
	if (outcome.kind === "ticket") return outcome.ticket;
	if (outcome.kind === "unreachable") throw unreachable(route, outcome);
	if (outcome.kind !== "cancelled") throw failure(url, outcome);
	signal?.throwIfAborted();
	if (down !== undefined) throw unreachable(route, down);
	if (progress === "met") throw failure(url, { kind: "lost", why: "the hub did not finish" });
	throw new HivemindError("nobody", `No hub answered the join code within ${Math.ceil(timeoutMs / 1000)} s.`, {
		hint: "Is the hub running, and is this the code it shows? Each code works once.",
	});
}
