// The boundary to the binding: bytes ↔ numbers, pinned handles, and text that is safe to print.
import { expect, test } from "bun:test";
import { liveHandles, nativeReason, pin, toBytes, toNumbers, unpin } from "../../../src/transport/iroh.ts";
import { CHUNK_MAX } from "../../../src/transport/limits.ts";

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

for (const length of [0, 1, 4096, CHUNK_MAX - 1, CHUNK_MAX, CHUNK_MAX + 1]) {
	test(`${length} bytes cross the binding unchanged`, () => {
		const numbers = toNumbers(pattern(length));
		expect(numbers.length).toBe(length);
		expect(Buffer.from(toBytes(numbers)).equals(pattern(length))).toBe(true);
	});
}

test("only a view's own bytes cross, not those of the larger buffer behind it", () => {
	expect(toNumbers(pattern(300).subarray(250, 260))).toEqual([...pattern(300).subarray(250, 260)]);
});

test("received bytes do not change when the next ones arrive", () => {
	const numbers = toNumbers(pattern(CHUNK_MAX));
	const bytes = toBytes(numbers);
	toNumbers(new Uint8Array(CHUNK_MAX));
	expect(Buffer.from(bytes).equals(pattern(CHUNK_MAX))).toBe(true);
});

test("a handle counts once, however often it is pinned and unpinned", () => {
	const before = liveHandles();
	const handle = {};
	expect(pin(handle)).toBe(handle);
	pin(handle);
	expect(liveHandles()).toBe(before + 1);
	unpin(handle);
	unpin(handle);
	expect(liveHandles()).toBe(before);
});

test("a native error with a backtrace is reduced to its innermost cause, on one line", () => {
	expect(nativeReason(new Error("timed out"))).toBe("timed out");
	const chain =
		"connecting failed\n\nCaused by:\n    0: handshake\n    1: timed out\n\nStack backtrace:\n   0: iroh::x";
	expect(nativeReason(new Error(chain))).toBe("timed out");
	expect(nativeReason("ConnectionLost(TimedOut)\nStack backtrace:\n  0: x")).toBe("ConnectionLost(TimedOut)");
	expect(nativeReason(new Error(""))).toBe("");
});
