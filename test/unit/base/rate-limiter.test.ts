// The rate limiter: bursts, refilling, keys, and what it forgets.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RateLimiter } from "../../../src/base/rate-limiter.ts";

test("with one token a second, what happens more often passes once a second, for each key by itself", () => {
	const limiter = new RateLimiter({ burst: 1, everyMs: 1000 });
	const at = (now: number, ...keys: string[]) => keys.map((key) => limiter.take(key, now));
	expect(at(5000, "a", "a", "b")).toEqual([true, false, true]);
	expect(at(5999, "a", "b")).toEqual([false, false]);
	expect(at(6000, "a", "a")).toEqual([true, false]);
});

test("the first token is there at once, even when the clock has just started", () => {
	expect(new RateLimiter({ burst: 1, everyMs: 1000 }).take("a", 0)).toBe(true);
});

test("a burst passes at once, and then one per interval", () => {
	const limiter = new RateLimiter({ burst: 3, everyMs: 100 });
	expect([0, 0, 0, 0].map((now) => limiter.take("", now))).toEqual([true, true, true, false]);
	expect(limiter.waitMs("", 0)).toBe(100);
	expect(limiter.take("", 99)).toBe(false);
	expect(limiter.take("", 100)).toBe(true);
	expect(limiter.take("", 100)).toBe(false);
	// A quiet period fills the bucket, but not beyond its burst.
	expect([9000, 9000, 9000, 9000].map((now) => limiter.take("", now))).toEqual([true, true, true, false]);
});

test("asking how long to wait takes no token", () => {
	const limiter = new RateLimiter({ burst: 1, everyMs: 100 });
	expect(limiter.waitMs("a", 0)).toBe(0);
	expect(limiter.waitMs("a", 0)).toBe(0);
	expect(limiter.take("a", 0)).toBe(true);
});

test("keys that a remote invents are forgotten, the oldest first", () => {
	const limiter = new RateLimiter({ burst: 1, everyMs: 1e9, keys: 2 });
	expect(["a", "b", "c"].map((key) => limiter.take(key, 0))).toEqual([true, true, true]);
	expect(limiter.take("c", 1)).toBe(false);
	expect(limiter.take("b", 1)).toBe(false);
	expect(limiter.take("a", 1)).toBe(true);
});

test("no span of time lets more pass than the burst and one per interval, and after a wait of 0 one always passes", () => {
	const times = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 100 });
	fc.assert(
		fc.property(times, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }), (steps, burst, everyMs) => {
			const limiter = new RateLimiter({ burst, everyMs });
			const passed: number[] = [];
			let now = 0;
			for (const step of steps) {
				now += step;
				const wait = limiter.waitMs("", now);
				const took = limiter.take("", now);
				expect(took).toBe(wait === 0);
				if (took) passed.push(now);
			}
			for (const [i, from] of passed.entries())
				for (const [j, to] of passed.entries())
					if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(burst + Math.floor((to - from) / everyMs));
		}),
	);
});
