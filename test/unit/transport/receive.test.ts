// The receiving half over a native half that misbehaves on command (test/support/native-halves.ts): order, read-ahead
// and locks, and that it ends in exactly one of end of stream, reset by the sender, and stop.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Aborted } from "../../../src/forward/duplex.ts";
import { ChunkScheduler } from "../../../src/transport/chunk-size.ts";
import { CHUNK_MAX, READ_FIRST } from "../../../src/transport/limits.ts";
import { ReceiveHalf } from "../../../src/transport/receive.ts";
import { NativeReceive, settled, turn } from "../../support/native-halves.ts";

const numbers = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const gone = () => new Aborted("aborted here");
const receiveHalf = (native: NativeReceive) => new ReceiveHalf(native.native, new ChunkScheduler());
const list = (bytes: Uint8Array | null) => bytes && [...bytes];

test("bytes arrive at once and in order, and then the end, however often it is read", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	const first = half.read();
	native.arrive([1, 2]);
	expect(list(await first)).toEqual([1, 2]);
	native.arrive([3]);
	expect(list(await half.read())).toEqual([3]);
	expect(half.ended).toBe(false);
	native.finish();
	expect(await half.read()).toBeNull();
	expect(await half.read()).toBeNull();
	expect(half.ended).toBe(true);
	await half.over;
	expect(native.endings).toEqual(["end"]);
	expect(half.error).toBeUndefined();
});

test("nothing is read unless somebody wants it", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	native.arrive(numbers(100));
	await turn();
	expect(native.calls).toEqual([]);
	await half.read();
	await turn();
	expect(native.calls).toEqual([`read ${READ_FIRST}`]);
	half.stop(gone(), 1n);
	await half.over;
});

test("a reader that stops holds up the sender: one chunk is fetched ahead and no more", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	native.arrive(numbers(8 * CHUNK_MAX));
	await half.read();
	await turn();
	await turn();
	expect(native.calls.length).toBe(2);
	expect(native.busy).toBe(false);
	half.stop(gone(), 1n);
	await half.over;
});

test("a bulk transfer arrives whole and in order, with reads that grow and never overlap", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	const data = numbers(5 * CHUNK_MAX + 321);
	native.arrive(data);
	native.finish();
	const parts: Uint8Array[] = [];
	for (let bytes = await half.read(); bytes; bytes = await half.read()) parts.push(bytes);
	expect(Buffer.concat(parts).equals(Buffer.from(data))).toBe(true);
	expect(native.overlapped).toBe(false);
	const sizes = native.calls.map((call) => Number(call.slice(5)));
	expect(sizes[0]).toBe(READ_FIRST);
	expect(Math.max(...sizes)).toBeLessThanOrEqual(CHUNK_MAX);
	expect(Math.max(...sizes)).toBeGreaterThan(READ_FIRST);
});

test("bytes that are put back are read next, before those fetched ahead", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	native.arrive(numbers(READ_FIRST + 3));
	native.finish();
	const first = (await half.read()) as Uint8Array;
	await turn();
	half.unread(first.subarray(12));
	expect(list(await half.read())).toEqual([...numbers(READ_FIRST).subarray(12)]);
	expect(list(await half.read())).toEqual([...numbers(READ_FIRST + 3).subarray(READ_FIRST)]);
	expect(await half.read()).toBeNull();
});

test("a reset is an error on every read, though the binding's next read looks like an end", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	const reading = half.read();
	native.reset(77);
	await expect(reading).rejects.toThrow("stream lost: Reset(77)");
	await expect(half.read()).rejects.toThrow("Reset(77)");
	expect(half.ended).toBe(false);
	await half.over;
	expect(native.endings).toEqual(["reset"]);
});

test("bytes fetched before a reset are still read", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	native.arrive(numbers(2 * READ_FIRST));
	await half.read();
	await turn();
	native.reset(1);
	expect((await half.read())?.length).toBe(READ_FIRST);
	await expect(half.read()).rejects.toBeInstanceOf(Aborted);
	await half.over;
});

test("a stop rejects the waiting reader at once, and ends the native half when its read returns", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	const reading = half.read();
	half.stop(new Aborted("client gone"), 1n);
	await expect(reading).rejects.toThrow("client gone");
	// The pending native read holds the lock.
	expect(await settled(half.over)).toBe(false);
	native.arrive([1]);
	await half.over;
	expect(native.endings).toEqual(["stop 1"]);
	await expect(half.read()).rejects.toThrow("client gone");
	expect(half.ended).toBe(false);
});

test("a FIN that arrives after a stop does not make it a clean end", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	const reading = half.read();
	half.stop(new Aborted("client gone"), 1n);
	native.finish();
	await expect(reading).rejects.toThrow("client gone");
	await half.over;
	expect(half.ended).toBe(false);
	await expect(half.read()).rejects.toThrow("client gone");
});

test("a stop after the end changes nothing", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	native.finish();
	await half.read();
	half.stop(gone(), 1n);
	await half.over;
	expect(native.calls).toEqual([`read ${READ_FIRST}`]);
	expect(half.error).toBeUndefined();
	expect(await half.read()).toBeNull();
});

test("an abort that drops bytes does not look like a clean end, even if the end has arrived after them", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	native.arrive(numbers(READ_FIRST));
	native.finish();
	const first = (await half.read()) as Uint8Array;
	half.unread(first.subarray(12));
	await turn();
	expect(half.ended).toBe(true);
	half.stop(new Aborted("the connection ended"), 1n);
	await expect(half.read()).rejects.toThrow("the connection ended");
});

test("the error for a lost connection is one short line, without a backtrace", async () => {
	const native = new NativeReceive();
	const half = receiveHalf(native);
	const reading = half.read();
	native.lose();
	await expect(reading).rejects.toBeInstanceOf(Aborted);
	await half.over;
	expect(half.error?.message).toBe("stream lost: ConnectionLost(TimedOut)");
});

test("whatever happens, in any order, the half ends in exactly one of end, reset and stop", async () => {
	const event = fc.constantFrom("read", "few", "many", "finish", "reset", "lose", "stop", "turn");
	await fc.assert(
		fc.asyncProperty(fc.array(event, { maxLength: 14 }), async (events) => {
			const native = new NativeReceive();
			const half = receiveHalf(native);
			const sent: number[] = [];
			const got: number[] = [];
			let reading: Promise<void> | undefined;
			let [over, lost, ended] = [false, false, false];
			for (const [i, what] of events.entries()) {
				if (what === "read" && !reading) {
					reading = half
						.read()
						.then(
							(bytes) => {
								if (bytes) got.push(...bytes);
								else ended = true;
							},
							() => {},
						)
						.finally(() => {
							reading = undefined;
						});
				} else if ((what === "few" || what === "many") && !over) {
					const bytes = new Array<number>(what === "few" ? 3 : READ_FIRST).fill(i);
					sent.push(...bytes);
					native.arrive(bytes);
				} else if (what === "finish") {
					over = true;
					native.finish();
				} else if (what === "reset" && !over) {
					over = true;
					native.reset(77);
				} else if (what === "lose") {
					lost = true;
					native.lose();
				} else if (what === "stop") half.stop(gone(), 1n);
				else if (what === "turn") await turn();
			}
			await turn();
			// We stop reading, and the other side ends if it has not yet.
			half.stop(gone(), 1n);
			native.finish();
			expect(await settled(half.over), "never over").toBe(true);
			expect(native.free, `its slot leaks: ${native.calls}`).toBe(true);
			if (!lost) expect(native.endings.length).toBe(1);
			expect(native.overlapped).toBe(false);
			expect(sent.slice(0, got.length)).toEqual(got);
			// If an end was seen, everything was received.
			if (ended) expect(got).toEqual(sent);
		}),
		{ numRuns: 500 },
	);
});
