// The sending half over a native half that misbehaves on command (test/support/native-halves.ts): order and locks, and
// that it ends in exactly one of finish and reset.
import { afterEach, beforeEach, describe, expect, mock, test } from "bun:test";
import fc from "fast-check";
import { Aborted } from "../../../src/forward/duplex.ts";
import { encodeHeader } from "../../../src/protocol/stream-header.ts";
import { ChunkScheduler } from "../../../src/transport/chunk-size.ts";
import { CHUNK_MAX } from "../../../src/transport/limits.ts";
import { SendHalf } from "../../../src/transport/send.ts";
import { Clock } from "../../support/far-hub.ts";
import { NativeSend, settled, turn } from "../../support/native-halves.ts";

const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
const numbers = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const gone = () => new Aborted("aborted here");
/** With `held`, bytes that are to be sent together with the first write. */
function sendHalf(native: NativeSend, held?: Uint8Array, ms = 0): SendHalf {
	const half = new SendHalf(native.native, new ChunkScheduler());
	if (held) half.hold(held, ms);
	return half;
}

test("the header and the first data are sent together", async () => {
	const native = new NativeSend();
	const half = sendHalf(native, encodeHeader(1));
	await half.write(bytes(7, 8, 9));
	await turn();
	expect(native.flights).toEqual([15]);
	expect(native.written).toEqual([...encodeHeader(1), 7, 8, 9]);
	half.reset(gone(), 1n, 0);
	await half.over;
});

test("a header without data is sent at once and alone", async () => {
	const native = new NativeSend();
	const half = sendHalf(native, encodeHeader(2));
	await turn();
	await turn();
	expect(native.written).toEqual([...encodeHeader(2)]);
	await half.write(bytes(5));
	expect(native.flights).toEqual([12, 1]);
	half.reset(gone(), 1n, 0);
	await half.over;
});

describe("first bytes that may wait", () => {
	let clock: Clock;
	let native: NativeSend;
	let half: SendHalf;

	beforeEach(() => {
		clock = new Clock();
		native = new NativeSend();
		half = sendHalf(native, encodeHeader(1), 5);
	});

	afterEach(async () => {
		half.reset(gone(), 1n, 0);
		native.acknowledge();
		await half.over;
		expect(clock.pending, "timers left running").toBe(0);
		clock.restore();
	});

	test("are sent with the first write, and never again", async () => {
		await clock.pass(4);
		expect(native.flights).toEqual([]);
		await half.write(bytes(7));
		expect(native.written).toEqual([...encodeHeader(1), 7]);
		await clock.pass(5);
		expect(native.flights).toEqual([13]);
	});

	test("are sent alone when their time is over, and the next write waits until they have gone", async () => {
		native.block();
		await clock.pass(5);
		expect(native.flights).toEqual([12]);
		const writing = half.write(bytes(7));
		expect(await settled(writing)).toBe(false);
		native.unblock();
		await writing;
		expect(native.flights).toEqual([12, 1]);
		expect(native.overlapped).toBe(false);
	});

	test("are sent with the end", async () => {
		await half.finish();
		expect(native.written).toEqual([...encodeHeader(1)]);
		expect(native.endings).toEqual(["finish"]);
	});

	test("are dropped by a reset, which does not wait for them", async () => {
		half.reset(gone(), 1n, 1000);
		await half.over;
		await clock.pass(5);
		expect(native.calls).toEqual(["reset 1"]);
	});

	test("that nobody reads are reported when they were sent alone", async () => {
		const failed = mock(() => {});
		const other = new NativeSend();
		const unread = new SendHalf(other.native, new ChunkScheduler());
		unread.hold(bytes(9), 5, failed);
		other.stop(1);
		await clock.pass(4);
		expect(failed).not.toHaveBeenCalled();
		await clock.pass(1);
		expect(failed).toHaveBeenCalledTimes(1);
		await unread.over;
	});
});

test("a client that ends without data still sends the header", async () => {
	const native = new NativeSend();
	const half = sendHalf(native, encodeHeader(3));
	await half.finish();
	expect(native.written).toEqual([...encodeHeader(3)]);
	expect(native.endings).toEqual(["finish"]);
	native.acknowledge();
	await half.over;
	expect(half.error).toBeUndefined();
});

test("data waits while the header is being written", async () => {
	const native = new NativeSend();
	native.block();
	const half = sendHalf(native, encodeHeader(1));
	await turn();
	await turn();
	expect(native.busy).toBe(true);
	const writing = half.write(bytes(1, 2));
	expect(await settled(writing)).toBe(false);
	expect(native.flights).toEqual([12]);
	native.unblock();
	await writing;
	expect(native.written).toEqual([...encodeHeader(1), 1, 2]);
	expect(native.overlapped).toBe(false);
	half.reset(gone(), 1n, 0);
	await half.over;
});

test("an end waits while the header is being written", async () => {
	const native = new NativeSend();
	native.block();
	const half = sendHalf(native, encodeHeader(1));
	await turn();
	await turn();
	const ending = half.finish();
	expect(await settled(ending)).toBe(false);
	expect(native.calls).toEqual(["writeAll 12"]);
	native.unblock();
	await ending;
	native.acknowledge();
	await half.over;
	expect(native.calls).toEqual(["writeAll 12", "finish", "stopped"]);
});

test("more than a chunk is sent in chunks, one after the other and in order", async () => {
	const native = new NativeSend();
	const half = sendHalf(native, encodeHeader(1));
	const data = numbers(3 * CHUNK_MAX + 17);
	await half.write(data);
	expect(Math.max(...native.flights)).toBeLessThanOrEqual(CHUNK_MAX);
	expect(native.overlapped).toBe(false);
	expect(Buffer.from(native.written).equals(Buffer.concat([encodeHeader(1), data]))).toBe(true);
	half.reset(gone(), 1n, 0);
	await half.over;
});

test("a reader that stops holds up the writer", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	native.block();
	const writing = half.write(bytes(1));
	expect(await settled(writing)).toBe(false);
	native.unblock();
	await writing;
	half.reset(gone(), 1n, 0);
	await half.over;
});

test("the half is over when its end is acknowledged, not before", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	await half.write(bytes(1));
	await half.finish();
	expect(await settled(half.over)).toBe(false);
	native.acknowledge();
	await half.over;
	expect(native.endings).toEqual(["finish"]);
	expect(half.error).toBeUndefined();
});

test("an abort after the end changes nothing", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	await half.finish();
	half.reset(gone(), 1n, 0);
	native.acknowledge();
	await half.over;
	expect(native.endings).toEqual(["finish"]);
	expect(half.error).toBeUndefined();
});

test("an end after a stop by the other side still frees the slot", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	native.stop(9);
	await half.finish();
	await half.over;
	expect(native.endings).toEqual(["reset 9"]);
});

test("an end is not reported as clean if the other side stopped reading before it", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	await half.write(bytes(1));
	await half.finish();
	native.stop(9);
	await half.over;
	expect(native.free).toBe(true);
	expect(half.error).toBeInstanceOf(Aborted);
});

test("a connection lost before the last acknowledgement is not reported as a clean end", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	await half.write(bytes(1));
	await half.finish();
	native.lose();
	await half.over;
	expect(half.error).toBeInstanceOf(Aborted);
});

test("a blocked write rejects at once when it is aborted, and the reset follows later", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	native.block();
	const writing = half.write(bytes(1, 2, 3));
	await turn();
	half.reset(new Aborted("client gone"), 1n, 1000);
	await expect(writing).rejects.toThrow("client gone");
	expect(await settled(writing)).toBe(true);
	// The native write holds the lock.
	expect(await settled(half.over)).toBe(false);
	native.unblock();
	await half.over;
	expect(native.endings).toEqual(["reset 1"]);
	expect(native.calls).not.toContain("stopped");
	await expect(half.write(bytes(4))).rejects.toThrow("client gone");
	await expect(half.finish()).rejects.toThrow("client gone");
	await turn();
	expect(native.written).toEqual([1, 2, 3]);
});

test("two aborts make one reset", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	half.reset(new Aborted("first"), 1n, 0);
	half.reset(new Aborted("second"), 2n, 0);
	await half.over;
	expect(native.calls).toEqual(["reset 1"]);
	expect(half.error?.message).toBe("first");
});

test("an abort before the header was sent sends only the reset", async () => {
	const native = new NativeSend();
	const half = sendHalf(native, encodeHeader(1));
	half.reset(gone(), 1n, 1000);
	await half.over;
	await turn();
	expect(native.calls).toEqual(["reset 1"]);
});

test("bytes written just before an abort get the grace period to arrive", async () => {
	const clock = new Clock();
	try {
		const native = new NativeSend();
		const half = sendHalf(native);
		await half.write(bytes(1));
		await clock.pass(10);
		half.reset(gone(), 1n, 30);
		await clock.pass(19);
		expect(native.endings).toEqual([]);
		await clock.pass(1);
		expect(native.endings).toEqual(["reset 1"]);
		await half.over;
	} finally {
		clock.restore();
	}
});

test("a stop by the other side rejects the write and resets the half", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	native.block();
	const writing = half.write(bytes(1));
	await turn();
	native.stop(5);
	await expect(writing).rejects.toBeInstanceOf(Aborted);
	await half.over;
	expect(native.endings).toEqual(["reset 0"]);
	expect(half.error?.message).toBe("stream lost: Stopped(5)");
	expect(native.calls).not.toContain("stopped");
});

test("the error for a lost connection is one short line, without a backtrace", async () => {
	const native = new NativeSend();
	const half = sendHalf(native);
	native.lose();
	await expect(half.write(bytes(1))).rejects.toThrow("stream lost: ConnectionLost(TimedOut)");
	await half.over;
	expect(half.error?.message).not.toContain("\n");
});

test("whatever happens, in any order, the half ends in exactly one of finish and reset", async () => {
	const event = fc.constantFrom("write", "finish", "abort", "block", "unblock", "stop", "acknowledge", "lose", "turn");
	const story = fc.record({ header: fc.constantFrom(undefined, 0, 1), events: fc.array(event, { maxLength: 12 }) });
	await fc.assert(
		fc.asyncProperty(story, async ({ header, events }) => {
			const native = new NativeSend();
			const half = sendHalf(native, header === undefined ? undefined : encodeHeader(1), header);
			const sent: number[] = [];
			let lost = false;
			// One call at a time, as the bridge does: the next begins when the last has ended.
			let calling: Promise<void> | undefined;
			const call = (work: () => Promise<void>) => {
				calling = work()
					.catch(() => {})
					.finally(() => {
						calling = undefined;
					});
			};
			let finished = false;
			for (const [i, what] of events.entries()) {
				if (what === "write" && !calling && !finished) {
					sent.push(i);
					call(() => half.write(bytes(i)));
				} else if (what === "finish" && !calling && !finished) {
					finished = true;
					call(() => half.finish());
				} else if (what === "abort") half.reset(gone(), 1n, 0);
				else if (what === "block") native.block();
				else if (what === "unblock") native.unblock();
				else if (what === "stop") native.stop(9);
				else if (what === "acknowledge" && native.endings.includes("finish")) native.acknowledge();
				else if (what === "lose") {
					lost = true;
					native.lose();
				} else if (what === "turn") await turn();
			}
			// The other side reads again, and we abort.
			native.unblock();
			await turn();
			half.reset(gone(), 1n, 0);
			await turn();
			if (native.endings.includes("finish")) native.acknowledge();
			expect(await settled(half.over), "never over").toBe(true);
			expect(native.free, `its slot leaks: ${native.calls}`).toBe(true);
			// Only a stop after the finish leads to a second ending: without that reset the slot would leak.
			if (!lost) expect(native.endings.join()).toMatch(/^(finish|reset \d|finish,reset 9)$/);
			expect(native.overlapped).toBe(false);
			const data = native.written.slice(header === undefined ? 0 : 12);
			expect(sent.slice(0, data.length)).toEqual(data);
			if (native.endings.join() === "finish") expect(data).toEqual(sent);
		}),
		{ numRuns: 500 },
	);
});
