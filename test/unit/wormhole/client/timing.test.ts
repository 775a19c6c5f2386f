import { expect, spyOn, test } from "bun:test";
import { retryBackoff, spoiledBackoff, TIMING } from "../../../../src/wormhole/client/timing.ts";

test("pauses between attempts grow by half, with jitter, to at most a minute", () => {
	const backoff = retryBackoff(TIMING);
	for (let count = 0; count < 100; count++) {
		const nominal = Math.min(1000 * 1.5 ** count, 60_000);
		const wait = backoff.next();
		expect(wait).toBeGreaterThanOrEqual(0.5 * nominal);
		expect(wait).toBeLessThanOrEqual(nominal);
		expect(wait).toBeLessThanOrEqual(60_000);
	}
});

test("a server that is back after 5 s is found within 10 s, whatever the jitter", () => {
	for (const luck of [0, 0.5, 1 - Number.EPSILON]) {
		const random = spyOn(Math, "random").mockReturnValue(luck);
		try {
			const backoff = retryBackoff(TIMING);
			let at = 0;
			while (at < 5000) at += backoff.next();
			expect(at).toBeLessThan(10_000);
		} finally {
			random.mockRestore();
		}
	}
});

test("guessing is not faster than in version 1.0.0, on average", () => {
	// That was 1 s, growing by 2.25 to 50 s, with 20 % of jitter either way.
	const before = (count: number) => Math.min(1000 * 2.25 ** count, 50_000);
	const random = spyOn(Math, "random").mockReturnValue(0.5);
	try {
		const backoff = spoiledBackoff(TIMING);
		for (let count = 0; count < 20; count++) expect(backoff.next()).toBeGreaterThanOrEqual(before(count));
	} finally {
		random.mockRestore();
	}
});
