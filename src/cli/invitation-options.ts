// The options about join codes and tickets, from strings to typed values.
import { HivemindError } from "../base/errors.ts";
import type { OfferOptions } from "../invite/offer-codes.ts";
import type { RedeemOptions } from "../invite/redeem-code.ts";
import { mailboxUrl } from "../wormhole/client/mailbox-url.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../wormhole/limits.ts";
import { checkWords } from "./code-words.ts";
import type { Parsed } from "./definition.ts";
import { REDEEM_MAX_S } from "./limits.ts";
import { wholeNumber } from "./numbers.ts";
import { type CODES, INVITATION, MAILBOX } from "./options.ts";
import { Input, readSecret } from "./secret-input.ts";

/** What the hub gave us: its ticket, or a join code for it. */
export type Invitation = { ticket: string } | ({ code: string } & RedeemOptions);

/** How `share` offers join codes, or undefined when it offers none. @throws HivemindError `usage` */
export function codeOptions(options: Parsed<typeof CODES>): (OfferOptions & { qr: boolean }) | undefined {
	if (!options.wormhole) {
		const useless = (["qr", "code-words", "wormhole-relay"] as const).find((name) => options[name]);
		if (useless) {
			throw new HivemindError("usage", `--${useless} does nothing without --wormhole.`, { hint: "Add --wormhole." });
		}
		return undefined;
	}
	const given = options["code-words"];
	const words = given === undefined ? undefined : wholeNumber(given, "--code-words", CODE_WORDS_MIN, CODE_WORDS_MAX);
	return { ...mailboxOf(options), ...(words !== undefined && { words }), qr: options.qr };
}

/**
 * The ticket or the join code that `join` was given, by option, standard input, environment, or typed on a terminal;
 * undefined when `stop` was aborted while reading or asking. @throws HivemindError `usage`, `code`
 */
export async function readInvitation(
	options: Parsed<typeof INVITATION & typeof MAILBOX>,
	stop: AbortSignal,
): Promise<Invitation | undefined> {
	const timeout = wholeNumber(options.timeout, "--timeout", 1, REDEEM_MAX_S);
	const redeem = { ...mailboxOf(options), timeoutMs: timeout * 1000 };
	const input = new Input(stop);
	try {
		const found = await given(options, input);
		if ("ticket" in found) return found;
		if (options["force-code"]) return { ...found, ...redeem };
		const code = await checkWords(found.code, input.canAsk ? (question) => input.ask(question) : undefined);
		return { code, ...redeem };
	} catch (error) {
		if (stop.aborted && error === stop.reason) return undefined;
		throw error;
	} finally {
		input.close();
	}
}

// --- internal ---

async function given(options: Parsed<typeof INVITATION>, input: Input): Promise<{ ticket: string } | { code: string }> {
	const sources = [
		{ option: "--ticket", given: options.ticket, variable: INVITATION.ticket.variable },
		{ option: "--join-code", given: options["join-code"], variable: INVITATION["join-code"].variable },
	];
	const found = await readSecret(sources, input);
	if (found) return found.source.option === "--ticket" ? { ticket: found.secret } : { code: found.secret };
	const typed = await input.ask("Join code or ticket: ");
	if (typed) return /^\s*endpoint/i.test(typed) ? { ticket: typed } : { code: typed };
	throw new HivemindError("usage", "'join' needs a ticket or a join code.", {
		hint: "Add --join-code or --ticket with what the hub's screen shows.",
	});
}

/** @throws HivemindError `usage` for what is not the URL of a mailbox server */
function mailboxOf(options: Parsed<typeof MAILBOX>): { mailbox?: string } {
	const mailbox = options["wormhole-relay"] ?? process.env[MAILBOX["wormhole-relay"].variable];
	if (!mailbox) return {};
	mailboxUrl(mailbox);
	return { mailbox };
}
