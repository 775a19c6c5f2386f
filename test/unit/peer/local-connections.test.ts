// The connections to a peer's local ports, with real TCP clients and an uplink whose streams lead straight to a local
// service. Whatever happens to one connection must not affect the others.
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import { newTraffic } from "../../../src/forward/bridge.ts";
import { Descriptors } from "../../../src/forward/descriptors.ts";
import { Aborted } from "../../../src/forward/duplex.ts";
import { dial } from "../../../src/forward/tcp.ts";
import { Transfers } from "../../../src/forward/transfers.ts";
import type { PeerEvent } from "../../../src/peer/events.ts";
import { NotShared } from "../../../src/peer/failed-connections.ts";
import { LocalConnections } from "../../../src/peer/local-connections.ts";
import { openPort } from "../../../src/peer/local-port.ts";
import type { OpenPort } from "../../../src/peer/port-choices.ts";
import type { Uplink } from "../../../src/peer/uplink.ts";
import { SWEEP_MS } from "../../../src/transport/limits.ts";
import type { QuicStream } from "../../../src/transport/stream.ts";
import { Clock } from "../../support/far-hub.ts";
import { Puppet, type PuppetSocket } from "../../support/puppet.ts";
import { FREE } from "../../support/tunnel.ts";

let events: PeerEvent[];
let unhandled: unknown[];
const note = (error: unknown) => void unhandled.push(error);

beforeEach(() => {
	events = [];
	unhandled = [];
	process.on("unhandledRejection", note);
});

afterEach(() => {
	mock.restore();
	process.off("unhandledRejection", note);
	expect(unhandled).toEqual([]);
});

/** A local port in front of an echo service. `open` runs before each stream is opened, and may fail instead. */
class World implements AsyncDisposable {
	readonly puppet = new Puppet();
	readonly connections = new LocalConnections((event) => events.push(event));
	/** The service that each stream was opened for. */
	readonly services: string[] = [];
	readonly streams: QuicStream[] = [];
	open: () => Promise<void> = async () => {};
	/** Replaces the next stream's read(). */
	read: (() => Promise<never>) | undefined;
	#service = Bun.listen({
		hostname: FREE.host,
		port: 0,
		socket: { data: (socket, bytes) => void socket.write(bytes) },
	});
	readonly #opened = openPort(FREE, (socket) => this.connections.take(this.port, socket));
	readonly port: OpenPort = { service: "frontend", early: false, address: this.#opened.address };

	constructor(connected = true) {
		if (connected) this.connect();
	}

	/** The hub is reached. */
	connect(): void {
		const openStream = async (service: string) => {
			this.services.push(service);
			await this.open();
			const duplex = await dial({ host: FREE.host, port: this.#service.port }, 1000);
			const stream = Object.assign(duplex, { accepted: true, refused: false, lost: false }) as unknown as QuicStream;
			if (this.read) stream.read = this.read;
			this.streams.push(stream);
			return stream;
		};
		this.connections.connect({ openStream } as unknown as Uplink);
	}

	client = (): Promise<PuppetSocket> => this.puppet.connect(this.port.address.port);

	/** Whether what the client sends is echoed. */
	async works(client: PuppetSocket): Promise<boolean> {
		const { received } = await client.state();
		await client.write("hello");
		return (await client.received(received + 5)).received === received + 5;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const listener of this.#opened.listeners) listener.stop();
		this.connections.close();
		this.connections.abortAll();
		this.#service.stop(true);
		await this.puppet[Symbol.asyncDispose]();
	}
}

describe("an unexpected exception ends its connection and no other, and is reported as a bug", () => {
	const bug = new TypeError("undefined is not a function");

	for (const [when, breaks] of [
		[
			"while a stream is opened",
			(world: World, broken: () => Promise<never>) => {
				world.open = () => {
					world.open = async () => {};
					return broken();
				};
			},
		],
		[
			"while it is bridged",
			(_: World, broken: () => Promise<never>) => void spyOn(Transfers.prototype, "run").mockImplementationOnce(broken),
		],
		[
			"while its bytes are read",
			(world: World, broken: () => Promise<never>) => {
				world.read = () => {
					world.read = undefined;
					return broken();
				};
			},
		],
		[
			"while a refusal is explained",
			({ connections }: World, broken: () => Promise<never>) => {
				spyOn(connections.status, "refused").mockImplementationOnce(broken);
				spyOn(Transfers.prototype, "run").mockImplementationOnce(async (_, stream) => {
					stream.abort();
					Object.assign(stream, { answer: "refused" });
					return { traffic: newTraffic(), error: undefined };
				});
			},
		],
	] as const) {
		test(when, async () => {
			await using world = new World();
			const beside = await world.client();
			expect(await world.works(beside)).toBe(true);
			const connected = Promise.withResolvers<void>();
			breaks(world, () => connected.promise.then(() => Promise.reject(bug)));
			const broken = await world.client();
			connected.resolve();
			expect(await broken.closed()).toMatchObject({ error: "ECONNRESET", ended: false });
			expect(events).toEqual([{ type: "bug", where: "a connection to the frontend", error: bug }]);
			// Its stream would otherwise be held forever.
			for (const stream of world.streams.slice(1)) expect(await stream.closed).toBeInstanceOf(Aborted);
			expect(await world.works(beside)).toBe(true);
			expect(await world.works(await world.client())).toBe(true);
		});
	}
});

test("a connection that gets no stream is reset and reported with the reason, not as a bug", async () => {
	await using world = new World();
	const connected = Promise.withResolvers<void>();
	const reason = "all streams to the hub are busy";
	world.open = () => connected.promise.then(() => Promise.reject(new Aborted(reason)));
	const client = await world.client();
	connected.resolve();
	expect(await client.closed()).toMatchObject({ error: "ECONNRESET", ended: false });
	const local = `127.0.0.1:${world.port.address.port}`;
	expect(events).toEqual([{ type: "connection_failed", service: "frontend", local, why: "no_stream", reason }]);
});

test("a connection that ends by itself is reported with its byte counts", async () => {
	await using world = new World();
	const client = await world.client();
	expect(await world.works(client)).toBe(true);
	await client.reset();
	while (events.length === 0) await Bun.sleep(1);
	expect(events).toEqual([
		{ type: "connection_ended", service: "frontend", sent: 5, received: 5, error: expect.any(Error) },
	]);
});

test("a connection is for the service that its port has when the hub is reached, not for the one it had before", async () => {
	await using world = new World(false);
	const client = await world.client();
	await client.write("hello");
	world.port.service = "web";
	world.connect();
	expect((await client.received(5)).received).toBe(5);
	expect(world.services).toEqual(["web"]);
});

test("a connection to a service that the hub no longer has is reset, and reported as that", async () => {
	await using world = new World();
	world.open = () => Promise.reject(new NotShared());
	// Node may learn of the reset before it tells of the connection.
	const reset = world.client().then(async (client) => (await client.closed()).error);
	expect(await reset.catch((error: Error) => error.message)).toBe("ECONNRESET");
	const reason = "the hub does not share it";
	expect(events).toEqual([expect.objectContaining({ type: "connection_failed", why: "not_shared", reason })]);
});

test("descriptors run out: a connection is reset before it gets a stream, and the others go on", async () => {
	await using world = new World();
	const before = await world.client();
	expect(await world.works(before)).toBe(true);
	spyOn(Descriptors.prototype, "take").mockReturnValueOnce(false);
	// Node may learn of the reset before it tells of the connection.
	const reset = world.client().then(async (client) => (await client.closed()).error);
	expect(await reset.catch((error: Error) => error.message)).toBe("ECONNRESET");
	expect(world.streams).toHaveLength(1);
	expect(events).toEqual([]);
	expect(await world.works(before)).toBe(true);
	expect(await world.works(await world.client())).toBe(true);
});

test("half-closed connections that were reset for being idle are reported, if there were any", async () => {
	const clock = new Clock();
	const connections = new LocalConnections((event) => events.push(event));
	spyOn(Transfers.prototype, "sweep").mockReturnValueOnce(0).mockReturnValueOnce(2);
	try {
		await clock.pass(SWEEP_MS);
		expect(events).toEqual([]);
		await clock.pass(SWEEP_MS);
		expect(events).toEqual([{ type: "idle_reset", connections: 2 }]);
	} finally {
		connections.close();
		expect(clock.intervals).toBe(0);
		clock.restore();
	}
});
