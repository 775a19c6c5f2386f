// How often hub and peer call into the binding for a stream, counted over real iroh. Each call wakes a thread of iroh's
// and then ours, which is most of what a short connection costs. Whoever adds a call has to raise a number here.
import { afterAll, afterEach, beforeAll, beforeEach, expect, spyOn, test } from "bun:test";
import type { Socket } from "bun";
import { ANSWER_HOLD_MS } from "../../src/hub/limits.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { bindEndpoint } from "../../src/transport/endpoint.ts";
import { loadIroh } from "../../src/transport/iroh.ts";
import { HEADER_HOLD_MS } from "../../src/transport/limits.ts";
import type { QuicStream } from "../../src/transport/stream.ts";
import { type Calls, Crossings } from "../support/crossings.ts";
import { LOOPBACK, type RunningHub, type RunningPeer, startHub, startPeer } from "../support/tunnel.ts";

const REQUEST = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";
const REPLY = `HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n${"x".repeat(600)}`;
const CONNECTIONS = 40;

let crossings: Crossings;
let hub: RunningHub;
let peer: RunningPeer;
/** What the service does with what it is sent, and when it is connected. */
let onRequest: (socket: Socket) => void;
let onOpen: (socket: Socket) => void;

const service = Bun.listen({
	hostname: "127.0.0.1",
	port: 0,
	allowHalfOpen: true,
	socket: {
		open: (socket) => onOpen(socket),
		data: (socket) => onRequest(socket),
		end: (socket) => void socket.shutdown(),
	},
});

/**
 * On a machine so busy that it takes milliseconds to come to the next bytes, what may wait for them is sent alone. The
 * counts must not depend on that.
 */
let timers: ReturnType<typeof spyOn> | undefined;

beforeAll(async () => {
	crossings = await Crossings.count();
	hub = await startHub([service.port, service.port]);
	peer = await startPeer(hub.ticket);
});

beforeEach(() => {
	onOpen = () => {};
	const { setTimeout: real } = globalThis;
	const holds: unknown[] = [ANSWER_HOLD_MS, HEADER_HOLD_MS];
	timers = spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms: number) =>
		real(holds.includes(ms) ? () => {} : run, ms)) as typeof setTimeout);
});

afterEach(() => {
	timers?.mockRestore();
});

afterAll(async () => {
	await peer.stop();
	await hub.stop();
	service.stop(true);
	crossings[Symbol.dispose]();
});

/** A client. `said` is called with each piece that it receives. */
async function connect(
	said: (socket: Socket, text: string) => void,
	{ request = REQUEST, local = peer.ports[0] as number } = {},
): Promise<{ over: Promise<void> }> {
	const over = Promise.withResolvers<void>();
	await Bun.connect({
		hostname: "127.0.0.1",
		port: local,
		allowHalfOpen: true,
		socket: {
			open: (socket) => void (request && socket.write(request)),
			data: (socket, bytes) => said(socket, bytes.toString()),
			end: (socket) => void socket.shutdown(),
			close: () => over.resolve(),
		},
	});
	return { over: over.promise };
}

/** Calls for each connection, to a tenth. A packet more than usual now and then does not show. */
async function calls(work: () => Promise<void>): Promise<{ hub: Calls; peer: Calls }> {
	// The first connection shows who speaks first.
	await work();
	await settled();
	crossings.take();
	for (let i = 0; i < CONNECTIONS; i++) await work();
	await settled();
	const each = (total: Calls): Calls =>
		Object.fromEntries(
			Object.entries(total).map(([name, count]) => [name, Math.round((10 * count) / CONNECTIONS) / 10]),
		);
	const { hub, peer } = crossings.take();
	return { hub: each(hub), peer: each(peer) };
}

/** Waits until every stream that was opened has been seen to its end. */
async function settled(): Promise<void> {
	while (crossings.open > 0) await new Promise(setImmediate);
}

const sum = (all: Calls): number => Object.values(all).reduce((total, count) => total + count, 0);

test("a short connection takes six calls on each side", async () => {
	onRequest = (socket) => {
		socket.write(REPLY);
		socket.shutdown();
	};
	const counted = await calls(async () => {
		let got = "";
		const client = await connect((_, text) => {
			got += text;
		});
		await client.over;
		expect(got).toBe(REPLY);
	});
	const both = { finish: 1, read: 2, stopped: 1, writeAll: 1 };
	expect(counted.hub).toEqual({ acceptBi: 1, ...both });
	expect(counted.peer).toEqual({ openBi: 1, ...both });
	expect([sum(counted.hub), sum(counted.peer)]).toEqual([6, 6]);
});

test("a request on an open connection takes two calls on each side", async () => {
	const REQUESTS = 20;
	onRequest = (socket) => void socket.write(REPLY);
	const counted = await calls(async () => {
		let left = REQUESTS;
		let got = 0;
		const client = await connect((socket, text) => {
			got += text.length;
			if (got < REPLY.length) return;
			got = 0;
			if (--left > 0) socket.write(REQUEST);
			else socket.shutdown();
		});
		await client.over;
	});
	// The connection itself takes four calls besides: open or accept, the read of the end, finish, stopped.
	const both = { finish: 1, read: REQUESTS + 1, stopped: 1, writeAll: REQUESTS };
	expect(counted.hub).toEqual({ acceptBi: 1, ...both });
	expect(counted.peer).toEqual({ openBi: 1, ...both });
});

test("a service that speaks first is not kept waiting for the client, and takes no more calls", async () => {
	onOpen = (socket) => void socket.write("220 ready");
	onRequest = (socket) => void socket.shutdown();
	const counted = await calls(async () => {
		// Another port id than above: there, clients have spoken first.
		const local = peer.ports[1] as number;
		const client = await connect((socket) => void socket.write("QUIT"), { request: "", local });
		await client.over;
	});
	// The header goes alone, and so does the client's answer.
	expect(counted.hub).toEqual({ acceptBi: 1, finish: 1, read: 3, stopped: 1, writeAll: 1 });
	expect(counted.peer).toEqual({ openBi: 1, finish: 1, read: 2, stopped: 1, writeAll: 2 });
});

test("streams have the ids that the binding gives them, also when many are opened at once and some requests fail", async () => {
	const { Connection: Native } = await loadIroh();
	const { openBi, acceptBi } = Native.prototype;
	const seen: { opened: Promise<string>[]; accepted: Promise<string>[] } = { opened: [], accepted: [] };
	let calls = 0;
	using _ = {
		[Symbol.dispose]: () => Object.assign(Native.prototype, { openBi, acceptBi }),
	};
	Native.prototype.openBi = async function (this: InstanceType<typeof Native>) {
		if (++calls % 5 === 0) throw new Error("injected");
		const bi = await openBi.call(this);
		seen.opened.push(bi.send.id());
		return bi;
	};
	Native.prototype.acceptBi = async function (this: InstanceType<typeof Native>) {
		const bi = await acceptBi.call(this);
		seen.accepted.push(bi.recv.id());
		return bi;
	};
	const [there, here] = await Promise.all([bindEndpoint(LOOPBACK), bindEndpoint(LOOPBACK)]);
	const stop = new AbortController();
	const accepted: QuicStream[] = [];
	const onConnection = (connection: Connection) => void connection.acceptStreams((stream) => accepted.push(stream));
	const accepting = there.accept({ onConnection, onEvent: () => {}, isKnown: () => false, stop: stop.signal });
	const connection = await here.connect(there.address());
	const opened: QuicStream[] = [];
	for (let round = 0; round < 3; round++) {
		const all = await Promise.all(Array.from({ length: 10 }, () => connection.openStream(1).catch(() => undefined)));
		opened.push(...all.filter((stream) => stream !== undefined));
	}
	while (accepted.length < opened.length) await new Promise(setImmediate);
	expect(opened).toHaveLength(24);
	expect(opened.map(({ id }) => id)).toEqual(await Promise.all(seen.opened));
	expect(accepted.map(({ id }) => id)).toEqual(await Promise.all(seen.accepted));
	expect(accepted.map(({ id }) => id)).toEqual(opened.map(({ id }) => id));
	connection.close("the test is over");
	stop.abort();
	await Promise.all([here.close(), there.close(), accepting]);
});
