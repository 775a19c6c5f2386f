// Memory and lag: a stall is seen while it lasts and after it.
import { expect, test } from "bun:test";
import { LAG_EVERY_MS } from "../../../src/status/limits.ts";
import { ProcessStats } from "../../../src/status/process-stats.ts";

test("a blocked event loop is seen, at once and when it runs again", async () => {
	const stats = new ProcessStats();
	const STALL_MS = 3 * LAG_EVERY_MS;
	const until = performance.now() + STALL_MS;
	while (performance.now() < until);
	const during = stats.snapshot();
	// The look was due after LAG_EVERY_MS, and nothing else has run since then.
	expect(during.loopLagMs).toBeGreaterThanOrEqual(STALL_MS - LAG_EVERY_MS - 1);
	await Bun.sleep(0);
	expect(stats.snapshot().loopLagMs).toBeGreaterThanOrEqual(during.loopLagMs - 1);
	stats.close();
	stats.close();
});

test("memory and running time are this process's", () => {
	const stats = new ProcessStats();
	const { rss, uptimeMs } = stats.snapshot();
	stats.close();
	expect(rss).toBeGreaterThan(10_000_000);
	expect(uptimeMs).toBeLessThanOrEqual(performance.now());
	expect(uptimeMs).toBeGreaterThan(performance.now() - 60_000);
});
