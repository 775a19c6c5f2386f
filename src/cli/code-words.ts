// A look at a join code before it is spent: one wrong word burns it, and most wrong words are typing errors that the word
// list reveals. A word that was not heard or not selected is revealed by their number.
import { HivemindError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { printable } from "../base/printable.ts";
import { type Code, parseCode, unknownWords } from "../wormhole/client/code.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../wormhole/limits.ts";

/** Asks a person and resolves with the answer, or undefined when there is none. */
export type Ask = (question: string) => Promise<string | undefined>;

/**
 * The code that was meant. Where a word is not in the list, `ask` is called with the nearest one; without `ask`, or when
 * the answer is no, that is an error. @throws HivemindError `code`, also when the code cannot be read
 */
export async function checkWords(typed: string, ask: Ask | undefined): Promise<string> {
	let code = parseCode(typed);
	checkCount(code);
	const turned = inOrder(code);
	if (turned) {
		// No suggestion without a person: an unspent code in a log is an invitation.
		await confirm({ problem: "The words of the join code are in the wrong order.", meant: turned.text, hint: "" }, ask);
		return turned.text;
	}
	for (const { word, position, column } of unknownWords(code)) {
		const meant = nearest(word, column);
		const hint = meant === undefined ? NONE_CLOSE : `Did you mean '${meant}'? `;
		await confirm({ problem: `'${printable(word)}' is not a word of a join code.`, meant, hint }, ask);
		if (meant !== undefined) code = withWord(code, position, meant);
	}
	return code.text;
}

// --- internal ---

const NONE_CLOSE = "No word in the list is close. ";

const STILL_GOOD = "Nothing was sent, so the code is still good. --force-code uses it as it is.";

interface Doubt {
	problem: string;
	/** What is used when the answer is yes; without it, what was typed. */
	meant: string | undefined;
	/** What helps where nobody can be asked. */
	hint: string;
}

/** Resolves when the answer is yes. @throws HivemindError `code` */
async function confirm({ problem, meant, hint }: Doubt, ask: Ask | undefined): Promise<void> {
	const question = meant === undefined ? `${NONE_CLOSE}Use it anyway? [y/N] ` : `Did you mean ${meant}? [Y/n] `;
	const answer = await ask?.(`${problem} ${question}`);
	if (answer !== undefined && (meant === undefined ? /^y(es)?$/i : /^(y(es)?)?$/i).test(answer.trim())) return;
	throw new HivemindError("code", problem, {
		hint: `${ask ? "" : hint}${STILL_GOOD}`,
	});
}

function checkCount({ text }: Code): void {
	const count = text.split("-").length - 1;
	if (count >= CODE_WORDS_MIN && count <= CODE_WORDS_MAX) return;
	const has = count === 1 ? "one word" : `${count} words`;
	throw new HivemindError("code", `The join code has ${has}, and a hub's has ${CODE_WORDS_MIN} to ${CODE_WORDS_MAX}.`, {
		hint: STILL_GOOD,
	});
}

/** The code with each pair of words exchanged, if that makes all of them known: the two lists take turns. */
function inOrder({ nameplate, text }: Code): Code | undefined {
	const words = text.split("-").slice(1);
	const exchanged = words.map((word, i) => words[i ^ 1] ?? word);
	const turned = { nameplate, text: [nameplate, ...exchanged].join("-") };
	return unknownWords({ nameplate, text }).length > 0 && unknownWords(turned).length === 0 ? turned : undefined;
}

function withWord({ nameplate, text }: Code, position: number, word: string): Code {
	return {
		nameplate,
		text: text
			.split("-")
			.with(position + 1, word)
			.join("-"),
	};
}
