import { expect, test } from "bun:test";
import { MOTDS_MAX } from "../../../../src/wormhole/client/limits.ts";
import { freshSetup, motdFilter } from "../../../../src/wormhole/client/setup.ts";

test("the operator's message is passed on once until it changes, and no more than a few times", () => {
	const told: string[] = [];
	const tell = motdFilter((text) => told.push(text));
	for (const text of ["a", "a", "b", "b", "a"]) tell(text);
	expect(told).toEqual(["a", "b", "a"]);
	for (let i = 0; i < 20; i++) tell(`${i}`);
	expect(told).toHaveLength(MOTDS_MAX);
});

test("no secret is used for two codes", () => {
	const [a, b] = [freshSetup().secrets, freshSetup().secrets];
	expect(a.side).not.toBe(b.side);
	expect(a.scalar).not.toBe(b.scalar);
	expect(new Set([...a.nonces, ...b.nonces].map((nonce) => nonce.toHex())).size).toBe(4);
});
