// A peer whose hub shares services of any name and number, and is restarted with others: over real iroh on loopback, in
// this process, with real TCP clients.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { PeerEvent } from "../../src/peer/events.ts";
import type { PortChoices } from "../../src/peer/port-choices.ts";
import { runPeer } from "../../src/peer/run-peer.ts";
import { NAME_MAX, SERVICES_MAX } from "../../src/protocol/limits.ts";
import { NamedHub, type Shared } from "../support/named-hub.ts";
import { bound, NO_CHOICES } from "../support/port-choices.ts";
import { withoutProbes } from "../support/probes.ts";
import { LOOPBACK } from "../support/tunnel.ts";

/** What runs, to be stopped in the opposite order. */
let running: (() => unknown)[];

beforeEach(() => {
	running = [];
});
afterEach(async () => {
	for (const stop of running.reverse()) await stop();
});

/** A service that says its name to everybody who connects, and keeps the connection; its port. */
function saying(name: string): number {
	const service = Bun.listen({
		hostname: "127.0.0.1",
		port: 0,
		socket: { open: (socket) => void socket.write(name), data() {} },
	});
	running.push(() => service.stop(true));
	return service.port;
}

async function share(services: Shared): Promise<NamedHub> {
	const hub = await NamedHub.start(services);
	running.push(() => hub.stop());
	return hub;
}

/** Services of a peer are at free ports, unless the test says otherwise: those of the hub are taken by the services. */
const anywhere = (...names: string[]) => bound(Object.fromEntries(names.map((name) => [name, FREE])));
const FREE = { host: "localhost", port: 0 };

class Peer {
	readonly events: PeerEvent[] = [];
	readonly #end = new AbortController();
	#changed = Promise.withResolvers<void>();

	constructor(hub: NamedHub, ports: PortChoices) {
		const options = { name: "me", invitation: { ticket: hub.ticket }, ports, endpoint: LOOPBACK };
		const done = runPeer(options, (event) => this.#take(event), this.#end.signal);
		running.push(() => {
			this.#end.abort();
			return done;
		});
	}

	#take(event: PeerEvent): void {
		this.events.push(event);
		this.#changed.resolve();
		this.#changed = Promise.withResolvers();
	}

	of<T extends PeerEvent["type"]>(type: T): Extract<PeerEvent, { type: T }>[] {
		return this.events.filter((event): event is Extract<PeerEvent, { type: T }> => event.type === type);
	}

	/** The event of a type with this number, counted from 0, which may have happened already. */
	async next<T extends PeerEvent["type"]>(type: T, number = 0): Promise<Extract<PeerEvent, { type: T }>> {
		for (;;) {
			const found = this.of(type)[number];
			if (found) return found;
			await this.#changed.promise;
		}
	}

	/** The local ports of its services, by name, as it was ready. */
	async ports(): Promise<Record<string, number>> {
		const { services } = await this.next("ready");
		return Object.fromEntries(services.map(({ name, local }) => [name, local.port]));
	}
}

/** What is said to a client at this port first; "reset" or "refused" when nothing is. */
function hear(port: number | undefined, host = "127.0.0.1", onOpen = () => {}): Promise<string> {
	const heard = Promise.withResolvers<string>();
	void Bun.connect({
		hostname: host,
		port: port ?? 1,
		socket: {
			open: onOpen,
			data(socket, bytes) {
				heard.resolve(bytes.toString());
				socket.terminate();
			},
			close: () => heard.resolve("reset"),
			connectError: () => heard.resolve("refused"),
		},
	}).catch(() => {});
	return heard.promise;
}

test("five services, of which two have the original names: each is its own, on both loopback addresses", async () => {
	const names = ["db", "frontend", "mail", "backend", "api"];
	const hub = await share(Object.fromEntries(names.map((name) => [name, saying(name)])));
	const peer = new Peer(hub, anywhere(...names));
	const ports = await peer.ports();
	expect(Object.keys(ports)).toEqual(names);
	for (const name of names) for (const host of ["127.0.0.1", "::1"]) expect(await hear(ports[name], host)).toBe(name);
	expect(await peer.next("ready")).toMatchObject({ name: "me", hub: "my-hub" });
});

test("as many services as a hub may have, with the longest names and addresses, fit into its welcome", async () => {
	using _ = withoutProbes();
	// A peer is told the first 200 characters of an address.
	const host = Array.from({ length: 4 }, () => "x".repeat(62)).join(".");
	const names = Array.from({ length: SERVICES_MAX }, (_, i) => `s${i}-`.padEnd(NAME_MAX, "y"));
	const hub = await share(Object.fromEntries(names.map((name, i) => [name, { host, port: 10_000 + i }])));
	const peer = new Peer(hub, anywhere(...names));
	expect(Object.keys(await peer.ports())).toEqual(names);
});

test("a service of another machine is at its own port number here", async () => {
	const elsewhere = Bun.listen({
		hostname: "127.0.0.9",
		port: 0,
		socket: { open: (socket) => void socket.end("db"), data() {} },
	});
	running.push(() => elsewhere.stop(true));
	const peer = new Peer(await share({ db: { host: "127.0.0.9", port: elsewhere.port } }), NO_CHOICES);
	expect(await peer.ports()).toEqual({ db: elsewhere.port });
	expect(await hear(elsewhere.port)).toBe("db");
	expect(await hear(elsewhere.port, "::1")).toBe("db");
});

test("a hub on the same machine: each service has its own port there, so the peer takes the next one and says who has it", async () => {
	const db = saying("db");
	const peer = new Peer(await share({ db }), NO_CHOICES);
	const ports = await peer.ports();
	expect(peer.of("port_replaced")).toMatchObject([
		{ service: "db", wanted: { port: db }, local: { port: ports.db }, why: "busy" },
	]);
	expect(await hear(ports.db)).toBe("db");
});

test("a hub that is restarted in another order: port ids change, and every name leads where it led", async () => {
	const [web, api, db] = ["web", "api", "db"].map(saying) as [number, number, number];
	const hub = await share({ web, api, db });
	const peer = new Peer(hub, anywhere("web", "api", "db"));
	const ports = await peer.ports();
	await hub.restart({ db, web, api });
	await peer.next("reconnected");
	for (const name of ["web", "api", "db"]) expect(await hear(ports[name])).toBe(name);
	expect(peer.of("service_added")).toEqual([]);
	expect(peer.of("service_removed")).toEqual([]);
});

test("a hub that is restarted with other services: ports are opened and closed, and a hub on this machine knows them", async () => {
	const [web, api, db] = ["web", "api", "db"].map(saying) as [number, number, number];
	const hub = await share({ web, db });
	const peer = new Peer(hub, anywhere("web", "db"));
	const ports = await peer.ports();
	await hub.restart({ api, web });
	const { service } = await peer.next("service_added");
	expect(service.name).toBe("api");
	expect(peer.of("service_removed")).toMatchObject([{ service: "db", local: { port: ports.db } }]);
	expect(await hear(service.local.port)).toBe("api");
	expect(await hear(ports.web)).toBe("web");
	expect(await hear(ports.db)).toBe("refused");
	await hub.restart({ web, api, db });
	const again = (await peer.next("service_added", 1)).service;
	expect(again.name).toBe("db");
	expect(await hear(again.local.port)).toBe("db");
});

test("a connection that waits for a lost hub gets its service, or is reset when the hub comes back without it", async () => {
	const [web, db] = ["web", "db"].map(saying) as [number, number];
	const hub = await share({ web, db });
	const peer = new Peer(hub, anywhere("web", "db"));
	const ports = await peer.ports();
	await hub.stop();
	await peer.next("lost");
	const open = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	const heard = [ports.web, ports.db].map((port, i) => hear(port, "127.0.0.1", open[i]?.resolve));
	await Promise.all(open.map(({ promise }) => promise));
	await hub.start({ web });
	expect(await Promise.all(heard)).toEqual(["web", "reset"]);
	expect(peer.of("connection_failed")).toMatchObject([{ service: "db", why: "not_shared" }]);
});

test("a hub and a peer on one machine, and a service that is not running: the port that was opened for it is no loop", async () => {
	// Nobody listens there, so the peer opens that very port.
	const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	const port = probe.port;
	probe.stop(true);
	const hub = await share({ db: port });
	const peer = new Peer(hub, NO_CHOICES);
	expect(await peer.ports()).toEqual({ db: port });
	for (let i = 0; i < 5; i++) expect(await hear(port)).toBe("reset");
	expect(hub.events.filter(({ type }) => type === "loop").length).toBeGreaterThan(0);
	expect(peer.of("refused").length).toBeLessThanOrEqual(5);
});

test("--only brings a part, and says nothing of the rest", async () => {
	const hub = await share({ web: 1, api: saying("api"), db: 1 });
	const peer = new Peer(hub, { ...anywhere("api"), only: new Set(["api"]) });
	const ports = await peer.ports();
	expect(Object.keys(ports)).toEqual(["api"]);
	expect(await hear(ports.api)).toBe("api");
	expect(peer.of("service")).toEqual([]);
});
