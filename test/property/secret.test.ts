// Secrets: exactly the strings that can be generated are accepted, and two are the same if their texts are.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isSecret, newSecret, sameSecret } from "../../src/invite/secret.ts";

/** A slow, obvious version of the encoding: a 128-bit number, five bits at a time, padded with two zeros. */
function write(value: bigint): string {
	let text = "";
	for (let rest = value << 2n, i = 0; i < 26; i++, rest >>= 5n)
		text = "abcdefghijklmnopqrstuvwxyz234567"[Number(rest & 31n)] + text;
	return text;
}

test("every 128-bit number is a secret", () => {
	fc.assert(
		fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
			expect(isSecret(write(value))).toBe(true);
		}),
	);
});

test("a text is a secret only if it is the encoding of a number", () => {
	const near = fc
		.tuple(fc.nat(25), fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz2345670189AZ-. \n"))
		.map(([at, character]) => {
			const secret = newSecret();
			return secret.slice(0, at) + character + secret.slice(at + 1);
		});
	fc.assert(
		fc.property(fc.oneof(near, fc.stringMatching(/^[a-z2-7]{24,28}$/), fc.string()), (text) => {
			const values = [...text].map((it) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(it));
			const value = values.reduce((sum, digit) => sum * 32n + BigInt(digit), 0n);
			expect(isSecret(text)).toBe(!values.includes(-1) && text.length === 26 && write(value >> 2n) === text);
		}),
		{ numRuns: 1000 },
	);
});

test("two texts are the same secret exactly when they are the same text", () => {
	const one = fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 2 }), fc.stringMatching(/^[ab]{0,3}$/));
	fc.assert(
		fc.property(one, one, (a, b) => {
			// Lone surrogates have no UTF-8 encoding, and no secret that was read from a line contains any.
			fc.pre(a.isWellFormed() && b.isWellFormed());
			expect(sameSecret(a, b)).toBe(a === b);
			expect(sameSecret(a, a)).toBe(true);
		}),
	);
});
