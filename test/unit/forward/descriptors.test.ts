// File descriptors: sockets are refused before the system does it, that is told once, and it goes on when there is room.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { Descriptors, type DescriptorUse, measureDescriptors } from "../../../src/forward/descriptors.ts";
import { DESCRIPTORS_COUNT_MS, DESCRIPTORS_QUIET_MS, DESCRIPTORS_RESERVED } from "../../../src/forward/limits.ts";
import { Clock } from "../../support/far-hub.ts";

let clock: Clock;
let use: DescriptorUse | undefined;
let counted: number;
let events: [state: string, use: DescriptorUse][];
let descriptors: Descriptors;

beforeEach(() => {
	clock = new Clock();
	use = { open: 20, limit: 256 };
	counted = 0;
	events = [];
	descriptors = new Descriptors({
		onChange: (state, { open, limit }) => events.push([state, { open, limit }]),
		measure: () => {
			counted++;
			return use && { ...use };
		},
	});
});

afterEach(() => {
	descriptors.close();
	expect(clock.intervals).toBe(0);
	clock.restore();
});

/** Opens sockets until one is refused, at most so many; returns how many were kept. */
function fill(most = 1000): number {
	let kept = 0;
	while (kept < most && descriptors.take()) {
		if (use) use.open++;
		kept++;
	}
	return kept;
}

test("sockets are kept until only the reserve is left, and what is refused is reported once", () => {
	expect(fill()).toBe(256 - DESCRIPTORS_RESERVED - 20);
	for (let i = 0; i < 100; i++) expect(descriptors.take()).toBe(false);
	expect(events).toEqual([["full", { open: 256 - DESCRIPTORS_RESERVED, limit: 256 }]]);
	// Not once for each socket.
	expect(counted).toBeLessThan(20);
});

test("a small limit keeps a quarter back, so that something is left for sockets", () => {
	use = { open: 20, limit: 64 };
	expect(fill()).toBe(64 - 16 - 20);
});

test("when some have ended the next ones are kept, and that is reported once nothing was refused for a while", async () => {
	fill();
	(use as DescriptorUse).open -= 10;
	expect(descriptors.take()).toBe(false);
	await clock.pass(DESCRIPTORS_COUNT_MS);
	expect(fill(3)).toBe(3);
	expect(events).toHaveLength(1);
	await clock.pass(DESCRIPTORS_QUIET_MS + DESCRIPTORS_COUNT_MS);
	expect(events.slice(1)).toEqual([["room", { open: 256 - DESCRIPTORS_RESERVED - 7, limit: 256 }]]);
	expect(clock.intervals).toBe(0);
	expect(fill()).toBe(7);
	expect(events.slice(2)).toEqual([["full", { open: 256 - DESCRIPTORS_RESERVED, limit: 256 }]]);
});

test("under a steady load that is too much, the two messages do not take turns", async () => {
	fill();
	for (let i = 0; i < 40; i++) {
		await clock.pass(DESCRIPTORS_COUNT_MS);
		(use as DescriptorUse).open -= 2;
		fill();
	}
	expect(events).toHaveLength(1);
});

test("nobody asks any more: room is reported all the same", async () => {
	fill();
	(use as DescriptorUse).open = 20;
	await clock.pass(DESCRIPTORS_QUIET_MS + 2 * DESCRIPTORS_COUNT_MS);
	expect(events.map(([state]) => state)).toEqual(["full", "room"]);
});

test("a limit that was raised meanwhile counts", async () => {
	fill();
	use = { open: 224, limit: 4096 };
	await clock.pass(DESCRIPTORS_COUNT_MS);
	expect(descriptors.take()).toBe(true);
});

test("where the system does not tell, nothing is refused", () => {
	use = undefined;
	expect(fill(500)).toBe(500);
	expect(counted).toBe(1);
	expect(events).toEqual([]);
});

test("after close() nothing is reported any more", async () => {
	fill();
	(use as DescriptorUse).open = 20;
	descriptors.close();
	await clock.pass(10 * DESCRIPTORS_QUIET_MS);
	expect(events).toHaveLength(1);
});

describe.skipIf(process.platform === "win32")("the system's answer", () => {
	test("has the limit, and grows with each file", () => {
		const before = measureDescriptors() as DescriptorUse;
		const files = Array.from({ length: 5 }, () => openSync("/dev/null", "r"));
		expect(measureDescriptors()).toEqual({ open: before.open + 5, limit: before.limit });
		for (const file of files) closeSync(file);
		expect(before.limit).toBeGreaterThan(before.open);
	});
});
