// How a peer notices its own suspensions, with a clock that the test controls.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { STALL_MS } from "../../../src/base/limits.ts";
import { SUSPECT_MS, UPLINK_TICK_MS } from "../../../src/peer/limits.ts";
import { SuspendDetector } from "../../../src/peer/suspend-detector.ts";
import { Clock } from "../../support/far-hub.ts";

let clock: Clock;
let detector: SuspendDetector;

beforeEach(() => {
	clock = new Clock();
	detector = new SuspendDetector();
});

afterEach(() => clock.restore());

test("a tick that is a little late is not a suspension", () => {
	clock.stall(STALL_MS);
	expect(detector.recent()).toBeUndefined();
});

test("a peer ticks often enough", () => {
	expect(UPLINK_TICK_MS).toBeLessThan(STALL_MS);
});

test("a suspension is noticed before the first tick after it, from the last tick before it", () => {
	clock.stall(UPLINK_TICK_MS);
	detector.tick();
	const since = clock.now;
	clock.stall(60_000);
	expect(detector.recent()).toEqual({ since, until: since + 60_000 });
});

test("a suspension explains what happens within three seconds after it, and nothing later", () => {
	const since = clock.now;
	clock.stall(60_000);
	detector.resumed();
	const suspension = { since, until: since + 60_000 };
	expect(detector.recent()).toEqual(suspension);
	for (const end = clock.now + SUSPECT_MS - 1; clock.now < end; ) {
		clock.stall(Math.min(UPLINK_TICK_MS, end - clock.now));
		detector.tick();
	}
	expect(detector.recent()).toEqual(suspension);
	clock.stall(1);
	expect(detector.recent()).toBeUndefined();
});
