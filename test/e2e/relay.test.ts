// Relays, by one that misbehaves on command: joining where only a relay leads to the hub, and the hub that finds itself
// without one.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { watchRelay } from "../../src/hub/relay-watchdog.ts";
import { formatTicket, parseTicket } from "../../src/invite/ticket.ts";
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

/** The same address, but nobody can go there directly. */
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

/**
 * A hub's endpoint that is watched by a watch in a hurry, once a look has seen it: a slow machine may need a few. The
 * next look is not under way yet, so what the relay does from now on comes between two of them.
 */
async function watched({ lostMs = 300, lookMs = 500, everSeen = true } = {}) {
	const endpoint = await bindEndpoint(by);
	expect(await endpoint.online()).toBe(true);
	const end = new AbortController();
	const looks = countLooks(endpoint);
	const restarts: string[] = [];
	const timing = { lostMs, checkMs: 50, checkLostMs: 50, lookMs };
	const watching = watchRelay(endpoint, () => restarts.push("said"), end.signal, timing);
	const accepting = endpoint.accept({
		onConnection: () => {},
		onError: () => {},
		isKnown: () => false,
		stop: end.signal,
	});
	await looks.until(({ seen }) => seen > 0 || !everSeen);
	return {
		endpoint,
		accepting,
		looks,
		restarts,
		async [Symbol.asyncDispose]() {
			end.abort();
			await watching;
			await endpoint.close();
			await accepting;
		},
	};
}

interface Looks {
	/** How many saw the endpoint, and how many did not. */
	seen: number;
	failed: number;
	/** Resolves after the first look, of those yet to come, with which it is `enough`. */
	until(enough: (looks: Looks) => boolean): Promise<void>;
}

/** Counts how often the endpoint is looked at from outside. */
function countLooks(endpoint: Endpoint): Looks {
	let looked = Promise.withResolvers<void>();
	const looks: Looks = {
		seen: 0,
		failed: 0,
		async until(enough) {
			do await looked.promise;
			while (!enough(looks));
		},
	};
	const look = endpoint.seenByRelay.bind(endpoint);
	endpoint.seenByRelay = async (timeoutMs, stop) => {
		const seen = await look(timeoutMs, stop);
		if (seen) looks.seen++;
		else looks.failed++;
		looked.resolve();
		looked = Promise.withResolvers<void>();
		return seen;
	};
	return looks;
}

/** How often the endpoint was bound again, from now on. */
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

test("a hub that a working relay no longer lets in starts its network part again, and is found by the old ticket", async () => {
	await using hub = await watched();
	const rebinds = countRebinds(hub.endpoint);
	const before = await formatTicket({ address: hub.endpoint.address(), secret: undefined });
	const peer = await bindEndpoint(by);
	try {
		const { address } = await parseTicket(before);
		// A connection must not keep the old sockets.
		const old = await peer.connect(address);
		relay.admits = false;
		relay.drop();
		await rebinds.first;
		expect(hub.restarts).toEqual(["said"]);
		await old.closed;
		relay.admits = true;
		expect(await hub.endpoint.online()).toBe(true);
		// The same id, relay and ports.
		expect(await formatTicket({ address: hub.endpoint.address(), secret: undefined })).toBe(before);
		expect(await peer.online()).toBe(true);
		const connection = await peer.connect(onlyByRelay(address));
		connection.close("seen");
		await connection.closed;
	} finally {
		await peer.close();
	}
}, 60_000);

test("a hub stays as it is while no relay answers anybody: its direct connections are all that it has", async () => {
	// If a relay answered, it would take one look.
	await using hub = await watched({ lostMs: 0 });
	const rebinds = countRebinds(hub.endpoint);
	relay.probeStatus = 503;
	relay.admits = false;
	relay.drop();
	await hub.looks.until(({ failed }) => failed >= 4);
	expect(rebinds.times).toBe(0);
	relay.probeStatus = 200;
	await rebinds.first;
}, 60_000);

test("a relay that lets the hub in but nobody who looks is not lost, and no direct connection ends for it", async () => {
	relay.admitsOnly = 1;
	await using hub = await watched({ lostMs: 0, everSeen: false });
	const rebinds = countRebinds(hub.endpoint);
	const peer = await bindEndpoint(LOOPBACK);
	try {
		const { address } = await parseTicket(await formatTicket({ address: hub.endpoint.address(), secret: undefined }));
		const connection = await peer.connect(address);
		const { failed: before } = hub.looks;
		await hub.looks.until(({ failed }) => failed >= before + 3);
		expect(hub.looks.seen, "it was never seen").toBe(0);
		expect(rebinds.times).toBe(0);
		expect(connection.isOver()).toBe(false);
		connection.close("seen");
		await connection.closed;
	} finally {
		await peer.close();
	}
}, 60_000);

test("a relay that comes back in time is taken as if nothing had happened", async () => {
	// Time enough on any machine.
	await using hub = await watched({ lostMs: 60_000 });
	const rebinds = countRebinds(hub.endpoint);
	relay.admits = false;
	relay.drop();
	const before = hub.looks.failed;
	await hub.looks.until(({ failed }) => failed > before);
	relay.admits = true;
	const { seen: once } = hub.looks;
	await hub.looks.until(({ seen }) => seen > once);
	expect(rebinds.times).toBe(0);
	expect(hub.restarts).toEqual([]);
}, 60_000);

test("a hub that is stopped in the middle of a look neither waits for it nor leaves its endpoint open", async () => {
	const hub = await watched({ lookMs: 60_000 });
	const { connect } = NativeEndpoint.prototype;
	const looking = Promise.withResolvers<void>();
	// The hub itself connects to nobody.
	NativeEndpoint.prototype.connect = function (this: typeof NativeEndpoint.prototype, ...args) {
		looking.resolve();
		return connect.apply(this, args);
	};
	try {
		relay.admits = false;
		relay.drop();
		await looking.promise;
	} finally {
		NativeEndpoint.prototype.connect = connect;
	}
	// No answer for a minute.
	await hub[Symbol.asyncDispose]();
}, 20_000);
