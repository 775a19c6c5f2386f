// The shared budget: how much a stream may move while others move, by a clock that the test holds.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import {
	BULK_BUDGET,
	PIECE_MAX,
	PIECE_MIN,
	PIECE_SHARED,
	READ_MIN,
	SHARE_WINDOW_MS,
} from "../../../src/transport/limits.ts";

// A copy of the module: its state must not see a clock that jumps, nor what other tests of this process have moved.
const copy = "../../../src/transport/chunk-size.ts?held-clock";
const { ChunkSize } = (await import(copy)) as typeof import("../../../src/transport/chunk-size.ts");
type ChunkSize = InstanceType<typeof ChunkSize>;

let now = 0;
let clock: { mockRestore(): void };

beforeEach(() => {
	now += 1e6;
	clock = spyOn(performance, "now").mockImplementation(() => now);
});

afterEach(() => clock.mockRestore());

/** All of them move bulk through one window, and into the next. */
function bulk(shares: readonly ChunkSize[]): void {
	for (let window = 0; window < 2; window++) {
		for (const share of shares) share.moved(PIECE_MIN);
		now += SHARE_WINDOW_MS;
	}
	for (const share of shares) share.moved(PIECE_MIN);
}

const streams = (count: number) => Array.from({ length: count }, () => new ChunkSize());

for (const [count, piece] of [
	[1, PIECE_MAX],
	[2, BULK_BUDGET / 2],
	[4, BULK_BUDGET / 4],
	[16, PIECE_MIN],
	[500, PIECE_MIN],
] as const) {
	test(`with ${count} bulk streams a piece is ${piece / 1024} KiB`, () => {
		const shares = streams(count);
		bulk(shares);
		for (const share of shares) expect(share.piece()).toBe(piece);
	});
}

test("bulk streams together never get more than the budget, down to the smallest piece", () => {
	for (let count = 1; count <= 40; count++) {
		now += 10 * SHARE_WINDOW_MS;
		const shares = streams(count);
		bulk(shares);
		const all = shares.reduce((sum, share) => sum + share.piece(), 0);
		expect(all).toBeLessThanOrEqual(Math.max(BULK_BUDGET, count * PIECE_MIN));
	}
});

test("the control stream's pings are no reason to shrink a bulk piece", () => {
	const [bulky, control] = [new ChunkSize(), new ChunkSize()];
	control.counted = false;
	bulk([bulky]);
	control.moved(40);
	control.moved(40, READ_MIN);
	expect(bulky.piece()).toBe(PIECE_MAX);
	control.counted = true;
	control.moved(40);
	expect(bulky.piece()).toBe(PIECE_SHARED);
});

test("beside small requests a bulk piece shrinks, but never with their number", () => {
	const bulky = new ChunkSize();
	for (const count of [1, 100]) {
		const small = streams(count);
		for (let i = 0; i < 10; i++) {
			for (const share of small) share.moved(500, READ_MIN);
			bulky.moved(PIECE_SHARED);
			now += SHARE_WINDOW_MS / 2;
		}
		expect(bulky.piece()).toBe(PIECE_SHARED);
	}
});

test("when the small requests are over, bulk has the thread for itself again", () => {
	const bulky = new ChunkSize();
	new ChunkSize().moved(500);
	for (let i = 0; i < 3; i++) {
		bulky.moved(PIECE_SHARED);
		now += SHARE_WINDOW_MS;
	}
	bulky.moved(PIECE_SHARED);
	expect(bulky.piece()).toBe(PIECE_MAX);
});

test("a short piece now and then makes no small request of a bulk transfer", () => {
	const bulky = new ChunkSize();
	for (let i = 0; i < 10; i++) {
		bulky.moved(PIECE_MAX);
		bulky.moved(17);
		now += SHARE_WINDOW_MS / 2;
	}
	expect(bulky.piece()).toBe(PIECE_MAX);
});

test("bulk streams that have ended no longer count", () => {
	bulk(streams(16));
	const last = new ChunkSize();
	now += 3 * SHARE_WINDOW_MS;
	last.moved(PIECE_MIN);
	now += SHARE_WINDOW_MS;
	last.moved(PIECE_MIN);
	expect(last.piece()).toBe(PIECE_MAX);
});

test("a stream that moves many pieces in one window counts once", () => {
	const one = new ChunkSize();
	for (let i = 0; i < 50; i++) one.moved(PIECE_MAX);
	expect(one.piece()).toBe(PIECE_MAX);
});

test("reads start small, grow only while they are filled, and shrink again", () => {
	const share = new ChunkSize();
	expect(share.readSize()).toBe(READ_MIN);
	// Its own first reads are small ones, and for a moment count as that: twice the rounds that growing alone takes.
	for (let i = 0; i < 2 * Math.log2(PIECE_MAX / READ_MIN); i++) {
		const size = share.readSize();
		share.moved(size, size);
		expect(share.readSize()).toBeGreaterThanOrEqual(size);
		expect(share.readSize()).toBeLessThanOrEqual(4 * size);
		now += SHARE_WINDOW_MS;
	}
	expect(share.readSize()).toBe(PIECE_MAX);
	for (let i = 0; i < 10; i++) share.moved(1, share.readSize());
	expect(share.readSize()).toBe(READ_MIN);
});

test("a half-full read changes nothing", () => {
	const share = new ChunkSize();
	share.moved(READ_MIN, READ_MIN);
	const size = share.readSize();
	share.moved(size / 2, size);
	share.moved(size - 1, size);
	expect(share.readSize()).toBe(size);
});

test("writes do not change how much is read", () => {
	const share = new ChunkSize();
	share.moved(PIECE_MAX);
	expect(share.readSize()).toBe(READ_MIN);
});
