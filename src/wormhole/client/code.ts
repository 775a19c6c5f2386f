// Join codes: NAMEPLATE-odd-even. The nameplate leads to the mailbox, the whole text is the SPAKE2 password
// (docs/mailbox-protocol.md, "Codes"). The words are data: words.json.
import { HivemindError } from "../../base/errors.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../limits.ts";
import { CODE_MAX } from "./limits.ts";
import words from "./words.json" with { type: "json" };

export interface Code {
	/** Decimal digits; what the mailbox server sees. */
	nameplate: string;
	/** All of it, normalised, as `5-hamburger-endorse`: the password, never sent. */
	text: string;
}

/**
 * The secret part of a new code, as `hamburger-endorse`: `count` words of 8 bits each from the system's generator,
 * three-syllable and two-syllable ones in turn (PGP word list).
 * @throws RangeError when `count` is not 2 to 8
 */
export function randomWords(count = CODE_WORDS_MIN): string {
	if (!Number.isInteger(count) || count < CODE_WORDS_MIN || count > CODE_WORDS_MAX) {
		throw new RangeError(`a code has ${CODE_WORDS_MIN} to ${CODE_WORDS_MAX} words, not ${count}`);
	}
	return [...crypto.getRandomValues(new Uint8Array(count))].map(word).join("-");
}

/** Byte `value` as the word at position `index` of a code. A column has 256 words, so all are equally likely. */
export function word(value: number, index: number): string {
	return (index % 2 === 0 ? words.odd : words.even)[value] as string;
}

/**
 * Reads a code as people type it: case, surrounding space, and spaces, underscores, dashes or minus signs for hyphens
 * are forgiven. Words are not looked up, as other clients let people choose their own: see {@link unknownWords}.
 * @throws HivemindError `code`, saying what is wrong with it
 */
export function parseCode(typed: string): Code {
	const fail = (why: string, hint = EXAMPLE): never => {
		throw new HivemindError("code", `The join code ${why}.`, { hint });
	};
	if (typed.length > CODE_MAX) fail(`is longer than ${CODE_MAX} characters`);
	const text = typed
		.normalize("NFC")
		.toLowerCase()
		.replace(/[\s_\p{Pd}\u02d7\u2043\u2212]+/gu, "-")
		.replace(/^-|-$/g, "");
	if (text === "") fail("is empty");
	if (/^endpoint[a-z2-7]+[a-z2-7.]*$/.test(text)) fail("is a ticket", "Use --ticket for a ticket.");
	const [, nameplate, rest] =
		/^([0-9]{1,16})(?:-(.+))?$/.exec(text) ?? fail("does not begin with a number and a hyphen");
	if (!rest) fail("has no words after the number");
	return { nameplate: nameplate as string, text };
}

/**
 * Words of a code that are not in the list, so most likely mistyped, each with its position among the words and with the
 * listed words for that position. A wrong word spends the code, so a program may ask before it goes on.
 */
export function unknownWords(code: Code): { word: string; position: number; column: readonly string[] }[] {
	return code.text
		.split("-")
		.slice(1)
		.map((text, position) => ({ word: text, position, column: position % 2 === 0 ? words.odd : words.even }))
		.filter(({ word: text, column }) => !column.includes(text));
}

// --- internal ---

const EXAMPLE = "A join code looks like 5-hamburger-endorse; the hub shows it.";
