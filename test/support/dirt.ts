// What a mail, a chat, a terminal or a shell puts around a ticket or a join code, and into it.
import fc from "fast-check";

/** White space, invisible characters, quotes and punctuation, as a person may paste them around a ticket or a code. */
const AROUND = [
	..." \t\n\r\u00a0\u2003\u202f\u3000\u2028",
	..."\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202c\u2068\u2069",
	..."\"'`´“”„‟‘’‚«»‹›「」",
	...".,;:!?()[]{}<>|│*_-–—/\\",
];

/** Dirt for one end, without what `but` has. */
export const around = (but = ""): fc.Arbitrary<string> =>
	fc.array(fc.constantFrom(...AROUND.filter((one) => !but.includes(one))), { maxLength: 8 }).map((all) => all.join(""));

/** What may come between any two characters of a ticket or a code: nothing, most of the time. */
export const within = (...some: string[]): fc.Arbitrary<string> =>
	fc.oneof(
		{ weight: 20, arbitrary: fc.constant("") },
		fc.constantFrom("\u200b", "\u00ad", "\u2060", "\ufeff", ...some),
	);

/** The text with dirt between its characters. */
export function sprinkled(text: string, dirt: fc.Arbitrary<string>): fc.Arbitrary<string> {
	const characters = [...text];
	return fc
		.array(dirt, { minLength: characters.length, maxLength: characters.length })
		.map((dirts) => characters.map((one, i) => (i === 0 ? "" : (dirts[i] ?? "")) + one).join(""));
}
