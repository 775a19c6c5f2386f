// Maps whose keys a remote can invent: they stay bounded, and the newest keys are kept.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { setBounded } from "../../../src/base/bounded-map.ts";

test("a key that is set again counts as new, and is not the next to be dropped", () => {
	const memory = new Map<string, number>();
	for (const [i, name] of ["a", "b", "c", "a", "d"].entries()) setBounded(memory, name, i, 3);
	expect([...memory]).toEqual([
		["c", 2],
		["a", 3],
		["d", 4],
	]);
});

test("a full map drops nothing when a key that it has is set again", () => {
	const memory = new Map([
		["a", 1],
		["b", 2],
	]);
	setBounded(memory, "a", 3, 2);
	expect([...memory]).toEqual([
		["b", 2],
		["a", 3],
	]);
});

test("however many keys are set, the last ones are kept with their last value, and no others", () => {
	const names = fc.array(fc.constantFrom("", "a", "b", "c", "d", "e"), { maxLength: 50 });
	fc.assert(
		fc.property(fc.integer({ min: 1, max: 7 }), names, (most, keys) => {
			const memory = new Map<string, number>();
			for (const [i, name] of keys.entries()) {
				setBounded(memory, name, i, most);
				expect(memory.size).toBeLessThanOrEqual(most);
			}
			// The slow, obvious way: every key in the place where it was last set.
			const last = [...keys.entries()].filter(([i, name]) => !keys.slice(i + 1).includes(name)).slice(-most);
			expect([...memory]).toEqual(last.map(([i, name]) => [name, i]));
		}),
	);
});
