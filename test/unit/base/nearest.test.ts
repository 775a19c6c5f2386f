// What may have been meant by a word that is not known.
import { expect, test } from "bun:test";
import { nearest, suggestion } from "../../../src/base/nearest.ts";

test.each([
	["mial", "mail"],
	["webb", "web"],
	["post", "postgres"],
	["x", undefined],
	["frontend", undefined],
])("%s: %p", (word, expected) => {
	expect(nearest(word, ["web", "mail", "postgres"])).toBe(expected as string);
});

test("a question, if there is one", () => {
	expect(suggestion("mial", ["web", "mail"])).toBe("Did you mean 'mail'?");
	expect(suggestion("mial", [])).toBeUndefined();
});
