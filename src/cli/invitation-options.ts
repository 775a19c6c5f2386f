// The options about join codes and tickets, from strings to typed values.
import { HivemindError } from "../base/errors.ts";
import type { OfferOptions } from "../invite/offer-codes.ts";
import { type Pasted, readPasted } from "../invite/pasted.ts";
import type { RedeemOptions } from "../invite/redeem-code.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { mailboxUrl } from "../wormhole/client/mailbox-url.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../wormhole/limits.ts";
import { checkWords } from "./code-words.ts";
import type { Parsed } from "./definition.ts";
import type { TypedInvitation } from "./join-words.ts";
import { REDEEM_MAX_S } from "./limits.ts";
import { wholeNumber } from "./numbers.ts";
import { type CODES, INVITATION, MAILBOX } from "./options.ts";
import { readSecret } from "./secret-input.ts";
import type { Input } from "./terminal-input.ts";

/** What the hub gave us: its ticket, or a join code for it. */
export type Invitation = { ticket: string } | ({ code: string } & RedeemOptions);

/** The alias of a saved hub, without its @. */
export interface SavedAlias {
	readonly alias: string;
}

/** How `share` offers join codes, or undefined when it offers none. @throws HivemindError `usage` */
export function codeOptions(options: Parsed<typeof CODES>): (OfferOptions & { qr: boolean }) | undefined {
	if (!options.wormhole) return undefined;
	const given = options["code-words"];
	const words = given === undefined ? undefined : wholeNumber(given, "--code-words", CODE_WORDS_MIN, CODE_WORDS_MAX);
	return { ...mailboxOf(options), ...(words !== undefined && { words }), qr: options.qr };
}

/** The option that gives an invitation, by name. The environment is not asked: an argument takes precedence over it. */
export const explicitInvitation = (options: Parsed<typeof INVITATION>): string | undefined =>
	sourcesOf(options).find(({ given }) => given !== undefined)?.option;

/**
 * The ticket or the join code that `join` was given, by argument, option, standard input, environment, or typed on a
 * terminal, where it may also be the @alias of a saved hub; undefined when `stop` was aborted while reading or asking. @throws HivemindError `usage`, `code`
 */
export async function readInvitation(
	options: Parsed<typeof INVITATION & typeof MAILBOX>,
	typed: TypedInvitation | undefined,
	input: Input,
	stop: AbortSignal,
): Promise<Invitation | SavedAlias | undefined> {
	const timeout = wholeNumber(options.timeout, "--timeout", 1, REDEEM_MAX_S);
	const mailbox = mailboxOf(options);
	try {
		const found = await given(options, typed, input);
		if ("alias" in found) return found;
		if (found.kind === "ticket") return { ticket: found.text };
		const redeem = { ...(found.mailbox && checkedMailbox(found.mailbox)), ...mailbox, timeoutMs: timeout * 1000 };
		if (options["force-code"]) return { code: found.text, ...redeem };
		const code = await checkWords(found.text, input.canAsk ? (question) => input.ask(question) : undefined);
		return { code, ...redeem };
	} catch (error) {
		if (stop.aborted && error === stop.reason) return undefined;
		throw typed ? withNameHint(error, typed.text) : error;
	}
}

// --- internal ---

function sourcesOf(options: Parsed<typeof INVITATION>) {
	return [
		{ kind: "ticket", option: "--ticket", given: options.ticket, variable: INVITATION.ticket.variable },
		{ kind: "code", option: "--join-code", given: options["join-code"], variable: INVITATION["join-code"].variable },
	] as const;
}

/** What was given, without what a paste had around it. An option says itself which of the two its value is. */
async function given(
	options: Parsed<typeof INVITATION>,
	typed: TypedInvitation | undefined,
	input: Input,
): Promise<Pasted | SavedAlias> {
	const clean = (text: string) => readPasted(text, { ownWords: options["force-code"] });
	if (typed) return clean(typed.text);
	const found = await readSecret(sourcesOf(options), input);
	if (found) return { ...clean(found.secret), kind: found.source.kind };
	const typedNow = (await input.askForPaste("Join code or ticket: ")) ?? "";
	const [, alias] = /^\s*@(\S+)\s*$/.exec(typedNow) ?? [];
	if (alias !== undefined) return { alias };
	const answer = clean(typedNow);
	if (answer.text !== "") return answer;
	throw new HivemindError("usage", "'join' needs a ticket or a join code.", {
		hint: "Add what the hub's screen shows, for example: join 5-hamburger-endorse.",
	});
}

/** A name may look like a code. */
function withNameHint(error: unknown, word: string): unknown {
	if (!(error instanceof HivemindError) || error.code !== "code" || word.length > NAME_MAX) return error;
	const hint = `${error.hint} If it is this peer's name, write --name ${/\s/.test(word) ? `"${word}"` : word}.`;
	return new HivemindError("code", error.message, { hint, cause: error.cause });
}

/** @throws HivemindError `usage` for what is not the URL of a mailbox server */
function mailboxOf(options: Parsed<typeof MAILBOX>): { mailbox?: string } {
	const mailbox = options["wormhole-relay"] ?? process.env[MAILBOX["wormhole-relay"].variable];
	return mailbox ? checkedMailbox(mailbox) : {};
}

function checkedMailbox(mailbox: string): { mailbox: string } {
	mailboxUrl(mailbox);
	return { mailbox };
}
