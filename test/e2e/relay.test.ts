// Relays, by one that misbehaves on command: joining where only a relay leads to the hub, and the hub that finds itself
// without one.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { bindEndpoint, type Endpoint, type EndpointOptions } from "../../src/endpoint.ts";
import type { EndpointAddr } from "../../src/iroh.ts";
import { watchRelay } from "../../src/relay.ts";
import { formatTicket, parseTicket } from "../../src/ticket.ts";
import { Puppet } from "../support/puppet.ts";
import { Relay } from "../support/relay.ts";
import { LOOPBACK, startHub, startPeer } from "../support/tunnel.ts";

let relay: Relay;
let by: EndpointOptions;

beforeEach(() => {
	relay = new Relay();
	by = { ...LOOPBACK, relays: [relay.url] };
});

afterEach(() => relay[Symbol.dispose]());

/** The same address, but nobody can go there directly. */
async function onlyByRelay(address: EndpointAddr): Promise<EndpointAddr> {
	const { EndpointAddr: Native } = await import("@number0/iroh");
	return new Native(address.id(), address.relayUrl(), []);
}

/** The next call of a relay's hook. */
function next(hook: "onProbe" | "onKnock"): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	relay[hook] = resolve;
	return promise;
}

test("a peer whose ticket names no address but a relay reaches the hub's service", async () => {
	await using puppet = new Puppet();
	const service = await puppet.listen();
	await using hub = await startHub([service.port], by);
	const { address, secret } = await parseTicket(hub.ticket);
	expect(address.relayUrl()).toStartWith(relay.url);
	await using peer = await startPeer(await formatTicket({ address: await onlyByRelay(address), secret }), by);
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

/** A hub's endpoint that is watched by a watch in a hurry, and what it is asked by peers. */
async function watched({ lookMs = 500 } = {}) {
	const endpoint = await bindEndpoint(by);
	expect(await endpoint.online()).toBe(true);
	const end = new AbortController();
	const looks = countLooks(endpoint);
	const restarts: string[] = [];
	const timing = { lostMs: 300, checkMs: 50, checkLostMs: 50, lookMs };
	const watching = watchRelay(endpoint, () => restarts.push("said"), end.signal, timing);
	const accepting = endpoint.accept({
		onConnection: () => {},
		onError: () => {},
		isKnown: () => false,
		stop: end.signal,
	});
	await looks.first;
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

/** How often the endpoint was looked at from outside, and the first time that it was. */
function countLooks(endpoint: Endpoint): { times: number; first: Promise<void> } {
	const first = Promise.withResolvers<void>();
	const count = { times: 0, first: first.promise };
	const look = endpoint.seenByRelay.bind(endpoint);
	endpoint.seenByRelay = async (timeoutMs, stop) => {
		const seen = await look(timeoutMs, stop);
		count.times++;
		first.resolve();
		return seen;
	};
	return count;
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
	const before = await hub.endpoint.ticket(undefined);
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
		expect(await hub.endpoint.ticket(undefined)).toBe(before);
		expect(await peer.online()).toBe(true);
		const connection = await peer.connect(await onlyByRelay(address));
		connection.close("seen");
		await connection.closed;
	} finally {
		await peer.close();
	}
}, 60_000);

test("a hub stays as it is while no relay answers anybody: its direct connections are all that it has", async () => {
	await using hub = await watched();
	const rebinds = countRebinds(hub.endpoint);
	relay.probeStatus = 503;
	relay.admits = false;
	relay.drop();
	// Looks of the watch: iroh itself asks only from time to time.
	for (let i = 0; i < 4; i++) await next("onProbe");
	expect(rebinds.times).toBe(0);
	relay.probeStatus = 200;
	await rebinds.first;
}, 60_000);

test("a relay that lets the hub in but nobody who looks is not lost, and no direct connection ends for it", async () => {
	relay.admitsOnly = 1;
	await using hub = await watched();
	const rebinds = countRebinds(hub.endpoint);
	const peer = await bindEndpoint(LOOPBACK);
	try {
		const { address } = await parseTicket(await hub.endpoint.ticket(undefined));
		const connection = await peer.connect(address);
		const before = hub.looks.times;
		while (hub.looks.times < before + 3) await next("onKnock");
		expect(rebinds.times).toBe(0);
		connection.close("seen");
	} finally {
		await peer.close();
	}
}, 60_000);

test("a relay that comes back in time is taken as if nothing had happened", async () => {
	await using hub = await watched();
	const rebinds = countRebinds(hub.endpoint);
	relay.drop();
	await next("onKnock");
	expect(await hub.endpoint.online()).toBe(true);
	expect(await hub.endpoint.seenByRelay(10_000, new AbortController().signal)).toBe(true);
	expect(rebinds.times).toBe(0);
}, 60_000);

test("a hub that is stopped in the middle of a look neither waits for it nor leaves its endpoint open", async () => {
	const hub = await watched({ lookMs: 60_000 });
	relay.admits = false;
	relay.drop();
	const { Endpoint: Native } = await import("@number0/iroh");
	const { connect } = Native.prototype;
	const looking = Promise.withResolvers<void>();
	// The hub itself connects to nobody.
	Native.prototype.connect = function (this: typeof Native.prototype, ...args: Parameters<typeof connect>) {
		looking.resolve();
		return connect.apply(this, args);
	};
	try {
		await looking.promise;
	} finally {
		Native.prototype.connect = connect;
	}
	// No answer for a minute.
	await hub[Symbol.asyncDispose]();
}, 20_000);
