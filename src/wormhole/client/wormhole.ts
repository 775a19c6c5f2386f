// Join codes by Magic Wormhole: `offerCodes` for a hub, `redeem` for a peer. The library's public part.
// Called by invite.ts; calls mailbox.ts for each exchange. Errors are for the person at the keyboard.
import { HivemindError } from "../../base/errors.ts";
import { pause } from "../../base/timers.ts";
import { REDEEM_MS, SPOILED_FREE, SPOILED_QUIET_MS } from "../limits.ts";
import { type Code, parseCode, randomWords } from "./code.ts";
import { exchange, mailboxUrl } from "./driver.ts";
import { explain, failure, refusal, unreachable } from "./failures.ts";
import { NONCE } from "./keys.ts";
import { randomScalar } from "./spake2.ts";
import type { Secrets, Setup } from "./state.ts";
import { retryAfter, TIMING, type Timing } from "./timing.ts";

/** The one that the original hivemind-p2p used; with it any Magic Wormhole client opens our codes. */
export const APP_ID = "lothar.com/wormhole/text-or-file-xfer";

/** The public mailbox server. */
export const MAILBOX_URL = "wss://relay.magic-wormhole.io/v1";

export interface OfferOptions {
	/** What the peers get; asked for once for each code. */
	ticket: string | (() => string);
	/** ws, wss, http or https; {@link MAILBOX_URL} when not given. */
	url?: string | undefined;
	/** Words of a code, 2 to 8; 2 when not given. */
	words?: number | undefined;
	/** Ends the rotation; the mailbox is closed in at most a second. */
	signal: AbortSignal;
	/** A code that works from now on; every earlier one is dead. The same code again after an outage it survived. */
	onCode(code: string): void;
	/** A peer proved the code and has the ticket. */
	onTaken(): void;
	/** Milliseconds from then to the next code, unless `signal` is aborted by then; 0 when not given. */
	afterTakenMs?: number;
	/** Somebody tried a wrong code, or interfered. The next code comes in `waitMs`: 0, or more after several guesses. */
	onWrongCode(waitMs: number): void;
	/** The code is dead for another reason; the next one comes. */
	onSpoiled?(why: string): void;
	/** Codes do not work until the next `onCode`. Once for each outage; retrying goes on. */
	onUnreachable(url: string, why: string): void;
	/** A message from the server's operator, once for each text. */
	onMotd?(text: string): void;
	timing?: Partial<Timing>;
}

/**
 * Offers `ticket` under one code after another, one for each peer, until `signal` is aborted; then resolves.
 * @throws HivemindError `usage` for a bad URL, `mailbox` when the server refuses us for good
 */
export async function offerCodes(options: OfferOptions): Promise<void> {
	const { signal } = options;
	const url = mailboxUrl(options.url ?? MAILBOX_URL);
	const timing = { ...TIMING, ...options.timing };
	const onMotd = once(options.onMotd);
	const spoiled = spoiledCodes(timing);
	let failures = 0;
	let down = false;
	while (!signal.aborted) {
		const { ticket } = options;
		let shown = "";
		const onDown = (why: string) => {
			if (!down) options.onUnreachable(url, why);
			down = true;
			return true;
		};
		const onLive = (code: string) => {
			if (code !== shown || down) options.onCode(code);
			shown = code;
			down = false;
			failures = 0;
		};
		const words = randomWords(options.words);
		const setup = { role: "offer", ...common(), words } as const;
		const outcome = await exchange({
			url,
			setup: { ...setup, ticket: typeof ticket === "string" ? ticket : ticket() },
			timing,
			signal,
			onLive,
			onMotd,
			onDown,
		});
		let waitMs = 0;
		switch (outcome.kind) {
			case "taken":
				spoiled.reset();
				options.onTaken();
				waitMs = options.afterTakenMs ?? 0;
				break;
			case "wrong code":
				waitMs = spoiled.wait();
				options.onWrongCode(waitMs);
				break;
			case "refused":
				throw refusal(url, outcome.why);
			case "error":
			case "unreachable":
				onDown(outcome.why);
				waitMs = retryAfter(failures++, timing);
				break;
			case "cancelled":
				return;
			default:
				waitMs = spoiled.wait();
				options.onSpoiled?.(explain(outcome));
		}
		await pause(waitMs, signal);
	}
}

export interface RedeemOptions {
	/** ws, wss, http or https; {@link MAILBOX_URL} when not given. */
	url?: string | undefined;
	/** How long a hub may take to answer, and before that the mailbox server to let us in; 60 s each when not given. */
	timeoutMs?: number | undefined;
	signal?: AbortSignal | undefined;
	/** What is being waited for now: "the mailbox server", "the hub", "the ticket". */
	onWaiting?(what: string): void;
	onMotd?(text: string): void;
	timing?: Partial<Timing>;
}

/**
 * The ticket behind a join code, typed as sloppily as {@link parseCode} forgives. A code is spent by one try, right or
 * wrong.
 * @throws HivemindError `code`: unreadable, wrong, used up; `nobody`: no hub in time; `mailbox`: the server cannot be
 * reached or refuses; `usage`: bad URL. The reason of `signal` when that is aborted.
 */
export async function redeem(typed: string, options: RedeemOptions = {}): Promise<string> {
	const code: Code = parseCode(typed);
	const url = mailboxUrl(options.url ?? MAILBOX_URL);
	const { timeoutMs = REDEEM_MS, signal, onWaiting } = options;
	signal?.throwIfAborted();
	let reached = false;
	let waiting = false;
	let met = false;
	let down: string | undefined;
	const late = new AbortController();
	let timer = setTimeout(() => late.abort(), timeoutMs);
	onWaiting?.("the mailbox server");
	const outcome = await exchange({
		url,
		setup: { role: "redeem", ...common(), code },
		timing: { ...TIMING, ...options.timing },
		signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
		onUp: () => {
			reached = true;
			down = undefined;
		},
		onLive: () => {
			if (!waiting) {
				clearTimeout(timer);
				timer = setTimeout(() => late.abort(), timeoutMs);
			}
			waiting = true;
			onWaiting?.("the hub");
		},
		onMet: () => {
			met = true;
			onWaiting?.("the ticket");
		},
		onMotd: once(options.onMotd),
		onDown: (why) => {
			down = why;
			// A server that was there comes back, most likely; one that never was, does not.
			if (reached) onWaiting?.("the mailbox server");
			return reached;
		},
	});
	clearTimeout(timer);
	if (outcome.kind === "ticket") return outcome.ticket;
	if (outcome.kind === "unreachable") throw unreachable(url, outcome.why);
	if (outcome.kind !== "cancelled") throw failure(url, outcome);
	signal?.throwIfAborted();
	if (down !== undefined || !reached) throw unreachable(url, down ?? "it does not answer");
	if (met) throw failure(url, { kind: "lost", why: "the hub did not finish" });
	throw new HivemindError("nobody", `No hub answered to the join code within ${Math.ceil(timeoutMs / 1000)} s.`, {
		hint: "Is the hub running, and does it show this very code? Each code works once.",
	});
}

// --- internal ---

function common(): Pick<Setup, "appid" | "secrets" | "announce"> {
	const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));
	const secrets: Secrets = {
		side: random(5).toHex(),
		scalar: randomScalar(),
		nonces: [random(NONCE), random(NONCE)],
	};
	return { appid: APP_ID, secrets, announce: "hivemind-p2p" };
}

/** How long the next code waits after a spoiled one. */
function spoiledCodes(timing: Timing): { wait(): number; reset(): void } {
	let count = 0;
	let last = 0;
	const reset = () => {
		count = 0;
	};
	return {
		reset,
		wait() {
			const now = performance.now();
			if (now - last > SPOILED_QUIET_MS) reset();
			last = now;
			count += 1;
			return count <= SPOILED_FREE ? 0 : Math.round(retryAfter(2 * (count - SPOILED_FREE - 1), timing));
		},
	};
}

function once(tell: ((text: string) => void) | undefined): (text: string) => void {
	const told = new Set<string>();
	return (text) => {
		// A server that says something else each time is cut off.
		if (told.has(text) || told.size >= 4) return;
		told.add(text);
		tell?.(text);
	};
}
