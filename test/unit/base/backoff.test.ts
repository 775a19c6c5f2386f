// The back-off: growth, the maximum, jitter and starting over.
import { expect, spyOn, test } from "bun:test";
import { Backoff } from "../../../src/base/backoff.ts";

const pauses = (chance: number, count: number, backoff = new Backoff({ firstMs: 100, maxMs: 1000, growth: 2 })) => {
	const random = spyOn(Math, "random").mockImplementation(() => chance);
	try {
		return Array.from({ length: count }, () => backoff.next());
	} finally {
		random.mockRestore();
	}
};

test("pauses grow to the maximum and stay there", () => {
	expect(pauses(1, 6)).toEqual([100, 200, 400, 800, 1000, 1000]);
});

test("jitter shortens a pause by half at most", () => {
	expect(pauses(0, 6)).toEqual([50, 100, 200, 400, 500, 500]);
});

test("after a reset the pauses start over", () => {
	const backoff = new Backoff({ firstMs: 100, maxMs: 1000, growth: 2 });
	pauses(1, 3, backoff);
	backoff.reset();
	expect(pauses(1, 2, backoff)).toEqual([100, 200]);
});
