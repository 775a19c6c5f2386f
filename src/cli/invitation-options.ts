// The options about join codes and tickets, from strings to typed values. Called by cli.ts.

import { HivemindError } from "../base/errors.ts";
import { aborted } from "../base/timers.ts";
import type { OfferOptions } from "../invite/offer-codes.ts";
import type { PeerOptions } from "../peer/run-peer.ts";
import { mailboxUrl } from "../wormhole/client/mailbox-url.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../wormhole/limits.ts";
import { REDEEM_MAX_S } from "./limits.ts";
import type { CommandLine } from "./parse-args.ts";
import { ask, canAsk, readSecret } from "./secret-input.ts";

const RELAY_VARIABLE = "HIVEMIND_P2P_WORMHOLE_RELAY";

/** What `share` offers codes with, or undefined when none are wanted. @throws HivemindError `usage` */
export function codeOptions({ values }: CommandLine): (OfferOptions & { qr: boolean }) | undefined {
	if (!values.has("wormhole")) {
		const needy = ["qr", "code-words", "wormhole-relay"].find((name) => values.has(name));
		if (needy)
			throw new HivemindError("usage", `--${needy} does nothing without --wormhole.`, { hint: "Add --wormhole." });
		return undefined;
	}
	const words = number(values.get("code-words"), "--code-words", CODE_WORDS_MIN, CODE_WORDS_MAX);
	return { ...mailboxOf(values), ...(words !== undefined && { words }), qr: values.has("qr") };
}

/**
 * The ticket or the join code that `join` was given, by option, standard input, environment, or asked for on a
 * terminal; undefined when it was stopped while asking. @throws HivemindError `usage`
 */
export async function readInvitation(
	{ values }: CommandLine,
	stop: AbortSignal,
): Promise<PeerOptions["invitation"] | undefined> {
	const given = (name: string) => values.get(name) as string | undefined;
	const timeout = number(values.get("timeout"), "--timeout", 1, REDEEM_MAX_S);
	const redeem = { ...mailboxOf(values), ...(timeout !== undefined && { timeoutMs: timeout * 1000 }) };
	const stopped = aborted(stop);
	const reading = readSecret([
		{ option: "--ticket", given: given("ticket"), variable: "HIVEMIND_P2P_TICKET" },
		{ option: "--join-code", given: given("join-code"), variable: "HIVEMIND_P2P_JOIN_CODE" },
	]);
	const found = await Promise.race([reading, stopped]);
	if (found) return found.source.option === "--ticket" ? { ticket: found.secret } : { code: found.secret, ...redeem };
	if (canAsk()) {
		const typed = await Promise.race([ask("Join code or ticket: "), stopped]);
		if (typed) return isTicket(typed) ? { ticket: typed } : { code: typed, ...redeem };
		if (stop.aborted) return undefined;
	}
	throw new HivemindError("usage", "'join' needs a ticket or a join code.", {
		hint: "Add --join-code or --ticket with what the hub's screen shows.",
	});
}

// --- internal ---

/** Whoever is asked for either may give the other. */
const isTicket = (typed: string): boolean => /^\s*endpoint/i.test(typed);

/** @throws HivemindError `usage` for what is no mailbox URL */
function mailboxOf(values: CommandLine["values"]): { mailbox?: string } {
	const mailbox = values.get("wormhole-relay") ?? process.env[RELAY_VARIABLE];
	if (typeof mailbox !== "string" || mailbox === "") return {};
	mailboxUrl(mailbox);
	return { mailbox };
}

function number(value: unknown, option: string, least: number, most: number): number | undefined {
	if (value === undefined) return undefined;
	const parsed = /^\d{1,6}$/.test(String(value)) ? Number(value) : Number.NaN;
	if (parsed >= least && parsed <= most) return parsed;
	throw new HivemindError("usage", `${option}: '${String(value)}' is no number from ${least} to ${most}.`);
}
