import { expect, test } from "bun:test";
import { HivemindError } from "../../../../src/base/errors.ts";
import { parseCode, randomWords, unknownWords, word } from "../../../../src/wormhole/client/code.ts";

test("a code typed sloppily is the same code", () => {
	for (const typed of [
		"5-hamburger-endorse",
		" 5-Hamburger-ENDORSE\n",
		"5 hamburger endorse",
		"5_hamburger__endorse",
		"5 - hamburger — endorse",
		"5−hamburger‑endorse",
		"5-hamburger-endorse-",
	]) {
		expect(parseCode(typed)).toEqual({ nameplate: "5", text: "5-hamburger-endorse" });
	}
});

test("codes from other clients are accepted as they are", () => {
	expect(parseCode("12-größe-中文")).toEqual({ nameplate: "12", text: "12-größe-中文" });
	// A decomposed ö, as macOS types it.
	expect(parseCode("12-gro\u0308ße-x").text).toBe("12-größe-x");
});

test.each([
	["", "is empty"],
	["  - ", "is empty"],
	["hamburger-endorse", "does not begin with a number"],
	["5", "has no words"],
	["5hamburger", "does not begin with a number and a hyphen"],
	[`5-${"a".repeat(300)}`, "is longer"],
	["endpointaaaa2345", "is a ticket"],
	[`endpointaaaa2345.${"a".repeat(26)}`, "is a ticket"],
	["99999999999999999-a-b", "does not begin"],
])("the code %p is refused before it is spent", (typed, why) => {
	expect(() => parseCode(typed)).toThrow(HivemindError);
	expect(() => parseCode(typed)).toThrow(why);
});

test("new codes have as many words as requested, beginning with a three-syllable one", () => {
	expect(word(0, 0)).toBe("adroitness");
	expect(word(0, 1)).toBe("aardvark");
	expect(word(255, 0)).toBe("yucatan");
	expect(word(255, 1)).toBe("zulu");
	for (const count of [2, 3, 8]) {
		const code = parseCode(`7-${randomWords(count)}`);
		expect(code.text.split("-")).toHaveLength(count + 1);
		expect(unknownWords(code)).toEqual([]);
	}
	for (const count of [0, 1, 9, 2.5, Number.NaN]) expect(() => randomWords(count)).toThrow(RangeError);
});

test("both columns have 256 different words", () => {
	for (const column of [0, 1]) {
		const words = new Set(Array.from({ length: 256 }, (_, value) => word(value, column)));
		expect(words.size).toBe(256);
		expect(words.has(undefined as unknown as string)).toBe(false);
	}
});

test("a mistyped word is found before it spends the code", () => {
	const [odd] = unknownWords(parseCode("5-hamburgr-endorse"));
	expect(odd?.word).toBe("hamburgr");
	expect(odd?.column).toContain("hamburger");
	// Right words in the wrong order.
	expect(unknownWords(parseCode("5-endorse-hamburger")).map((unknown) => unknown.word)).toEqual([
		"endorse",
		"hamburger",
	]);
});
