// A ticket's secret: how it is encoded, and that comparing it does not reveal how much of it was right.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isSecret, newSecret, SECRET_LENGTH, sameSecret } from "../../../src/invite/secret.ts";

/** The bits of a text in base32. */
const bits = (secret: string) =>
	[...secret].map((it) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(it).toString(2).padStart(5, "0")).join("");

test("a new secret has 26 characters and is valid", () => {
	expect(SECRET_LENGTH).toBe(26);
	for (let i = 0; i < 1000; i++) {
		const secret = newSecret();
		expect(secret).toMatch(/^[a-z2-7]{26}$/);
		expect(isSecret(secret)).toBe(true);
	}
});

test("each of its 128 bits is sometimes 0 and sometimes 1, and the two left over are 0", () => {
	const seen = Array.from({ length: 130 }, () => new Set<string>());
	const all = new Set<string>();
	for (let i = 0; i < 200; i++) {
		const secret = newSecret();
		all.add(secret);
		for (const [at, bit] of [...bits(secret)].entries()) seen[at]?.add(bit);
	}
	expect(all.size).toBe(200);
	// A fair bit is the same 200 times with a probability of 2^-199.
	expect(seen.slice(0, 128).every((values) => values.size === 2)).toBe(true);
	expect(seen.slice(128).map((values) => [...values])).toEqual([["0"], ["0"]]);
});

test("the encoding is RFC 4648's", () => {
	// The last character is one whose two low bits are zero.
	const ends = [..."abcdefghijklmnopqrstuvwxyz234567"].filter((end) => isSecret("a".repeat(25) + end));
	expect(ends).toEqual([..."abcdefghijklmnopqrstuvwxyz234567"].filter((_, value) => value % 4 === 0));
});

test.each([
	["nothing", ""],
	["a character too few", "a".repeat(25)],
	["a character too many", "a".repeat(27)],
	["capitals", "A".repeat(26)],
	["a digit that is not in base32", `${"a".repeat(24)}1a`],
	["a line end after it", `${"a".repeat(26)}\n`],
	["a line end before it", `\n${"a".repeat(26)}`],
	["padding", `${"a".repeat(26)}======`],
	["more than 128 bits", `${"a".repeat(25)}b`],
	["a letter that is not ASCII", `${"a".repeat(25)}ａ`],
])("%s is not a valid secret", (_, text) => {
	expect(isSecret(text)).toBe(false);
});

test("secrets are the same only if every character is", () => {
	const secret = newSecret();
	expect(sameSecret(secret, `${secret}`)).toBe(true);
	for (let at = 0; at < secret.length; at++) {
		const other = secret.slice(0, at) + (secret[at] === "a" ? "b" : "a") + secret.slice(at + 1);
		expect(sameSecret(secret, other)).toBe(false);
	}
	for (const other of ["", secret.slice(1), `${secret}a`, secret.toUpperCase()]) {
		expect(sameSecret(secret, other)).toBe(false);
		expect(sameSecret(other, secret)).toBe(false);
	}
	// As many characters, more bytes: the comparison must not throw.
	expect(sameSecret("a".repeat(26), "é".repeat(26))).toBe(false);
	expect(sameSecret("aa", "é")).toBe(false);
});

test("no secret is compared with an operator, whose time depends on how much of it is right", () => {
	const folder = join(import.meta.dir, "../../../src");
	const found = readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".ts"))
		.flatMap((name) =>
			readFileSync(join(folder, name), "utf8")
				.split("\n")
				.map((line) => line.replace(/ [!=]== undefined/g, ""))
				.filter((line) => /\b[sS]ecret *[!=]==?|[!=]==? *[\w.]*\b[sS]ecret\b/.test(line))
				.map((line) => `${name}: ${line.trim()}`),
		);
	expect(found).toEqual([]);
	expect(readFileSync(join(folder, "invite/secret.ts"), "utf8")).toMatch(/timingSafeEqual\(a, b\)/);
});
