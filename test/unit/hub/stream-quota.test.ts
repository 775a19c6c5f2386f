// A limit for all peers together: one that uses it up shuts out nobody else.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { StreamQuota } from "../../../src/hub/stream-quota.ts";

/** Takes until refused, at most `most`; returns how many it got. */
function fill(quota: StreamQuota, id: string, most: number): number {
	let got = 0;
	while (got < most && quota.take(id)) got++;
	return got;
}

test("a single id gets all of it", () => {
	expect(fill(new StreamQuota(100), "a", 1000)).toBe(100);
});

test("a second id still gets its share, but no more", () => {
	const quota = new StreamQuota(100);
	fill(quota, "a", 1000);
	expect(fill(quota, "b", 1000)).toBe(50);
	expect(quota.take("a")).toBe(false);
	expect(fill(quota, "c", 1000)).toBe(33);
});

test("more ids than there are streams get one each", () => {
	const quota = new StreamQuota(2);
	expect(["a", "b", "c", "d"].map((id) => quota.take(id))).toEqual([true, true, true, true]);
	expect(quota.take("a")).toBe(false);
});

test("however many ids there are, together they get at most twice the limit, and one each", () => {
	const quota = new StreamQuota(100);
	let total = 0;
	for (let i = 0; i < 50; i++) total += fill(quota, `${i}`, 1000);
	expect(total).toBeLessThanOrEqual(250);
	expect(quota.take("one more")).toBe(true);
	expect(quota.take("one more")).toBe(false);
});

test("what is given back can be taken again", () => {
	const quota = new StreamQuota(3);
	expect(fill(quota, "a", 10)).toBe(3);
	quota.release("a");
	expect(fill(quota, "b", 10)).toBe(1);
	for (const id of ["a", "a", "b"]) quota.release(id);

	expect(fill(quota, "c", 10)).toBe(3);
});

test("an id that holds less than its share is never refused, and no id exceeds the limit alone", () => {
	const step = fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e"), gives: fc.boolean() });
	fc.assert(
		fc.property(fc.integer({ min: 5, max: 40 }), fc.array(step, { maxLength: 300 }), (most, steps) => {
			const quota = new StreamQuota(most);
			const held = new Map<string, number>();
			const total = () => [...held.values()].reduce((sum, count) => sum + count, 0);
			for (const { id, gives } of steps) {
				const mine = held.get(id) ?? 0;
				if (gives) {
					if (mine > 0) quota.release(id);
					held.set(id, Math.max(0, mine - 1));
				} else if (quota.take(id)) held.set(id, mine + 1);
				else {
					expect(total()).toBeGreaterThanOrEqual(most);
					expect(mine).toBeGreaterThanOrEqual(total() < 2 * most ? Math.floor(most / 5) : 1);
				}

				expect(held.get(id) ?? 0).toBeLessThanOrEqual(most);
				expect(total()).toBeLessThanOrEqual(2 * most + held.size);
			}
		}),
	);
});
