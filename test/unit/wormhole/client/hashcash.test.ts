import { expect, test } from "bun:test";
import { sha1 } from "@noble/hashes/legacy.js";
import { stamp, zeroBits } from "../../../../src/wormhole/client/hashcash.ts";

const never = new AbortController().signal;

test("a stamp has at least the requested number of zero bits", async () => {
	for (const bits of [0, 1, 7, 8, 13, 17]) {
		const text = await stamp(bits, "mailbox", never);
		expect(zeroBits(sha1(new TextEncoder().encode(text)))).toBeGreaterThanOrEqual(bits);
		expect(text).toMatch(new RegExp(`^1:${bits}:\\d{6}:mailbox::[A-Za-z0-9+/]{16}:[0-9a-z]+$`));
	}
});

test("zero bits are counted from the first on", () => {
	expect(zeroBits(Uint8Array.of(255))).toBe(0);
	expect(zeroBits(Uint8Array.of(1))).toBe(7);
	expect(zeroBits(Uint8Array.of(0, 0x10))).toBe(11);
	expect(zeroBits(new Uint8Array(20))).toBe(160);
});

test("the event loop goes on while it works, and an abort ends it", async () => {
	const end = new AbortController();
	const reason = new Error("enough");
	let turns = 0;
	const turn = () => {
		if (++turns === 3) end.abort(reason);
		else setImmediate(turn);
	};
	setImmediate(turn);
	expect(stamp(28, "mailbox", end.signal)).rejects.toBe(reason);
	await stamp(28, "mailbox", end.signal).catch(() => {});
	expect(turns).toBe(3);
});

test("more than 28 bits are refused at once", () => {
	expect(stamp(29, "mailbox", never)).rejects.toThrow("29 bits");
});
