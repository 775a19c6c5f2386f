// One connection and its pool of streams, over a native one that grants streams, has paths and ends on command: how
// many streams it requests, and which callers get them. What is on the wire is tested in test/e2e.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { Aborted } from "../../../src/forward/duplex.ts";
import { RESET_GRACE_MS } from "../../../src/forward/limits.ts";
import { ACCEPTED, HEADER_LENGTH } from "../../../src/protocol/stream-header.ts";
import { ChunkScheduler } from "../../../src/transport/chunk-size.ts";
import { Connection } from "../../../src/transport/connection.ts";
import type { Connection as NativeConnection } from "../../../src/transport/iroh.ts";
import {
	ABORTS_PER_TURN,
	CLOSE_DELAY_MS,
	COLLECT_AFTER_MS,
	COLLECT_FROM,
	HEADER_HOLD_MS,
	OPEN_STREAM_MS,
	STREAMS_PER_CONNECTION,
} from "../../../src/transport/limits.ts";
import type { QuicStream } from "../../../src/transport/stream.ts";
import { Clock } from "../../support/far-hub.ts";
import { NativeReceive, NativeSend, settled, turn } from "../../support/native-halves.ts";

/** The native connection: it grants this many streams, and further ones have to wait. */
class Native {
	granted = Number.POSITIVE_INFINITY;
	/** How often openBi was called. */
	asked = 0;
	/** How many of the next openBi calls are to fail. */
	failing = 0;
	hasPath = true;
	/** Bytes that have arrived. */
	received = 0;
	/** The reasons with which it was closed. */
	closings: string[] = [];
	readonly streams: { send: NativeSend; recv: NativeReceive }[] = [];
	#pending: PromiseWithResolvers<unknown>[] = [];
	#arrivals: unknown[] = [];
	#arrived = (): void => {};
	#over = Promise.withResolvers<string>();
	#reason: string | undefined;

	get waiting(): number {
		return this.#pending.length;
	}

	/** Grants `count` more. */
	grant(count: number): void {
		this.granted += count;
		for (const waiter of this.#pending.splice(0, count)) waiter.resolve(this.#stream());
	}

	end(reason: string): void {
		this.#reason = reason;
		this.#over.resolve(reason);
		for (const waiter of this.#pending.splice(0)) waiter.reject(new Error(`ConnectionLost(${reason})`));
		for (const { send, recv } of this.streams) {
			send.lose();
			recv.lose();
		}
	}

	openBi(): Promise<unknown> {
		this.asked++;
		if (this.failing > 0) return Promise.reject(new Error(`injected, ${this.failing--}`));
		if (this.#reason) return Promise.reject(new Error(`ConnectionLost(${this.#reason})`));
		if (this.streams.length < this.granted) return Promise.resolve(this.#stream());
		const waiter = Promise.withResolvers<unknown>();
		this.#pending.push(waiter);
		return waiter.promise;
	}

	/** A stream that the other side has opened arrives. */
	arrive(): void {
		this.#arrivals.push(this.#stream());
		this.#arrived();
	}

	async acceptBi(): Promise<unknown> {
		while (this.#arrivals.length === 0) {
			await new Promise<void>((resolve) => {
				this.#arrived = resolve;
			});
		}
		return this.#arrivals.shift();
	}

	#stream() {
		const stream = { send: new NativeSend(), recv: new NativeReceive() };
		this.streams.push(stream);
		return stream;
	}

	remoteId = () => ({ toString: () => "a".repeat(64) });
	closed = () => this.#over.promise;
	closeReason = () => null;
	acceptUni = () => new Promise<never>(() => {});
	rtt = () => (this.hasPath ? 0 : null);
	stats = () => ({ udpRxBytes: this.received });
	close(_code: bigint, reason: number[]): void {
		this.closings.push(Buffer.from(reason).toString());
	}
}

let clock: Clock;
let native: Native;
let connection: Connection;

beforeEach(() => {
	clock = new Clock();
	native = new Native();
	connection = new Connection(native as unknown as NativeConnection, true, new ChunkScheduler());
});

afterEach(async () => {
	native.end("the test is over");
	// A thousand streams are aborted over several turns, and their resets wait for a grace period.
	for (let i = 0; i < (2 * STREAMS_PER_CONNECTION) / ABORTS_PER_TURN; i++) await clock.pass(RESET_GRACE_MS);
	expect(connection.streams, "streams left open").toBe(0);
	clock.restore();
});

/** Asks for `count` streams at once. */
const open = (count: number): Promise<QuicStream | Error>[] =>
	Array.from({ length: count }, () => connection.openStream(1).catch((error: Error) => error));

describe("streams to a hub that grants more than the limit", () => {
	test("are as many as the limit and one for control; the next caller waits for a free one", async () => {
		const all = await Promise.all(open(STREAMS_PER_CONNECTION + 1));
		expect(connection.streams).toBe(STREAMS_PER_CONNECTION + 1);
		const [next] = open(1);
		expect(await settled(next as Promise<unknown>)).toBe(false);
		expect(native.asked, "the hub is not even asked").toBe(STREAMS_PER_CONNECTION + 1);
		(all[0] as QuicStream).abort();
		native.streams[0]?.recv.lose();
		await clock.pass(1000);
		expect(await settled(next as Promise<unknown>)).toBe(true);
		expect(connection.streams).toBe(STREAMS_PER_CONNECTION + 1);
	});

	test("that do not become free are given up after ten seconds, not earlier", async () => {
		await Promise.all(open(STREAMS_PER_CONNECTION + 1));
		const [next] = open(1) as [Promise<QuicStream | Error>];
		await clock.pass(OPEN_STREAM_MS - 1);
		expect(await settled(next)).toBe(false);
		await clock.pass(1);
		expect(await next).toBeInstanceOf(Aborted);
	});
});

describe("streams to a hub that grants few", () => {
	test("and none in time: callers that gave up leave no requests behind that would delay others", async () => {
		native.granted = 0;
		const burst = open(50);
		await clock.pass(OPEN_STREAM_MS);
		for (const one of burst) expect(await one).toBeInstanceOf(Aborted);
		expect(native.asked, "one at a time").toBe(1);
		const late = open(50);
		await turn();
		expect(native.asked, "the earlier request serves the next caller").toBe(1);
		native.grant(1);
		await turn();
		const there = await Promise.all(late.map(settled));
		expect(there.indexOf(true), "the caller that has waited longest is first").toBe(0);
		expect(there.filter(Boolean)).toHaveLength(1);
		native.grant(49);
		for (const one of late) expect(await one).not.toBeInstanceOf(Error);
	});

	test("and then grants them when nobody waits any more: each is reset, or it would occupy its slot forever", async () => {
		native.granted = 0;
		const [lonely] = open(1) as [Promise<QuicStream | Error>];
		await clock.pass(OPEN_STREAM_MS);
		expect(await lonely).toBeInstanceOf(Aborted);
		native.grant(1);
		await turn();
		expect(native.streams[0]?.send.endings).toEqual(["reset 1"]);
	});

	test("and is lost: waiting callers fail at once, and streams that come later are reset", async () => {
		native.granted = 0;
		const waiting = open(3);
		await turn();
		connection.rejectWaiting();
		for (const one of waiting) expect(String(await one)).toContain("the connection to the hub was lost");
		native.grant(3);
		await turn();
		expect(native.streams.map(({ send }) => send.endings)).toEqual([["reset 1"]]);
	});

	test("and ends: waiting callers fail at once", async () => {
		native.granted = 0;
		const waiting = open(3);
		await turn();
		native.end("TimedOut");
		for (const one of waiting) expect(await one).toBeInstanceOf(Aborted);
	});
});

describe("the ids of streams", () => {
	const number = (text: string) => Number(/\d+$/.exec(text)?.[0]);

	test("count from 0 in the order of opening, requests that failed not included", async () => {
		const first = await Promise.all(open(3));
		native.failing = 2;
		const failed = await Promise.all(open(2));
		expect(failed.every((one) => one instanceof Aborted)).toBe(true);
		const next = await Promise.all(open(2));
		const ids = [...first, ...next].map((stream) => (stream as QuicStream).id);
		expect(ids).toEqual([0, 1, 2, 3, 4].map((i) => `client bidirectional stream ${i}`));
	});

	test("count streams that came when nobody waited any more, too", async () => {
		native.granted = 0;
		const [lonely] = open(1) as [Promise<QuicStream | Error>];
		await clock.pass(OPEN_STREAM_MS);
		expect(await lonely).toBeInstanceOf(Aborted);
		native.grant(2);
		await turn();
		const [next] = await Promise.all(open(1));
		expect(number((next as QuicStream).id)).toBe(1);
	});

	test("of the other side are counted by themselves, and are those of the side that has made the connection", async () => {
		const other = new Native();
		const accepted = new Connection(other as unknown as NativeConnection, false, new ChunkScheduler());
		const come: QuicStream[] = [];
		void accepted.acceptStreams((stream) => come.push(stream));
		other.arrive();
		other.arrive();
		await turn();
		const [ours] = (await Promise.all([accepted.openStream(1)])) as [QuicStream];
		expect([...come, ours].map(({ id }) => id)).toEqual([
			"client bidirectional stream 0",
			"client bidirectional stream 1",
			"server bidirectional stream 0",
		]);
		expect(accepted.streamsOpened).toBe(3);
		other.end("over");
		await accepted.closed;
		await clock.pass(RESET_GRACE_MS);
	});
});

describe("the header of a stream", () => {
	/** Opens a stream for a port id; its first data is sent by whoever is said to. */
	async function use(portId: number, first: "client" | "service"): Promise<NativeSend> {
		const stream = await connection.openStream(portId);
		const { send, recv } = native.streams.at(-1) as { send: NativeSend; recv: NativeReceive };
		if (first === "client") await stream.write(Uint8Array.of(1));
		else {
			recv.arrive([ACCEPTED, 1]);
			await stream.read();
		}
		return send;
	}

	test("is sent at once and alone on the first stream for a service", async () => {
		await connection.openStream(1);
		await turn();
		await turn();
		expect(native.streams[0]?.send.flights).toEqual([HEADER_LENGTH]);
	});

	test("waits for the client's first bytes where the last client has spoken first, but not for long", async () => {
		await use(1, "client");
		const waiting = await connection.openStream(1);
		const { send } = native.streams.at(-1) as { send: NativeSend };
		await clock.pass(HEADER_HOLD_MS - 1);
		expect(send.flights).toEqual([]);
		await waiting.write(Uint8Array.of(1));
		expect(send.flights).toEqual([HEADER_LENGTH + 1]);
		await connection.openStream(1);
		await clock.pass(HEADER_HOLD_MS);
		expect(native.streams.at(-1)?.send.flights).toEqual([HEADER_LENGTH]);
	});

	test("does not wait where the service has spoken first the last time, nor for another service", async () => {
		await use(1, "client");
		await use(1, "service");
		for (const portId of [1, 2]) {
			await connection.openStream(portId);
			await turn();
			await turn();
			expect(native.streams.at(-1)?.send.flights, `service ${portId}`).toEqual([HEADER_LENGTH]);
		}
	});
});

test("a connection knows for how long it has had no path", async () => {
	expect(connection.pathlessFor()).toBe(0);
	await clock.pass(60_000);
	expect(connection.pathlessFor(), "there was a path all the while").toBe(0);
	native.hasPath = false;
	await clock.pass(1500);
	expect(connection.pathlessFor()).toBe(1500);
	native.hasPath = true;
	expect(connection.pathlessFor()).toBe(0);
});

test("a stream that the other side reports as aborted is aborted; an unknown id is ignored", async () => {
	const [stream] = (await Promise.all(open(1))) as [QuicStream];
	const reading = stream.read().catch((error: Error) => error);
	connection.abortStream("stream 77");
	expect(await settled(reading)).toBe(false);
	connection.abortStream(stream.id);
	expect(String(await reading)).toContain("reset by the other side");
});

describe("what a connection had received when it ended", () => {
	/** Ends that many connections which had received so much, and returns how many collections there are afterwards. */
	async function collections(count: number, received: number): Promise<number> {
		using collecting = spyOn(Bun, "gc");
		for (let i = 0; i < count; i++) {
			const one = new Native();
			one.received = received;
			const { closed } = new Connection(one as unknown as NativeConnection, true, new ChunkScheduler());
			one.end("TimedOut");
			await closed;
		}
		await clock.pass(2 * COLLECT_AFTER_MS);
		return collecting.mock.calls.length;
	}

	test("does not stay in memory when nobody has read it: it is collected, at once for all that ended together", async () => {
		expect(await collections(10, COLLECT_FROM)).toBe(1);
		expect(await collections(1, COLLECT_FROM)).toBe(1);
	});

	test("is not worth a collection while it is little", async () => {
		expect(await collections(10, COLLECT_FROM / 20)).toBe(0);
		expect(await collections(10, COLLECT_FROM / 20), "together with the ten before").toBe(1);
	});
});

test("a delayed close does not happen when the connection ends by itself first", async () => {
	connection.closeSoon("denied");
	await clock.pass(CLOSE_DELAY_MS - 1);
	expect(native.closings).toEqual([]);
	native.end("closed by peer: bye (code 0)");
	expect(await connection.closed).toBe("bye");
	await clock.pass(CLOSE_DELAY_MS);
	expect(native.closings).toEqual([]);
});

for (const [transport, said] of [
	["closed by peer: the hub was stopped (code 0)", "the hub was stopped"],
	["closed by peer: 0", "closed by the other side"],
	["reset by peer", "closed by the other side"],
	["timed out", "no answer for 30 seconds"],
	["closed by peer: \x1b[2J\r\nPeer 'x' left (code 1)", "[2J Peer 'x' left"],
] as const) {
	test(`an end that the binding reports as ${JSON.stringify(transport)} is reported as "${said}"`, async () => {
		native.end(transport);
		expect(await connection.closed).toBe(said);
	});
}

test("a delayed close happens once, after the delay", async () => {
	connection.closeSoon("denied");
	await clock.pass(CLOSE_DELAY_MS);
	connection.close("something else");
	expect(native.closings).toEqual(["denied"]);
	native.end("closed");
	expect(await connection.closed, "our own reason").toBe("denied");
});
