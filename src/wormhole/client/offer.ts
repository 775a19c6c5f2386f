// The hub's side of join codes: one code after another for the same ticket, each good for one peer.
import type { Backoff } from "../../base/backoff.ts";
import { pause } from "../../base/timers.ts";
import { randomWords } from "./code.ts";
import { runExchange } from "./driver.ts";
import { adviceOn, explain, type Outage, refusal } from "./failures.ts";
import { SPOILED_FREE, SPOILED_QUIET_MS } from "./limits.ts";
import { MAILBOX_URL, mailboxUrl } from "./mailbox-url.ts";
import { routeTo } from "./proxy.ts";
import { freshSetup, motdFilter } from "./setup.ts";
import { retryBackoff, spoiledBackoff, TIMING, type Timing } from "./timing.ts";

export interface OfferOptions {
	/** What the peers get. */
	ticket: string;
	/** ws, wss, http or https; the public server when not given. */
	url?: string | undefined;
	/** Words of a code, 2 to 8; 2 when not given. */
	words?: number | undefined;
	/** Ends the offer; the mailbox is closed within a second. */
	signal: AbortSignal;
	/** A code that works from now on; every earlier one is dead. The same code again after an outage it survived. */
	onCode(code: string): void;
	/** A peer proved the code and has the ticket. `doubt`: why it may not have read it, if it did not say that it has. */
	onTaken(doubt?: string): void;
	/** Milliseconds from then to the next code, unless `signal` is aborted by then; 0 when not given. */
	afterTakenMs?: number;
	/**
	 * Somebody tried a wrong code, interfered, or broke off (`why`) when it knew whether its guess was right. The next
	 * code comes in `waitMs`: 0, or more after several spoiled ones.
	 */
	onWrongCode(waitMs: number, why?: string): void;
	/** The code is dead for a reason that tested no guess. The next one comes in `waitMs`, as above. */
	onSpoiled?(why: string, waitMs: number): void;
	/** Codes do not work until the next `onCode`. Called once for each outage; retrying goes on. */
	onUnreachable(outage: MailboxOutage): void;
	/** A message from the server's operator, once until it changes. */
	onMotd?(text: string): void;
	timing?: Partial<Timing>;
}

/** `proxy`: the one that leads to the server, as it would stand in a sentence. */
export type MailboxOutage = Outage & { url: string; proxy?: string };

/**
 * Offers `ticket` under one code after another, one for each peer, until `signal` is aborted; then resolves.
 * @throws HivemindError `usage` for a bad URL, `mailbox` when the server refuses us for good, or the proxy's URL is bad
 */
export async function offerCodes(options: OfferOptions): Promise<void> {
	const { signal, ticket: text } = options;
	const url = mailboxUrl(options.url ?? MAILBOX_URL);
	const route = routeTo(url);
	const timing = { ...TIMING, ...options.timing };
	const onMotd = motdFilter(options.onMotd);
	const spoiled = new SpoiledCodes(spoiledBackoff(timing));
	const retries = retryBackoff(timing);
	/** What the user believes: that the last code works, that the server is unreachable, or neither. */
	let told = "nothing" as "code" | "unreachable" | "nothing";
	const onDown = (outage: Outage) => {
		const { why } = outage;
		const proxy = route.proxy?.name;
		const hint = adviceOn(route, outage);
		if (told !== "unreachable") options.onUnreachable({ url, why, ...(proxy && { proxy }), ...(hint && { hint }) });
		told = "unreachable";
		return true;
	};
	const onLive = (code: string) => {
		if (told !== "code") options.onCode(code);
		told = "code";
		retries.reset();
	};
	while (!signal.aborted) {
		if (told === "code") told = "nothing";
		const words = randomWords(options.words);
		const setup = { ...freshSetup(), role: "offer", words, ticket: text } as const;
		let reached = "nothing" as Reached;
		const outcome = await runExchange({
			route,
			setup,
			timing,
			signal,
			onLive(code) {
				if (reached === "nothing") reached = "live";
				onLive(code);
			},
			onMet: () => {
				reached = "met";
			},
			onMotd,
			onDown,
		});
		const { kind } = outcome;
		if (kind === "cancelled") return;
		let waitMs: number;
		if (kind === "taken") {
			spoiled.reset();
			options.onTaken(outcome.doubt);
			waitMs = options.afterTakenMs ?? 0;
		} else if (kind === "wrong code" || reached === "met") {
			waitMs = spoiled.next();
			options.onWrongCode(waitMs, kind === "wrong code" ? undefined : explain(outcome));
		} else if (reached === "nothing" && (kind === "error" || kind === "unreachable")) {
			onDown(outcome);
			waitMs = retries.next();
		} else {
			waitMs = spoiled.next();
			if (kind !== "refused") options.onSpoiled?.(explain(outcome), waitMs);
		}
		if (kind === "refused") throw refusal(url, outcome.why);
		await pause(waitMs, signal);
	}
}

// --- internal ---

/**
 * How far a code came before it ended. From the other side's first message on, that side can test one guess on our answer
 * and then make the exchange fail in any way it likes, so every failure counts as a wrong guess.
 */
type Reached = "nothing" | "live" | "met";

/** How long the next code waits after a spoiled one, so that guessing is slow (docs/mailbox-protocol.md, "Guessing"). */
class SpoiledCodes {
	readonly #backoff: Backoff;
	#count = 0;
	#lastAt = 0;

	constructor(backoff: Backoff) {
		this.#backoff = backoff;
	}

	/** One more spoiled code: the milliseconds until the next one. */
	next(): number {
		const now = performance.now();
		if (now - this.#lastAt > SPOILED_QUIET_MS) this.reset();
		this.#lastAt = now;
		this.#count += 1;
		return this.#count <= SPOILED_FREE ? 0 : Math.round(this.#backoff.next());
	}

	reset(): void {
		this.#count = 0;
		this.#backoff.reset();
	}
}
