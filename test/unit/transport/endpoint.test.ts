// What an endpoint does when the native one is late or fails, with a native endpoint and a clock that the test controls.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { RECONNECT_ATTEMPT_MS } from "../../../src/peer/limits.ts";
import { ALPN, PROBE_ALPN } from "../../../src/protocol/stream-header.ts";
import { Acceptor } from "../../../src/transport/acceptor.ts";
import * as binds from "../../../src/transport/bind.ts";
import { ChunkScheduler } from "../../../src/transport/chunk-size.ts";
import { Endpoint, type EndpointOptions } from "../../../src/transport/endpoint.ts";
import type { EndpointEvent } from "../../../src/transport/events.ts";
import type {
	EndpointAddr,
	Connection as NativeConnection,
	Endpoint as NativeEndpoint,
} from "../../../src/transport/iroh.ts";
import { CLOSE_MS, REBIND_PAUSE_MS, REBIND_SAME_PORTS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

const HUB = { directAddresses: () => ["127.0.0.1:1"], relayUrl: () => null } as unknown as EndpointAddr;

let clock: Clock;
let connecting: PromiseWithResolvers<NativeConnection>;
let closing: PromiseWithResolvers<void>;
let endpoint: Endpoint;
/** The codes that the connection was closed with. */
let closings: bigint[];
/** The connection that an attempt makes. */
let connection: NativeConnection;
/** The ALPNs that the endpoint accepts. */
let alpns: string[];

beforeEach(() => {
	clock = new Clock();
	[connecting, closing, closings] = [Promise.withResolvers(), Promise.withResolvers(), []];
	const over = Promise.withResolvers<string>();
	connection = {
		remoteId: () => "a".repeat(64),
		acceptUni: () => over.promise.then(() => Promise.reject(new Error("closed"))),
		closed: () => over.promise,
		stats: () => ({ udpRxBytes: 0 }),
		close(code: bigint) {
			closings.push(code);
			over.resolve("closed");
		},
	} as unknown as NativeConnection;
	const native = {
		boundSockets: () => ["127.0.0.1:2"],
		secretKey: () => ({ toBytes: () => [] }),
		connect: () => connecting.promise,
		close: () => closing.promise,
		// It has ended by itself.
		isClosed: () => true,
		acceptNext: async () => null,
		setAlpns: (all: number[][]) => {
			alpns = all.map((one) => Buffer.from(one).toString());
		},
	};
	endpoint = new Endpoint(native as unknown as NativeEndpoint, { alpn: "hivemind", relays: "none" });
});

afterEach(async () => {
	closing.resolve();
	await endpoint.close();
	clock.restore();
});

test("an attempt that was given up and succeeds later leaves no stray connection at the hub", async () => {
	const attempt = endpoint.connect(HUB, RECONNECT_ATTEMPT_MS);
	attempt.catch(() => {});
	await clock.pass(RECONNECT_ATTEMPT_MS - 1);
	expect(await settled(attempt)).toBe(false);
	await clock.pass(1);
	expect(await settled(attempt)).toBe(true);
	await expect(attempt).rejects.toMatchObject({
		code: "unreachable",
		message: "Cannot reach the hub: no answer within 4 s. Tried 127.0.0.1:1.",
	});
	expect(closings).toEqual([]);
	connecting.resolve(connection);
	await turn();
	expect(closings).toEqual([0n]);
});

test("an attempt that was given up and fails later reports no error", async () => {
	const attempt = endpoint.connect(HUB, RECONNECT_ATTEMPT_MS);
	attempt.catch(() => {});
	await clock.pass(RECONNECT_ATTEMPT_MS);
	await expect(attempt).rejects.toMatchObject({ code: "unreachable" });
	connecting.reject(new Error("timed out"));
	await turn();
	// An unhandled rejection would fail the test.
});

test("a connection that is made in time stays open when the time limit passes", async () => {
	const attempt = endpoint.connect(HUB, RECONNECT_ATTEMPT_MS);
	attempt.catch(() => {});
	await clock.pass(RECONNECT_ATTEMPT_MS - 1);
	connecting.resolve(connection);
	const made = await attempt;
	await clock.pass(2 * RECONNECT_ATTEMPT_MS);
	expect(closings).toEqual([]);
	made.close("the test is over");
	await made.closed;
});

test("an endpoint that cannot be closed does not keep the program from stopping", async () => {
	const closed = endpoint.close();
	closing.reject(new Error("injected"));
	expect(await settled(closed)).toBe(true);
	await closed;
});

test("an endpoint that accepts connections begins no more of them before the native one is closed", async () => {
	const order: string[] = [];
	using _acceptor = spyOn(Acceptor.prototype, "close").mockImplementation(async () => void order.push("acceptor"));
	const come = Promise.withResolvers<null>();
	const native = {
		boundSockets: () => [],
		secretKey: () => ({ toBytes: () => [] }),
		setAlpns() {},
		acceptNext: () => come.promise,
		isClosed: () => true,
		async close() {
			order.push("native");
			come.resolve(null);
		},
	};
	const one = new Endpoint(native as unknown as NativeEndpoint, { alpn: "hivemind", relays: "none" });
	const accepting = one.accept({ onConnection() {}, onEvent() {}, isKnown: () => false, stop: AbortSignal.abort() });
	await one.close();
	expect(order.slice(0, 2)).toEqual(["acceptor", "native"]);
	await accepting;
});

test("a close that never ends is given one second", async () => {
	const closed = endpoint.close();
	await clock.pass(CLOSE_MS - 1);
	expect(await settled(closed)).toBe(false);
	await clock.pass(1);
	expect(await settled(closed)).toBe(true);
});

describe("binding it again", () => {
	let binding: PromiseWithResolvers<NativeEndpoint>[];
	let bind: Mock<typeof binds.bindNative>;
	let stop: AbortController;

	beforeEach(() => {
		binding = [];
		stop = new AbortController();
		closing.resolve();
		bind = spyOn(binds, "bindNative").mockImplementation(() => {
			const one = Promise.withResolvers<NativeEndpoint>();
			binding.push(one);
			return one.promise;
		});
	});

	afterEach(() => bind.mockRestore());

	/** A native endpoint that only counts how often it is closed. */
	const native = () => {
		const one = {
			closings: 0,
			close: async () => void one.closings++,
			boundSockets: () => ["127.0.0.1:3"],
			secretKey: () => ({ toBytes: () => [] }),
		};
		return one;
	};

	test("twice at once makes only one endpoint: two with the same key would starve each other", async () => {
		const both = [endpoint.rebind(stop.signal), endpoint.rebind(stop.signal)];
		await clock.pass(REBIND_PAUSE_MS);
		expect(binding).toHaveLength(1);
		const fresh = native();
		binding[0]?.resolve(fresh as unknown as NativeEndpoint);
		await Promise.all(both);
		await endpoint.close();
		expect(fresh.closings).toBe(1);
	});

	test("connects to the relay that it had at once: iroh itself would wait for its report on the network", async () => {
		const asked: (string | null)[] = [];
		const one = {
			boundSockets: () => [],
			secretKey: () => ({ toBytes: () => [] }),
			addr: () => ({ relayUrl: () => "https://home.example/" }),
			close: async () => {},
		};
		const hub = new Endpoint(one as unknown as NativeEndpoint, { alpn: "hivemind", relays: "public" });
		const again = hub.rebind(stop.signal);
		await clock.pass(REBIND_PAUSE_MS);
		const fresh = {
			...native(),
			async connect(nobody: EndpointAddr) {
				asked.push(nobody.relayUrl(), ...nobody.directAddresses());
				throw new Error("nobody answers");
			},
		};
		binding[0]?.resolve(fresh as unknown as NativeEndpoint);
		await again;
		expect(asked).toEqual(["https://home.example/"]);
		await hub.close();
	});

	test("that succeeds after the hub was stopped leaves nothing open", async () => {
		const again = endpoint.rebind(stop.signal);
		await clock.pass(REBIND_PAUSE_MS);
		stop.abort();
		await endpoint.close();
		const late = native();
		binding[0]?.resolve(late as unknown as NativeEndpoint);
		await again;
		expect(late.closings).toBe(1);
	});

	test("is tried until it works, with the same ports first", async () => {
		const again = endpoint.rebind(stop.signal);
		for (let i = 0; i <= REBIND_SAME_PORTS; i++) {
			await clock.pass(REBIND_PAUSE_MS);
			if (i < REBIND_SAME_PORTS) binding[i]?.reject(new Error("the port is in use"));
		}
		binding[REBIND_SAME_PORTS]?.resolve(native() as unknown as NativeEndpoint);
		await again;
		const ports = bind.mock.calls.map(([{ ipv4 }]) => ipv4?.port);
		expect(ports).toEqual([...Array(REBIND_SAME_PORTS).fill(2), undefined]);
	});

	test("on a port that was asked for and that never becomes free: takes another one, and says so", async () => {
		const bound = (port: number) => ({
			...native(),
			boundSockets: () => [`127.0.0.1:${port}`],
			setAlpns: () => {},
			acceptNext: async () => null,
			isClosed: () => false,
		});
		const options = { alpn: "hivemind", relays: "none", ipv4: { host: "127.0.0.1", port: 4433 } } as const;
		const hub = new Endpoint(bound(4433) as unknown as NativeEndpoint, options);
		const events: EndpointEvent[] = [];
		void hub.accept({
			onConnection() {},
			onEvent: (event) => events.push(event),
			isKnown: () => false,
			stop: stop.signal,
		});
		const again = hub.rebind(stop.signal);
		for (let i = 0; i <= REBIND_SAME_PORTS; i++) {
			await clock.pass(REBIND_PAUSE_MS);
			if (i < REBIND_SAME_PORTS) binding[i]?.reject(new Error("the port is in use"));
		}
		binding[REBIND_SAME_PORTS]?.resolve(bound(5544) as unknown as NativeEndpoint);
		await again;
		const ports = bind.mock.calls.map(([{ ipv4 }]) => ipv4?.port);
		expect(ports).toEqual([...Array(REBIND_SAME_PORTS).fill(4433), 0]);
		expect(events).toContainEqual({ type: "endpoint_moved", from: ["127.0.0.1:4433"], to: ["127.0.0.1:5544"] });
		stop.abort();
		await hub.close();
	});

	test("after it ended by itself: its owner is told, and told once more when that has failed for six seconds", async () => {
		const events: EndpointEvent[] = [];
		const accepting = endpoint.accept({
			onConnection() {},
			onEvent: (event) => events.push(event),
			isKnown: () => false,
			stop: stop.signal,
		});
		for (let i = 0; i < 3 * REBIND_SAME_PORTS; i++) {
			await clock.pass(REBIND_PAUSE_MS);
			if (i < 2 * REBIND_SAME_PORTS - 1) expect(events).toEqual([{ type: "endpoint_restarting" }]);
			binding.at(-1)?.reject(new Error("the port is in use"));
		}
		await turn();
		expect(events).toEqual([
			{ type: "endpoint_restarting" },
			{ type: "endpoint_bind_failed", reason: "the port is in use" },
		]);
		stop.abort();
		await accepting;
	});
});

test("an endpoint that accepts connections takes its own ALPN and that of probes, and no other", async () => {
	closing.resolve();
	const options = { onConnection() {}, onEvent() {}, isKnown: () => false, stop: AbortSignal.abort() };
	await endpoint.accept(options);
	expect(alpns).toEqual([ALPN.hivemind, PROBE_ALPN]);
});

describe("a second endpoint beside it", () => {
	const RELAY = "https://hub.example/";
	const scheduler = new ChunkScheduler();
	const ipv4 = { host: "127.0.0.1", port: 2 };
	const same = { alpn: "hivemind", scheduler, ipv4: { host: "127.0.0.1", port: 0 } } as const;

	/** The options of a second endpoint, for a hub with this relay. */
	async function second(key: "same" | "new", relays: EndpointOptions["relays"], relay: string | null = RELAY) {
		const native = {
			boundSockets: () => ["127.0.0.1:2"],
			secretKey: () => ({ toBytes: () => [1, 2, 3] }),
			close: async () => {},
		};
		const options = { alpn: "hivemind", relays, ipv4, scheduler } as const;
		const first = new Endpoint(native as unknown as NativeEndpoint, options);
		const hub = { relayUrl: () => relay } as unknown as EndpointAddr;
		const found = first.secondOptions(hub, key);
		expect(first.relayTo(hub)).toBe(relays === "none" ? null : relay);
		await first.close();
		return found;
	}

	test("with the same key has the same scheduler, but other ports and no relay", async () => {
		for (const relays of ["public", "none", ["https://own.example/"]] as const) {
			expect(await second("same", relays as EndpointOptions["relays"])).toEqual({
				...same,
				relays: "none",
				key: Uint8Array.of(1, 2, 3),
			});
		}
	});

	test("with a new key uses the relay of the hub, without being published; or the relays that the user has named", async () => {
		expect(await second("new", "public")).toEqual({ ...same, relays: [RELAY] });
		expect(await second("new", ["https://own.example/"])).toEqual({ ...same, relays: ["https://own.example/"] });
	});

	test("with a new key uses no relay that the user does not want, or that the hub does not have", async () => {
		expect(await second("new", "none")).toEqual({ ...same, relays: "none" });
		expect(await second("new", "public", null)).toEqual({ ...same, relays: "none" });
	});
});
