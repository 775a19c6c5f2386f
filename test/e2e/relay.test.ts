// Relays, with one that misbehaves on command: a hub that only a relay leads to, and a hub that loses its relay.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import * as http from "node:http";
import { RelayProbe } from "../../src/hub/relay-probe.ts";
import { RelayReturn } from "../../src/hub/relay-return.ts";
import { type RelayEvent, watchRelay } from "../../src/hub/relay-watchdog.ts";
import { formatTicket, parseTicket } from "../../src/invite/ticket.ts";
import { Connection } from "../../src/transport/connection.ts";
import { bindEndpoint, type Endpoint, type EndpointOptions } from "../../src/transport/endpoint.ts";
import { type EndpointAddr, loadIroh } from "../../src/transport/iroh.ts";
import { Puppet } from "../support/puppet.ts";
import { Relay } from "../support/relay.ts";
import { LOOPBACK, startHub, startPeer } from "../support/tunnel.ts";

const { Endpoint: NativeEndpoint, EndpointAddr: NativeAddr } = await loadIroh();

let relay: Relay;
let by: EndpointOptions;

beforeEach(() => {
	relay = new Relay();
	by = { ...LOOPBACK, relays: [relay.url] };
});

afterEach(() => relay[Symbol.dispose]());

/** The same address without its direct addresses. */
function onlyByRelay(address: EndpointAddr): EndpointAddr {
	return new NativeAddr(address.id(), address.relayUrl(), []);
}

test("a peer whose ticket names no address but a relay reaches the hub's service", async () => {
	await using puppet = new Puppet();
	const service = await puppet.listen();
	await using hub = await startHub([service.port], by);
	const { address, secret } = await parseTicket(hub.ticket);
	expect(address.relayUrl()).toStartWith(relay.url);
	await using peer = await startPeer(await formatTicket({ address: onlyByRelay(address), secret }), by);
	expect(relay.forwarded).toBeGreaterThan(0);
	const accepting = service.accept();
	const client = await puppet.connect(peer.ports[0] as number);
	const socket = await accepting;
	await client.write("by relay");
	const { head } = await socket.received(8);
	expect(head).toBe("by relay");
	await client.reset();
	await socket.closed();
});

test("a connection that begins at a relay and becomes direct is said to be direct, once, by both sides", async () => {
	let text = "";
	const direct = Promise.withResolvers<void>();
	const printed = spyOn(process.stderr, "write").mockImplementation((chunk) => {
		text += chunk;
		if (text.includes("is now connected directly") && text.includes("is now direct")) direct.resolve();
		return true;
	});
	// On loopback the direct path is often there before the peer is admitted. Here both sides first see the relay.
	const { path } = Connection.prototype;
	const early = spyOn(Connection.prototype, "path").mockReturnValue({ kind: "relay", address: relay.url });
	try {
		await using hub = await startHub([], by);
		const { address, secret } = await parseTicket(hub.ticket);
		await using _ = await startPeer(await formatTicket({ address: onlyByRelay(address), secret }), by);
		expect(relay.forwarded).toBeGreaterThan(0);
		early.mockImplementation(path);
		await direct.promise;
		expect(text.match(/^Peer 'peer' .*/gm)).toEqual([
			expect.stringMatching(/ connected \(relay http:\/\/127\.0\.0\.1:\d+\)\.$/),
			expect.stringMatching(/ is now connected directly \(direct (127\.0\.0\.1|\[::1\]):\d+\)\.$/),
		]);
		expect(text.match(/^The connection .*/gm)).toEqual([
			expect.stringMatching(/ to the hub is now direct \(direct (127\.0\.0\.1|\[::1\]):\d+\)\.$/),
		]);
	} finally {
		early.mockRestore();
		printed.mockRestore();
	}
}, 30_000);

/**
 * A hub's endpoint and a watchdog with short intervals, once a probe has reached it, which may take several on a slow
 * machine. The next probe has not begun yet, so whatever the relay does next happens between two probes.
 */
async function watched({ lostMs = 300, probeMs = 500, everReached = true } = {}) {
	const endpoint = await bindEndpoint(by);
	expect(await endpoint.online()).toBe(true);
	const end = new AbortController();
	const probe = new RelayProbe(endpoint);
	const probes = countProbes(probe);
	const lost: RelayEvent[] = [];
	/** The remotes of connections that were handed over. */
	const remotes: string[] = [];
	const onEvent = (event: RelayEvent) => {
		if (event.type === "relay_lost") lost.push(event);
	};
	const timing = { lostMs, checkMs: 50, checkLostMs: 50, probeMs };
	const watching = watchRelay({ endpoint, probe, onEvent, timing }, end.signal);
	const accepting = endpoint.accept({
		onConnection: ({ remote }) => void remotes.push(remote),
		onEvent: () => {},
		isKnown: () => false,
		stop: end.signal,
	});
	await probes.until(({ reached }) => reached > 0 || !everReached);
	return {
		endpoint,
		accepting,
		probes,
		lost,
		remotes,
		async [Symbol.asyncDispose]() {
			end.abort();
			await watching;
			await endpoint.close();
			await accepting;
		},
	};
}

interface Probes {
	/** How many reached the endpoint, and how many did not. */
	reached: number;
	failed: number;
	/** Resolves after the first probe from now on that makes it `enough`. */
	until(enough: (probes: Probes) => boolean): Promise<void>;
}

function countProbes(probe: RelayProbe): Probes {
	let ended = Promise.withResolvers<void>();
	const probes: Probes = {
		reached: 0,
		failed: 0,
		async until(enough) {
			do await ended.promise;
			while (!enough(probes));
		},
	};
	const reaches = probe.reaches.bind(probe);
	probe.reaches = async (timeoutMs, stop) => {
		const reached = await reaches(timeoutMs, stop);
		if (reached) probes.reached++;
		else probes.failed++;
		ended.resolve();
		ended = Promise.withResolvers<void>();
		return reached;
	};
	return probes;
}

/** Counts how often the endpoint is bound again from now on. */
function countRebinds(endpoint: Endpoint): { times: number; first: Promise<void> } {
	const first = Promise.withResolvers<void>();
	const count = { times: 0, first: first.promise };
	const rebind = endpoint.rebind.bind(endpoint);
	endpoint.rebind = async (stop) => {
		count.times++;
		await rebind(stop);
		first.resolve();
	};
	return count;
}

test("a hub that a working relay no longer admits binds its endpoint again, and the old ticket still leads to it", async () => {
	await using hub = await watched();
	const rebinds = countRebinds(hub.endpoint);
	const before = await formatTicket({ address: hub.endpoint.address(), secret: undefined });
	const peer = await bindEndpoint(by);
	try {
		const { address } = await parseTicket(before);
		// An open connection must not keep the old sockets alive.
		const old = await peer.connect(address);
		relay.admits = false;
		relay.drop();
		await rebinds.first;
		expect(hub.lost).toEqual([{ type: "relay_lost", afterMs: 300 }]);
		await old.closed;
		relay.admits = true;
		expect(await hub.endpoint.online()).toBe(true);
		// The same id, relay and ports.
		expect(await formatTicket({ address: hub.endpoint.address(), secret: undefined })).toBe(before);
		expect(await peer.online()).toBe(true);
		const connection = await peer.connect(onlyByRelay(address));
		connection.close("reached");
		await connection.closed;
	} finally {
		await peer.close();
	}
}, 60_000);

test("a hub is on its relay again as soon as that is back, also if iroh itself would wait, and the old ticket leads to it", async () => {
	const endpoint = await bindEndpoint(by);
	const peer = await bindEndpoint(by);
	const end = new AbortController();
	const events: RelayEvent[] = [];
	// As in a pause of iroh between two attempts, which grow to half a minute.
	const probe = { reaches: async () => false } as unknown as RelayProbe;
	const relayReturn = new RelayReturn(
		{ endpoint, probe, isInUse: () => false, onEvent: (event) => events.push(event) },
		end.signal,
	);
	try {
		expect(await endpoint.online()).toBe(true);
		const { address } = await parseTicket(await formatTicket({ address: endpoint.address(), secret: undefined }));
		void endpoint.accept({
			onConnection: (connection) => connection.close("reached"),
			onEvent: () => {},
			isKnown: () => false,
			stop: end.signal,
		});
		relay.probeStatus = 503;
		relay.admits = false;
		relay.drop();
		// The second look follows one that has found the relay away.
		const looks = Promise.withResolvers<void>();
		const { get } = http;
		using looking = spyOn(http, "get").mockImplementation(((...args: Parameters<typeof get>) => {
			if (looking.mock.calls.length === 2) looks.resolve();
			return get(...args);
		}) as typeof get);
		relayReturn.suspect();
		await looks.promise;
		expect(events).toEqual([]);
		relay.probeStatus = 200;
		relay.admits = true;
		await relayReturn.settled();
		expect(events).toEqual([{ type: "relay_returned" }]);
		const connection = await peer.connect(onlyByRelay(address));
		expect(await connection.closed).toBe("reached");
	} finally {
		end.abort();
		await Promise.all([endpoint.close(), peer.close()]);
	}
}, 60_000);

test("a hub's endpoint is left alone while no relay answers at all: direct connections are all that it has", async () => {
	// If a relay answered, one probe would be enough.
	await using hub = await watched({ lostMs: 0 });
	const rebinds = countRebinds(hub.endpoint);
	relay.probeStatus = 503;
	relay.admits = false;
	relay.drop();
	await hub.probes.until(({ failed }) => failed >= 4);
	expect(rebinds.times).toBe(0);
	relay.probeStatus = 200;
	await rebinds.first;
}, 60_000);

test("a relay that admits the hub but no strangers does not count as lost, and no direct connection ends", async () => {
	relay.admitsOnly = 1;
	await using hub = await watched({ lostMs: 0, everReached: false });
	const rebinds = countRebinds(hub.endpoint);
	const peer = await bindEndpoint(LOOPBACK);
	try {
		const { address } = await parseTicket(await formatTicket({ address: hub.endpoint.address(), secret: undefined }));
		const connection = await peer.connect(address);
		const { failed: before } = hub.probes;
		await hub.probes.until(({ failed }) => failed >= before + 3);
		expect(hub.probes.reached, "probes that reached the hub").toBe(0);
		expect(rebinds.times).toBe(0);
		expect(connection.isOver()).toBe(false);
		connection.close("reached");
		await connection.closed;
	} finally {
		await peer.close();
	}
}, 60_000);

test("a relay that comes back in time changes nothing", async () => {
	// More than enough time on any machine.
	await using hub = await watched({ lostMs: 60_000 });
	const rebinds = countRebinds(hub.endpoint);
	relay.admits = false;
	relay.drop();
	const before = hub.probes.failed;
	await hub.probes.until(({ failed }) => failed > before);
	relay.admits = true;
	const { reached: once } = hub.probes;
	await hub.probes.until(({ reached }) => reached > once);
	expect(rebinds.times).toBe(0);
	expect(hub.lost).toEqual([]);
	expect(hub.remotes, "a probe does not count as a peer").toEqual([]);
}, 60_000);

test("a hub that is stopped during a probe neither waits for it nor leaves its endpoint open", async () => {
	const hub = await watched({ probeMs: 60_000 });
	const { connect } = NativeEndpoint.prototype;
	const probing = Promise.withResolvers<void>();
	// The hub itself connects to nobody.
	NativeEndpoint.prototype.connect = function (this: typeof NativeEndpoint.prototype, ...args) {
		probing.resolve();
		return connect.apply(this, args);
	};
	try {
		relay.admits = false;
		relay.drop();
		await probing.promise;
	} finally {
		NativeEndpoint.prototype.connect = connect;
	}
	// A probe would take a minute.
	await hub[Symbol.asyncDispose]();
}, 20_000);

test("a stranger that connects with the probe's ALPN gets a handshake and nothing else, and the hub goes on", async () => {
	await using hub = await startHub([1], LOOPBACK);
	const { address, secret } = await parseTicket(hub.ticket);
	const stranger = await bindEndpoint({ ...LOOPBACK, alpn: "probe" });
	try {
		const connection = await stranger.connect(address);
		expect(await connection.closed).toBe("closed by the other side");
	} finally {
		await stranger.close();
	}
	await using peer = await startPeer(await formatTicket({ address, secret }), LOOPBACK);
	expect(peer.ports).toHaveLength(3);
});
