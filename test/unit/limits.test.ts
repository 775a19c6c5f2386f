// The bounds, against each other: a change of one must not make another one pointless.
import { expect, test } from "bun:test";
import * as limits from "../../src/limits.ts";
import * as wormholeLimits from "../../src/wormhole/limits.ts";

test("every bound is a positive, finite whole number", () => {
	for (const [name, value] of Object.entries({ ...limits, ...wormholeLimits })) {
		const whole = name.endsWith("_GROWTH") || Number.isSafeInteger(value);
		expect(whole && Number.isFinite(value) && value > 0, name).toBe(true);
	}
});

test("pieces and reads fit into each other and into the budget", () => {
	expect(limits.READ_MIN).toBeLessThanOrEqual(limits.PIECE_MIN);
	expect(limits.PIECE_MIN).toBeLessThan(limits.PIECE_SHARED);
	expect(limits.PIECE_SHARED).toBeLessThan(limits.PIECE_MAX);
	expect(limits.PIECE_MAX).toBeLessThanOrEqual(limits.BULK_BUDGET);
	// A header and an answer fit into the first read.
	expect(limits.READ_MIN).toBeGreaterThan(12);
});

test("a stalled reader of every stream holds less than 8 MB each, a stopping program less than Docker's 10 s", () => {
	expect(limits.SOCKET_QUEUE + 2 * limits.PIECE_MAX).toBeLessThan(8 * 1024 * 1024);
	const ending = limits.DRAIN_MS + limits.CLOSE_MS;
	expect(ending).toBeLessThan(10_000);
	expect(limits.IDLE_MS).toBeLessThan(limits.DRAIN_MS);
});

test("a peer gives up before iroh does, and a reset's grace stays short", () => {
	expect(limits.CONNECT_MS).toBeLessThan(30_000);
	expect(limits.RESET_GRACE_MS).toBeLessThanOrEqual(limits.RESET_GRACE_MAX_MS);
	expect(limits.RESET_GRACE_MAX_MS).toBeLessThanOrEqual(1000);
	expect(limits.SILENCE_MS).toBeLessThan(limits.RELAY_MS);
});

test("what a browser and a dev server open at once fits into a connection", () => {
	expect(limits.STREAMS_PER_CONNECTION).toBe(1024);
});
