// Any attempts to any addresses, in any order of events: the first that connects is used, no other connection stays,
// and no attempt begins later than it has to.
import { afterEach, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { firstToConnect, NoneConnected } from "../../src/forward/happy-eyeballs.ts";
import { cases } from "../support/cases.ts";
import { Clock } from "../support/far-hub.ts";

const STAGGER = 100;
const END = 1_000;

let clock: Clock;
beforeEach(() => {
	clock = new Clock();
});
afterEach(() => clock.restore());

const fate = fc.record({ connects: fc.boolean(), afterMs: fc.integer({ min: 0, max: 1.5 * END }) });
const addresses = fc.array(fate, { maxLength: 6 });
const source = fc.option(fc.record({ addresses, afterMs: fc.integer({ min: 0, max: 500 }), fails: fc.boolean() }));

test("the first that connects is used, and nothing else stays", async () => {
	await fc.assert(
		fc.asyncProperty(addresses, source, async (known, later) => {
			const begun = clock.now;
			const stop = new AbortController();
			const timer = setTimeout(() => stop.abort(new Error("late")), END);
			const started: { id: number; at: number; due: number; connects: boolean; signal: AbortSignal }[] = [];
			const discarded: number[] = [];
			let asked = 0;
			const racing = firstToConnect({
				candidates: known.map((one, id) => ({ ...one, id })),
				...(later && {
					more: async () => {
						asked++;
						await Bun.sleep(later.afterMs);
						if (later.fails) throw new Error("no such name");
						return later.addresses.map((one, i) => ({ ...one, id: known.length + i }));
					},
				}),
				// One that ignores its signal: the worst there is.
				attempt: async ({ id, connects, afterMs }, signal) => {
					started.push({ id, at: clock.now, due: clock.now + afterMs, connects, signal });
					await Bun.sleep(afterMs);
					if (!connects) throw new Error(`${id} failed`);
					return id;
				},
				discard: (id) => discarded.push(id),
				staggerMs: STAGGER,
				signal: stop.signal,
			}).then(
				({ connection, candidate }) => ({ id: connection, same: candidate.id === connection, at: clock.now }),
				(error: Error) => ({ error, at: clock.now }),
			);
			await clock.pass(3 * END);
			clearTimeout(timer);
			const outcome = await racing;
			expect(asked).toBeLessThanOrEqual(1);
			// In order, each once, and none after the end.
			expect(started.map(({ id }) => id)).toEqual(started.map((_, i) => i));
			for (const { at } of started) expect(at).toBeLessThanOrEqual(outcome.at);
			const ids = started.filter(({ connects }) => connects).map(({ id }) => id);
			if ("id" in outcome) {
				expect(outcome.same).toBe(true);
				const first = Math.min(...started.filter(({ connects }) => connects).map(({ due }) => due));
				expect(outcome.at).toBe(first);
				expect(discarded.sort((a, b) => a - b)).toEqual(ids.filter((id) => id !== outcome.id));
			} else {
				expect(discarded.sort((a, b) => a - b)).toEqual(ids);
				if (outcome.error instanceof NoneConnected) {
					expect(ids).toEqual([]);
					const all = known.length + (later && !later.fails ? later.addresses.length : 0);
					expect(started).toHaveLength(all);
				} else expect(outcome.at).toBe(begun + END);
			}
			// Those that are known are never further apart than the stagger, unless the race is over.
			for (const [i, { at }] of started.slice(1, known.length).entries())
				expect(at - (started[i]?.at ?? 0)).toBeLessThanOrEqual(STAGGER);
			for (const { due, signal, id } of started)
				if (due > outcome.at && !("id" in outcome && outcome.id === id)) expect(signal.aborted).toBe(true);
		}),
		{ numRuns: cases(150) },
	);
});
