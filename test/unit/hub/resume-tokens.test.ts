// The tokens by which a peer that comes back with another key shows who it is.
import { expect, test } from "bun:test";
import { ResumeTokens } from "../../../src/hub/resume-tokens.ts";
import { NAME_MAX } from "../../../src/protocol/limits.ts";

const id = (n: number) => n.toString(16).padStart(64, "0");

test("a token proves the id that it was made for, again and again, and no other", () => {
	const tokens = new ResumeTokens();
	const token = tokens.of(id(1));
	expect(tokens.of(id(1))).toBe(token);
	expect(tokens.prove({ id: id(1), token })).toBe(true);
	expect(tokens.prove({ id: id(1), token })).toBe(true);
	expect(tokens.prove({ id: id(2), token }), "of another peer").toBe(false);
	expect(tokens.prove({ id: id(1), token: tokens.of(id(2)) }), "another peer's").toBe(false);
});

test("anything else proves nothing", () => {
	const tokens = new ResumeTokens();
	const token = tokens.of(id(1));
	for (const wrong of ["", token.slice(1), token.toLowerCase(), `${token}=`, token.repeat(2), id(1)])
		expect(tokens.prove({ id: id(1), token: wrong }), wrong).toBe(false);
	expect(tokens.prove({ id: "", token: tokens.of(id(1)) })).toBe(false);
});

test("a token of one run of the hub proves nothing in another one", () => {
	const token = new ResumeTokens().of(id(1));
	expect(new ResumeTokens().prove({ id: id(1), token })).toBe(false);
});

test("a token has 256 bits and fits into its message", () => {
	const token = new ResumeTokens().of(id(1));
	expect(Buffer.from(token, "base64url")).toHaveLength(32);
	expect(token.length).toBeLessThanOrEqual(NAME_MAX);
});
