// The accept loop with connections that arrive on command: what happens to handshakes that never end, which sources have
// to prove their addresses, and what a probe gets. With real connections: test/e2e/acceptor.test.ts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { ALPN, PROBE_ALPN } from "../../../src/protocol/stream-header.ts";
import { Acceptor } from "../../../src/transport/acceptor.ts";
import { ChunkScheduler } from "../../../src/transport/chunk-size.ts";
import type { Connection } from "../../../src/transport/connection.ts";
import type { EndpointEvent } from "../../../src/transport/events.ts";
import type {
	Incoming,
	Connection as NativeConnection,
	Endpoint as NativeEndpoint,
} from "../../../src/transport/iroh.ts";
import {
	HANDSHAKE_BURST,
	HANDSHAKE_QUEUE_MAX,
	HANDSHAKE_RETRY_FROM,
	HANDSHAKES_MAX,
	HANDSHAKES_PER_SECOND,
} from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

/** An incoming connection, whose handshake is pending until the test ends it. */
class Visit {
	/** What the accept loop did with it. */
	fate: "accepted" | "asked to prove its address" | "ignored" | undefined;
	readonly handshake = Promise.withResolvers<NativeConnection>();
	#addr: string;
	#proven: boolean;

	constructor(addr: string, proven = false) {
		this.#addr = addr;
		this.#proven = proven;
		this.handshake.promise.catch(() => {});
	}

	remoteAddr = async () => ({ addr: this.#addr });
	remoteAddrValidated = async () => this.#proven;
	retry = async () => {
		this.fate = "asked to prove its address";
	};
	ignore = async () => {
		this.fate = "ignored";
	};
	accept = async () => {
		this.fate = "accepted";
		return { connect: () => this.handshake.promise };
	};
}

let clock: Clock;
let acceptor: Acceptor;
let running: Promise<void>;
let events: EndpointEvent[];
/** Connections that were handed over. */
let connections: Connection[];
/** Calls of acceptNext that wait, and visits that arrived before them; null: the endpoint is closed. */
let accepting: ((visit: Visit | null) => void)[];
let coming: (Visit | null)[];

beforeEach(() => {
	clock = new Clock();
	events = [];
	connections = [];
	accepting = [];
	coming = [];
	const native = {
		acceptNext: () =>
			new Promise<Incoming | null>((resolve) => {
				const next = coming.shift();
				const give = (visit: Visit | null) => resolve(visit as unknown as Incoming | null);
				if (next === undefined) accepting.push(give);
				else give(next);
			}),
		isClosed: () => true,
	} as unknown as NativeEndpoint;
	const options = {
		onConnection: (connection: Connection) => void connections.push(connection),
		onEvent: (event: EndpointEvent) => void events.push(event),
		isKnown: (host: string) => host === "10.9.9.9",
		stop: new AbortController().signal,
	};
	acceptor = new Acceptor(native, options, new ChunkScheduler());
	running = acceptor.run();
});

afterEach(async () => {
	come(null);
	await running;
	clock.restore();
});

function come<V extends Visit | null>(one: V): V {
	const waiting = accepting.shift();
	if (waiting) waiting(one);
	else coming.push(one);
	return one;
}

/** This many strangers, each from a host of its own, whose handshakes never end. */
async function stall(count: number, proven: boolean): Promise<Visit[]> {
	const all: Visit[] = [];
	for (let i = 0; i < count; i++) {
		all.push(come(new Visit(`10.1.${i >> 8}.${i & 255}:1000`, proven)));
		await turn();
		await clock.pass(1000 / HANDSHAKES_PER_SECOND);
	}
	return all;
}

test("a connection that comes while the endpoint closes is not accepted: it would keep the sockets for ever", async () => {
	await acceptor.close();
	const late = come(new Visit("10.1.0.1:1000", true));
	await turn();
	expect(late.fate).toBeUndefined();
	expect(acceptor.handshakes.size).toBe(0);
});

test("the acceptor is closed once every connection that was being accepted exists, but need not wait for its handshake", async () => {
	const visit = new Visit("10.1.0.1:1000", true);
	const { accept } = visit;
	const exists = Promise.withResolvers<void>();
	visit.accept = () => exists.promise.then(accept);
	come(visit);
	await turn();
	const closed = acceptor.close();
	expect(await settled(closed)).toBe(false);
	exists.resolve();
	expect(await settled(closed)).toBe(true);
	expect(acceptor.handshakes.size).toBe(1);
	visit.handshake.reject(new Error("closed"));
	await turn();
	expect(acceptor.handshakes.size).toBe(0);
});

test("strangers that never finish their handshakes soon have to prove their addresses, which forged sources cannot", async () => {
	const all = await stall(2 * HANDSHAKE_RETRY_FROM, false);
	expect(all.map(({ fate }) => fate)).toEqual([
		...Array(HANDSHAKE_RETRY_FROM).fill("accepted"),
		...Array(HANDSHAKE_RETRY_FROM).fill("asked to prove its address"),
	]);
	expect(acceptor.handshakes.size).toBe(HANDSHAKE_RETRY_FROM);
});

test("strangers that prove their addresses and never finish do not keep a known peer out", async () => {
	await stall(HANDSHAKES_MAX + 20, true);
	expect(acceptor.handshakes.size).toBe(HANDSHAKES_MAX);
	const known = come(new Visit("10.9.9.9:7", true));
	await turn();
	await clock.pass(1000 / HANDSHAKES_PER_SECOND);
	expect(known.fate).toBe("accepted");
});

test("a connection that is dropped because too many are queued is ignored, and the owner is told", async () => {
	const all = await stall(HANDSHAKES_MAX, true);
	expect(all.at(-1)?.fate).toBe("accepted");
	for (let i = 0; i <= HANDSHAKE_QUEUE_MAX; i++) all.push(come(new Visit(`10.2.${i >> 8}.${i & 255}:1`, true)));
	await turn();
	await turn();
	expect(all.filter(({ fate }) => fate === "ignored")).toHaveLength(1);
	expect(events).toEqual([{ type: "attempt_failed", reason: "too many connection attempts at once" }]);
});

test("when a handshake fails, the next connection in the queue takes its place", async () => {
	const all = await stall(HANDSHAKES_MAX + 1, true);
	expect(all.at(-1)?.fate).toBeUndefined();
	all[0]?.handshake.reject(new Error("timed out"));
	await turn();
	await clock.pass(1000 / HANDSHAKES_PER_SECOND);
	expect(all.at(-1)?.fate).toBe("accepted");
	expect(events).toEqual([{ type: "attempt_failed", reason: "timed out" }]);
});

/** A native connection whose handshake is completed, and the codes that it was closed with. */
function connected(alpn: string) {
	const over = Promise.withResolvers<string>();
	const closings: bigint[] = [];
	const native = {
		alpn: () => [...Buffer.from(alpn)],
		remoteId: () => "a".repeat(64),
		acceptUni: () => over.promise.then(() => Promise.reject(new Error("closed"))),
		closed: () => over.promise,
		stats: () => ({ udpRxBytes: 0 }),
		close(code: bigint) {
			closings.push(code);
			over.resolve("closed");
		},
	};
	return { native: native as unknown as NativeConnection, closings };
}

test("a probe gets a handshake and nothing else: its connection is closed at once and not handed over", async () => {
	const probe = connected(PROBE_ALPN);
	const peer = connected(ALPN.hivemind);
	for (const { native } of [probe, peer]) come(new Visit("10.1.0.1:1")).handshake.resolve(native);
	await turn();
	await turn();
	expect(probe.closings).toEqual([0n]);
	expect(connections).toHaveLength(1);
	expect(peer.closings).toEqual([]);
	expect(events).toEqual([]);
	connections[0]?.close("the test is over");
	await connections[0]?.closed;
});

test("probes are paced and queued like all other connections", async () => {
	const all: Visit[] = [];
	for (let i = 0; i < HANDSHAKE_BURST + 3; i++) {
		const visit = come(new Visit("10.1.0.1:1", true));
		visit.handshake.resolve(connected(PROBE_ALPN).native);
		all.push(visit);
		await turn();
	}
	await turn();
	const accepted = () => all.filter(({ fate }) => fate === "accepted").length;
	expect(accepted()).toBe(HANDSHAKE_BURST);
	await clock.pass(1000 / HANDSHAKES_PER_SECOND);
	expect(accepted()).toBe(HANDSHAKE_BURST + 1);
});
