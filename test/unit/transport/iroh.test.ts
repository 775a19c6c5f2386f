// The boundary to the binding: bytes in the form that it wants, pinned handles, and text that is safe to print.
import { expect, test } from "bun:test";
import { fromNative, liveHandles, loadIroh, nativeReason, pin, toNative, unpin } from "../../../src/transport/iroh.ts";
import { CHUNK_MAX } from "../../../src/transport/limits.ts";
import { TAKES_BYTES } from "../../support/native-bytes.ts";

const { SecretKey } = await loadIroh();
const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

for (const length of [0, 1, 4096, CHUNK_MAX - 1, CHUNK_MAX, CHUNK_MAX + 1]) {
	test(`${length} bytes cross the binding unchanged`, () => {
		const native = toNative(pattern(length));
		expect(native.length).toBe(length);
		expect(Buffer.from(fromNative(native)).equals(pattern(length))).toBe(true);
	});
}

test("the loaded binding takes a view's own bytes, not those of the larger buffer behind it", () => {
	const key = pattern(300).subarray(250, 282);
	expect([...SecretKey.fromBytes(toNative(key)).toBytes()]).toEqual([...key]);
});

test("received bytes do not change when the next ones are sent", () => {
	const bytes = fromNative(toNative(pattern(CHUNK_MAX)));
	toNative(new Uint8Array(CHUNK_MAX));
	expect(Buffer.from(bytes).equals(pattern(CHUNK_MAX))).toBe(true);
});

test("a binding that has Uint8Array gets the bytes and not a copy, and what it returns is not copied either", () => {
	const bytes = pattern(10);
	expect((toNative(bytes) as unknown) === bytes).toBe(TAKES_BYTES);
	expect(fromNative(bytes as unknown as number[])).toBe(bytes);
	expect(fromNative([1, 2, 255])).toEqual(Uint8Array.of(1, 2, 255));
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
