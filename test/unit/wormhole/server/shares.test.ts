import { expect, test } from "bun:test";
import { Shares } from "../../../../src/wormhole/server/shares.ts";

test("nobody gets more than a share, all together no more than there is, and what is given back can be taken", () => {
	const shares = new Shares({ all: 5, each: 2 });
	const tooMuch = expect.stringContaining("your network has too much");
	const full = expect.stringContaining("the server is full");
	expect(shares.take("a", 2)).toBeUndefined();
	expect(shares.take("a")).toEqual(tooMuch);
	expect(shares.take("b", 3)).toEqual(tooMuch);
	expect(shares.take("b", 2)).toBeUndefined();
	expect(shares.take("c", 2)).toEqual(full);
	expect(shares.take("c")).toBeUndefined();
	expect(shares.take("d")).toEqual(full);
	expect(shares.total).toBe(5);
	shares.give("a");
	expect(shares.take("d")).toBeUndefined();
	expect(shares.take("a")).toEqual(full);
	for (const [network, amount] of [
		["a", 1],
		["b", 2],
		["c", 1],
		["d", 1],
	] as const)
		shares.give(network, amount);
	expect(shares.total).toBe(0);
});
