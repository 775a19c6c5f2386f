// Tickets and join codes as people paste them: with what surrounds them in a mail, a chat, a terminal or a shell. Takes
// off what cannot belong to them, and never a letter or a digit, except those of a label or of a command line. Pure.
import { TICKET_MAX } from "./limits.ts";
import { SECRET_LENGTH } from "./secret.ts";

export interface Pasted {
	/** What it looks like. Whether it is a valid one is for parseTicket() and parseCode() to say. */
	readonly kind: "ticket" | "code";
	readonly text: string;
	/** The mailbox server that a pasted command line names. */
	readonly mailbox?: string;
}

export interface PastedOptions {
	/** The words of a code were made up by a person, and may end in punctuation. */
	ownWords?: boolean;
}

/** The ticket or the join code in what was pasted. */
export function readPasted(pasted: string, { ownWords = false }: PastedOptions = {}): Pasted {
	// Too long for either: the parsers say so, and the patterns below are not made for it.
	if (pasted.length > 2 * TICKET_MAX) return { kind: /^\s*endpoint/i.test(pasted) ? "ticket" : "code", text: pasted };
	const visible = withoutInvisible(pasted);
	const command = inCommand(visible);
	const value = command?.value ?? withoutLabel(visible);
	const ticket = unwrapped(value);
	const more = command?.mailbox ? { mailbox: command.mailbox } : {};
	if (/^endpoint/i.test(ticket)) return { kind: "ticket", text: ticket, ...more };
	return { kind: "code", text: strip(value, ownWords ? QUOTE : EDGE), ...more };
}

/** Whether that may be only the first lines of a paste: a ticket that was wrapped, or no more than a label so far. */
export function maybeMore(pasted: string): boolean {
	const { kind, text } = readPasted(pasted);
	return kind === "ticket" ? !WHOLE_TICKET.test(text) : !/^\d/.test(text);
}

// --- internal ---

/** White space, invisible characters and quotes: nobody makes up words with these at their ends. */
const QUOTE = String.raw`[\s\p{Cc}\p{Cf}\p{Pi}\p{Pf}"'‚„\`´]`;

/** Also punctuation, quote marks of mails, frames of boxes. Not the ellipsis: it says that something is missing. */
const EDGE = String.raw`[[${QUOTE}\p{P}<>\|\u2500-\u257f]--[…]]`;

/** A line break in a ticket may be right before or after its dot. */
const LINE_EDGE = `[${EDGE}--[.]]`;

const TICKET = String.raw`endpoint[a-z2-7]+\.[a-z2-7]{${SECRET_LENGTH}}`;
const WHOLE_TICKET = new RegExp(`^${TICKET}$`, "i");
const STOPPED_TICKET = new RegExp(`^(${TICKET})${EDGE}+$`, "iv");

/** What surrounds a paste, and coloured text, on a terminal (ECMA-48, CSI; xterm's bracketed paste mode). */
const TERMINAL = new RegExp(String.raw`${String.fromCharCode(27)}\[[\d;]*[m~]`, "g");

function strip(text: string, edge: string): string {
	return text.replace(new RegExp(`^${edge}+|${edge}+$`, "gv"), "");
}

/**
 * Without formatting characters: soft hyphens, zero-width spaces, byte order marks, directions. Between letters that are
 * not ASCII, joiners are part of a word, in Persian for one.
 */
function withoutInvisible(text: string): string {
	const letter = String.raw`[[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]--\p{ASCII}]`;
	const joiner = String.raw`(?<=${letter})[\u200c\u200d](?=${letter})`;
	return text.replace(TERMINAL, "").replace(new RegExp(String.raw`(?!${joiner})\p{Cf}`, "gv"), "");
}

/** Without the label that the hub's screen has before it. */
function withoutLabel(text: string): string {
	return text.replace(new RegExp(String.raw`^${EDGE}*(?:ticket|join[\s_\p{Pd}]*code)\s*:`, "iv"), "");
}

/** A ticket in one piece. A dot at its end is a full stop only behind a secret; otherwise the secret is missing. */
function unwrapped(text: string): string {
	const lines = text.split(/[\n\v\f\r\u0085\u2028\u2029]/).map((line) => strip(line, LINE_EDGE));
	return lines
		.join("")
		.replace(/\s+/gu, "")
		.replace(new RegExp(`^${EDGE}+`, "v"), "")
		.replace(STOPPED_TICKET, "$1");
}

// Two hyphens, or the dash that a mail program or a chat makes of them.
const OPTION = /^(?:-{2}|[–—])(ticket|join\p{Pd}code|wormhole\p{Pd}relay)(?:=(.*))?$/isu;
const ANY_OPTION = /^(?:-{2}|[–—])\p{L}|^-[a-z]+$/iu;

/** The invitation in a pasted command line, or in the end of one; undefined in any other text. */
function inCommand(text: string): { value: string; mailbox: string | undefined } | undefined {
	const words = text.trim().split(/\s+/u);
	const found = new Map<string, string>();
	for (const [i, word] of words.entries()) {
		const [, name, inline] = OPTION.exec(word) ?? [];
		if (name === undefined || !(i === 0 || words.slice(0, i).includes("join"))) continue;
		const rest = words.slice(i + 1);
		const end = rest.findIndex((next) => ANY_OPTION.test(next));
		const values = end < 0 ? rest : rest.slice(0, end);
		found.set(name.toLowerCase().replace(/\p{Pd}/gu, "-"), [inline ?? "", ...values].join(" "));
	}
	const value = found.get("ticket") ?? found.get("join-code") ?? asArgument(words);
	if (value === undefined) return undefined;
	const mailbox = strip(found.get("wormhole-relay") ?? "", QUOTE);
	return { value, mailbox: mailbox === "" ? undefined : mailbox };
}

const IS_PROGRAM = /hivemind-p2p(?:\.exe)?$/i;
const CODE_WORD = new RegExp(String.raw`^${QUOTE}*\d+\p{Pd}\p{L}`, "iv");
const TICKET_WORD = new RegExp(`^${QUOTE}*endpoint[a-z2-7]{20}`, "iv");
const BEGINS_WHOLE = new RegExp(`^${TICKET}(?![a-z2-7])`, "i");

/** The argument of `hivemind-p2p join` that is an invitation. Elsewhere "join" is only a word. */
function asArgument(words: readonly string[]): string | undefined {
	const program = words.findIndex((word) => IS_PROGRAM.test(word));
	const join = words.indexOf("join", program + 1);
	if (join < 0 || (program < 0 && join > 0)) return undefined;
	const begin = words.findIndex((word, i) => i > join && (CODE_WORD.test(word) || TICKET_WORD.test(word)));
	const [first, ...rest] = begin < 0 ? [] : words.slice(begin);
	if (first === undefined || CODE_WORD.test(first)) return first;
	let ticket = strip(first, LINE_EDGE);
	// A name may follow, or more of a ticket that was wrapped.
	for (const word of rest) {
		const more = strip(word, LINE_EDGE);
		if (BEGINS_WHOLE.test(ticket) || ANY_OPTION.test(word) || !/^[a-z2-7.]*$/i.test(more)) break;
		ticket += more;
	}
	return ticket;
}
