// Files of saved hubs: any contents are a saved hub or refused, and what is written is read again.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { printable } from "../../src/base/printable.ts";
import { aliasOf, decodeSavedHub, encodeSavedHub, isAlias, numberedAlias } from "../../src/invite/saved-hub.ts";
import { NAME_MAX } from "../../src/protocol/limits.ts";
import { cases } from "../support/cases.ts";
import { savedHub } from "../support/saved-hub.ts";

const RUNS = { numRuns: cases(2000) };
const bytes = (text: string) => new TextEncoder().encode(text);

const time = fc.date({ min: new Date("0000-01-01"), max: new Date("9999-01-01"), noInvalidDate: true });
const hub = fc.record({
	id: fc.stringMatching(/^[0-9a-f]{64}$/),
	name: fc.string({ unit: "binary", maxLength: 80 }).map((name) => printable(name, NAME_MAX)),
	ticket: fc.stringMatching(/^endpoint[a-z2-7]{1,300}(\.[a-z2-7]{26})?$/),
	key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
	lasting: fc.constantFrom(true, false, undefined),
	savedAt: time.map(Number),
	usedAt: time.map(Number),
});

test("what is written is read again", () => {
	fc.assert(
		fc.property(hub, (one) => expect(decodeSavedHub(bytes(encodeSavedHub(one)))).toEqual(one)),
		RUNS,
	);
});

const valid = bytes(encodeSavedHub(savedHub()));
/** Any bytes, and a valid file with a few bytes changed, cut out or put in. */
const content = fc.oneof(
	fc.uint8Array({ maxLength: 600 }),
	fc
		.array(fc.tuple(fc.nat(valid.length), fc.nat(3), fc.uint8Array({ maxLength: 3 })), { minLength: 1, maxLength: 3 })
		.map((edits) => {
			const list = [...valid];
			for (const [at, cut, put] of edits) list.splice(at, cut, ...put);
			return Uint8Array.from(list);
		}),
);

test("any bytes are refused, or are what would be written for what they say", () => {
	fc.assert(
		fc.property(content, (file) => {
			const said = decodeSavedHub(file);
			if (said) expect(Buffer.from(encodeSavedHub(said)).equals(file)).toBe(true);
		}),
		RUNS,
	);
});

test("any name has an alias, with and without a number", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.integer({ min: 2, max: 99 }), (name, number) => {
			expect(isAlias(aliasOf(name))).toBe(true);
			expect(isAlias(numberedAlias(aliasOf(name), number))).toBe(true);
		}),
		RUNS,
	);
});
