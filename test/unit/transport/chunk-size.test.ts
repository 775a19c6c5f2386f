// The shared budget: how much a stream may move at once while others move data, with a clock that the test controls.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { ChunkScheduler, ChunkSize } from "../../../src/transport/chunk-size.ts";
import {
	BULK_BUDGET,
	CHUNK_MAX,
	CHUNK_MIN,
	CHUNK_SHARED,
	READ_FIRST,
	READ_MIN,
	SHARE_WINDOW_MS,
} from "../../../src/transport/limits.ts";

let now: number;
let clock: { mockRestore(): void };
let scheduler: ChunkScheduler;

beforeEach(() => {
	now = 1e6;
	scheduler = new ChunkScheduler();
	clock = spyOn(performance, "now").mockImplementation(() => now);
});

afterEach(() => clock.mockRestore());

/** Lets all of them move bulk data through one window and into the next. */
function bulk(sizes: readonly ChunkSize[]): void {
	for (let window = 0; window < 2; window++) {
		for (const size of sizes) size.moved(CHUNK_MIN);
		now += SHARE_WINDOW_MS;
	}
	for (const size of sizes) size.moved(CHUNK_MIN);
}

const streams = (count: number) => Array.from({ length: count }, () => new ChunkSize(scheduler));

for (const [count, chunk] of [
	[1, CHUNK_MAX],
	[2, BULK_BUDGET / 2],
	[4, BULK_BUDGET / 4],
	[16, CHUNK_MIN],
	[500, CHUNK_MIN],
] as const) {
	test(`with ${count} bulk transfers a chunk has ${chunk / 1024} KiB`, () => {
		const sizes = streams(count);
		bulk(sizes);
		for (const size of sizes) expect(size.chunk()).toBe(chunk);
	});
}

test("all bulk transfers together never get more than the budget, down to the smallest chunk", () => {
	for (let count = 1; count <= 40; count++) {
		now += 10 * SHARE_WINDOW_MS;
		const sizes = streams(count);
		bulk(sizes);
		const all = sizes.reduce((sum, size) => sum + size.chunk(), 0);
		expect(all).toBeLessThanOrEqual(Math.max(BULK_BUDGET, count * CHUNK_MIN));
	}
});

test("the control stream's pings do not shrink the chunks of a bulk transfer", () => {
	const [bulky, control] = [new ChunkSize(scheduler), new ChunkSize(scheduler)];
	control.counted = false;
	bulk([bulky]);
	control.moved(40);
	control.moved(40, READ_MIN);
	expect(bulky.chunk()).toBe(CHUNK_MAX);
	control.counted = true;
	control.moved(40);
	expect(bulky.chunk()).toBe(CHUNK_SHARED);
});

test("beside small requests the chunks of a bulk transfer shrink, however many requests there are", () => {
	const bulky = new ChunkSize(scheduler);
	for (const count of [1, 100]) {
		const small = streams(count);
		for (let i = 0; i < 10; i++) {
			for (const size of small) size.moved(500, READ_MIN);
			bulky.moved(CHUNK_SHARED);
			now += SHARE_WINDOW_MS / 2;
		}
		expect(bulky.chunk()).toBe(CHUNK_SHARED);
	}
});

test("after the small requests, a bulk transfer has the thread to itself again", () => {
	const bulky = new ChunkSize(scheduler);
	new ChunkSize(scheduler).moved(500);
	for (let i = 0; i < 3; i++) {
		bulky.moved(CHUNK_SHARED);
		now += SHARE_WINDOW_MS;
	}
	bulky.moved(CHUNK_SHARED);
	expect(bulky.chunk()).toBe(CHUNK_MAX);
});

test("a short chunk now and then does not make a bulk transfer a small request", () => {
	const bulky = new ChunkSize(scheduler);
	for (let i = 0; i < 10; i++) {
		bulky.moved(CHUNK_MAX);
		bulky.moved(17);
		now += SHARE_WINDOW_MS / 2;
	}
	expect(bulky.chunk()).toBe(CHUNK_MAX);
});

test("bulk transfers that have ended no longer count", () => {
	bulk(streams(16));
	const last = new ChunkSize(scheduler);
	now += 3 * SHARE_WINDOW_MS;
	last.moved(CHUNK_MIN);
	now += SHARE_WINDOW_MS;
	last.moved(CHUNK_MIN);
	expect(last.chunk()).toBe(CHUNK_MAX);
});

test("a stream that moves many chunks in one window counts once", () => {
	const one = new ChunkSize(scheduler);
	for (let i = 0; i < 50; i++) one.moved(CHUNK_MAX);
	expect(one.chunk()).toBe(CHUNK_MAX);
});

test("reads start small, grow only while they are filled, and shrink again", () => {
	const size = new ChunkSize(scheduler);
	expect(size.readSize()).toBe(READ_FIRST);
	// Its own first reads are small and count as such for a moment, so this takes twice as many rounds as growing alone.
	for (let i = 0; i < 2 * Math.log2(CHUNK_MAX / READ_MIN); i++) {
		const asked = size.readSize();
		size.moved(asked, asked);
		expect(size.readSize()).toBeGreaterThanOrEqual(asked);
		expect(size.readSize()).toBeLessThanOrEqual(4 * asked);
		now += SHARE_WINDOW_MS;
	}
	expect(size.readSize()).toBe(CHUNK_MAX);
	for (let i = 0; i < 10; i++) size.moved(1, size.readSize());
	expect(size.readSize()).toBe(READ_MIN);
});

test.each([
	["a short request", 300, READ_MIN],
	["an answer that would not have fit into the smallest read", READ_MIN + 1, 2 * READ_MIN],
	["the hub's answer alone", 1, READ_FIRST],
	["more than it asked for", READ_FIRST, 4 * READ_FIRST],
])("after %s, the next read is as large as that suggests", (_, bytes, next) => {
	const size = new ChunkSize(scheduler);
	size.moved(bytes, size.readSize());
	expect(size.readSize()).toBe(next);
});

test("a half-full read changes nothing", () => {
	const size = new ChunkSize(scheduler);
	size.moved(READ_MIN, READ_MIN);
	const asked = size.readSize();
	size.moved(asked / 2, asked);
	size.moved(asked - 1, asked);
	expect(size.readSize()).toBe(asked);
});

test("writes do not change how much is read", () => {
	const size = new ChunkSize(scheduler);
	size.moved(CHUNK_MAX);
	expect(size.readSize()).toBe(READ_FIRST);
});

test("streams of another scheduler do not count", () => {
	const other = new ChunkSize(new ChunkScheduler());
	bulk([other, ...streams(16)]);
	other.moved(500);
	expect(other.chunk()).toBe(CHUNK_MAX);
});
