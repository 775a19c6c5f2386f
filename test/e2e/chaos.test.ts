// "Coming back": each row of the chaos table is a test. They run concurrently, each in a world of its own, so that all
// take no longer than the longest. Without network namespaces, only the faults that need none run, on loopback; without
// an iroh-relay, none that need a relay.
import { describe, expect, test } from "bun:test";
import { flood } from "../chaos/flood.ts";
import { GOAL, play, SCENARIOS, unplayable } from "../chaos/scenarios.ts";

/** Seconds for which it has to stay usable. */
const HOLD = 2;

describe(`usable again within ${GOAL} s after the repair, or its own goal`, () => {
	for (const scenario of SCENARIOS) {
		const reason = unplayable(scenario);
		if (reason !== undefined) test.skip(`${scenario.name} (${reason})`, () => {});
		else
			test.concurrent(scenario.name, async () => {
				const { failure, report } = await play(scenario, { limit: scenario.goal ?? GOAL, hold: HOLD });
				expect(failure, report).toBeUndefined();
			}, 100_000);
	}
});

// How fast requests are meanwhile depends on the machine, so that is a row of the benchmark (flood.ts).
describe("10,000 hostile streams and 200 hostile connections keep nobody out and leave nothing behind", () => {
	test.each([
		["without the secret", false],
		["with the secret", true],
	])(
		"from attackers %s",
		async (_who, insider) => {
			const { quiet, flooded, status, newcomer, done, before, worst, after, report } = await flood({
				insider,
				seconds: 5,
				settle: 6,
			});
			for (const { streams, refusedStreams, connections, refusedConnections } of done) {
				expect(streams + refusedStreams, "streams that were attempted").toBe(10_000);
				expect(streams, "streams that the hub granted").toBeGreaterThan(5_000);
				expect(connections + refusedConnections, "connections that were attempted").toBeGreaterThanOrEqual(200);
			}
			expect(quiet.failed, report).toBe(0);
			expect(flooded.count, report).toBeGreaterThan(0);
			expect(flooded.failed, report).toBe(0);
			expect(status.count, "answers of the status server").toBeGreaterThan(10);
			expect(status.failed, "of them failed").toBe(0);
			expect(newcomer, report).toBeLessThan(10);
			expect(worst.rss, report).toBeLessThan(before.rss + 400);
			expect(worst.files, report).toBeLessThan(before.files + 50);
			expect(after.at(-1)?.files, report).toBeLessThan(before.files + 10);
		},
		180_000,
	);
});
