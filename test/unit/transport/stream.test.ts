// A QUIC stream as Duplex, over native halves that misbehave on command: header, answer, and both ends at once.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Aborted } from "../../../src/forward/duplex.ts";
import { ACCEPTED, encodeHeader, REFUSED } from "../../../src/protocol/stream-header.ts";
import { ChunkScheduler } from "../../../src/transport/chunk-size.ts";
import { type BiStream, liveHandles, unpin } from "../../../src/transport/iroh.ts";
import { ANSWER_MS } from "../../../src/transport/limits.ts";
import { QuicStream, type StreamOptions } from "../../../src/transport/stream.ts";
import { Clock } from "../../support/far-hub.ts";
import { NativeReceive, NativeSend, settled, turn } from "../../support/native-halves.ts";

let send: NativeSend;
let receive: NativeReceive;
let bi: BiStream;

beforeEach(() => {
	[send, receive] = [new NativeSend(), new NativeReceive()];
	bi = { send, recv: receive } as unknown as BiStream;
});

// The total alone would also count what streams of earlier test files release only now.
afterEach(() => {
	for (const handle of [bi, send, receive]) {
		const before = liveHandles();
		unpin(handle);
		expect(liveHandles(), "handles left pinned").toBe(before);
	}
});

function open(options: Partial<StreamOptions> = {}): QuicStream {
	return new QuicStream(bi, {
		id: "stream 7",
		rtt: () => 0,
		scheduler: new ChunkScheduler(),
		isLost: () => false,
		onStuckAbort: () => {},
		...options,
	});
}

const list = (bytes: Uint8Array | null) => bytes && [...bytes];

/** Both sides end cleanly. */
async function end(stream: QuicStream): Promise<void> {
	receive.finish();
	expect(await stream.read()).toBeNull();
	await stream.end();
	send.acknowledge();
	expect(await stream.closed).toBeUndefined();
}

test("the hub's answer is not passed on as data", async () => {
	const stream = open({ prefix: encodeHeader(1), expectAnswer: true });
	receive.arrive([ACCEPTED, 4, 5]);
	expect(list(await stream.read())).toEqual([4, 5]);
	receive.arrive([ACCEPTED]);
	expect(list(await stream.read())).toEqual([ACCEPTED]);
	await end(stream);
});

test("an answer goes together with the service's first bytes, or alone when there are none in time", async () => {
	const clock = new Clock();
	const stream = open();
	stream.accept(5);
	await clock.pass(4);
	expect(send.flights).toEqual([]);
	await stream.write(Uint8Array.of(4, 5));
	expect(send.written).toEqual([ACCEPTED, 4, 5]);
	expect(send.flights).toEqual([3]);
	clock.restore();
	await end(stream);
});

test("an answer that may not wait is sent at once", async () => {
	const stream = open();
	stream.accept(0);
	await turn();
	expect(send.written).toEqual([ACCEPTED]);
	await end(stream);
});

test("a stream is aborted when nobody reads the answer", async () => {
	const stream = open();
	send.stop(1);
	stream.accept(0);
	expect(await settled(stream.closed)).toBe(true);
	expect([send.endings.length, receive.endings]).toEqual([1, ["stop 1"]]);
	await expect(stream.read()).rejects.toBeInstanceOf(Aborted);
});

for (const ours of [true, false]) {
	test(`who sends data first is told once: ${ours ? "this side" : "the other one"}`, async () => {
		const told: boolean[] = [];
		const stream = open({ expectAnswer: true, onFirstData: (mine) => told.push(mine) });
		const write = () => stream.write(Uint8Array.of(1));
		const read = async () => {
			receive.arrive(told.length === 0 ? [ACCEPTED, 2] : [2]);
			await stream.read();
		};
		receive.arrive(ours ? [ACCEPTED] : []);
		for (const step of ours ? [write, write] : [read, write]) await step();
		expect(told).toEqual([ours]);
		if (ours) {
			receive.arrive([2]);
			await stream.read();
			expect(told).toEqual([true]);
		}
		await end(stream);
	});
}

test("after an answer that arrives alone, a read waits for data", async () => {
	const stream = open({ expectAnswer: true });
	const reading = stream.read();
	receive.arrive([ACCEPTED]);
	expect(await settled(reading)).toBe(false);
	receive.arrive([6]);
	expect(list(await reading)).toEqual([6]);
	expect(stream.answer).toBe("accepted");
	await end(stream);
});

for (const [symptom, answer] of [
	["a service that is down", [REFUSED]],
	["a hub that answers nonsense", [0x42, 1, 2]],
	["a hub that ends without an answer", []],
] as const) {
	test(`${symptom} counts as having refused, and both directions end`, async () => {
		const stream = open({ prefix: encodeHeader(1), expectAnswer: true });
		receive.arrive(answer);
		receive.finish();
		await expect(stream.read()).rejects.toThrow("refused by the hub");
		expect(stream.answer).toBe("refused");
		expect(await stream.closed).toBeInstanceOf(Aborted);
		expect(send.endings.length).toBe(1);
		expect(receive.endings.length).toBe(1);
		await expect(stream.write(Uint8Array.of(1))).rejects.toBeInstanceOf(Aborted);
	});
}

for (const cut of [1, 5, 11]) {
	test(`a header that arrives in two parts (cut after byte ${cut}) is read, and the data behind it is kept`, async () => {
		const stream = open();
		const reading = stream.readHeader();
		receive.arrive(encodeHeader(3).subarray(0, cut));
		await turn();
		receive.arrive([...encodeHeader(3).subarray(cut), 1, 2, 3]);
		expect(await reading).toBe(3);
		expect(list(await stream.read())).toEqual([1, 2, 3]);
		await end(stream);
	});
}

test("a stream that ends in the middle of its header has no valid header", async () => {
	const stream = open();
	receive.arrive(encodeHeader(1).subarray(0, 11));
	receive.finish();
	expect(await stream.readHeader()).toBeUndefined();
	await stream.refuse();
	send.acknowledge();
	await stream.closed;
	expect(send.written).toEqual([REFUSED]);
	expect(send.endings).toEqual(["finish"]);
});

test("a stream without a header can be refused while a read still waits for it", async () => {
	const stream = open();
	const header = stream.readHeader();
	stream.cancel();
	await expect(header).rejects.toBeInstanceOf(Aborted);
	await stream.refuse();
	expect(send.written).toEqual([REFUSED]);
	receive.arrive([1]);
	send.acknowledge();
	await stream.closed;
	expect([send.endings, receive.endings]).toEqual([["finish"], ["stop 1"]]);
});

test("an abort ends both directions, each once", async () => {
	const stream = open();
	stream.abort();
	stream.abort();
	expect(await stream.closed).toBeInstanceOf(Aborted);
	expect([send.endings, receive.endings]).toEqual([["reset 1"], ["stop 1"]]);
});

test("a direction that has ended cleanly stays clean when the other is aborted", async () => {
	const stream = open();
	await stream.end();
	stream.abort();
	send.acknowledge();
	expect(await stream.closed).toBeInstanceOf(Aborted);
	expect([send.endings, receive.endings]).toEqual([["finish"], ["stop 1"]]);
});

test("a lost connection closes the stream, whatever was pending", async () => {
	const stream = open();
	const reading = stream.read();
	send.block();
	const writing = stream.write(Uint8Array.of(1));
	await turn();
	receive.lose();
	send.lose();
	const [read, written] = await Promise.allSettled([reading, writing]);
	expect(read).toMatchObject({ status: "rejected", reason: expect.any(Aborted) });
	expect(written).toMatchObject({ status: "rejected", reason: expect.any(Aborted) });
	expect(await stream.closed).toBeInstanceOf(Aborted);
});

describe("an abort while a write waits for the other side to read", () => {
	for (const reading of [true, false]) {
		test(`${reading ? "and a read is pending, too" : "and no read is pending"}: a control message tells the other side, as the reset comes later`, async () => {
			const told: string[] = [];
			const stream = open({ onStuckAbort: (id) => told.push(id) });
			if (reading) stream.read().catch(() => {});
			send.block();
			const writing = stream.write(Uint8Array.of(1)).catch((error: unknown) => error);
			await turn();
			stream.abort();
			expect(told).toEqual(["stream 7"]);
			expect(await writing).toBeInstanceOf(Aborted);
			stream.abort();
			expect(told, "once").toEqual(["stream 7"]);
			send.unblock();
			receive.lose();
			await stream.closed;
			expect(send.endings).toEqual(["reset 1"]);
		});
	}

	test("needs no control message if the reset can be sent at once", async () => {
		const told: string[] = [];
		const stream = open({ onStuckAbort: (id) => told.push(id) });
		stream.read().catch(() => {});
		await turn();
		stream.abort();
		receive.lose();
		await stream.closed;
		expect(told).toEqual([]);
	});
});

test("a stream that was answered stays open as long as both sides want", async () => {
	const clock = new Clock();
	const stream = open({ expectAnswer: true });
	receive.arrive([ACCEPTED, 4]);
	await stream.read();
	await clock.pass(2 * ANSWER_MS);
	receive.arrive([5]);
	expect(list(await stream.read())).toEqual([5]);
	clock.restore();
	await end(stream);
});

test("a hub that never answers is given up after fifty seconds, and the client is reset", async () => {
	const clock = new Clock();
	const stream = open({ expectAnswer: true });
	const reading = stream.read().catch((error: unknown) => error);
	await clock.pass(ANSWER_MS - 1);
	expect(await settled(reading)).toBe(false);
	await clock.pass(1);
	expect(String(await reading)).toContain("no answer from the hub");
	receive.lose();
	await stream.closed;
	clock.restore();
});
