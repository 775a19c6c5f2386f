// A peer's local ports, with real TCP clients and an uplink whose streams lead straight to a local service. Whatever
// happens to one connection must not affect the others.
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import { newTraffic } from "../../../src/forward/bridge.ts";
import { Descriptors } from "../../../src/forward/descriptors.ts";
import { Aborted } from "../../../src/forward/duplex.ts";
import { dial } from "../../../src/forward/tcp.ts";
import { Transfers } from "../../../src/forward/transfers.ts";
import type { PeerEvent } from "../../../src/peer/events.ts";
import { Listeners } from "../../../src/peer/listeners.ts";
import type { Uplink } from "../../../src/peer/uplink.ts";
import { ORIGINAL_SERVICES, type OriginalService } from "../../../src/protocol/services.ts";
import { SWEEP_MS } from "../../../src/transport/limits.ts";
import type { QuicStream } from "../../../src/transport/stream.ts";
import { Clock } from "../../support/far-hub.ts";
import { Puppet, type PuppetSocket } from "../../support/puppet.ts";
import { FREE } from "../../support/tunnel.ts";

const FRONTEND = ORIGINAL_SERVICES[0] as OriginalService;

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

/** Listeners in front of an echo service. `open` runs before each stream is opened, and may fail instead. */
class World implements AsyncDisposable {
	readonly puppet = new Puppet();
	readonly listeners = new Listeners((event) => events.push(event));
	readonly streams: QuicStream[] = [];
	open: () => Promise<void> = async () => {};
	/** Replaces the next stream's read(). */
	read: (() => Promise<never>) | undefined;
	#service = Bun.listen({
		hostname: FREE.host,
		port: 0,
		socket: { data: (socket, bytes) => void socket.write(bytes) },
	});
	readonly local = this.listeners.listen(FRONTEND, FREE);

	constructor() {
		const openStream = async () => {
			await this.open();
			const duplex = await dial({ host: FREE.host, port: this.#service.port }, 1000);
			const stream = Object.assign(duplex, { accepted: true, refused: false, lost: false }) as unknown as QuicStream;
			if (this.read) stream.read = this.read;
			this.streams.push(stream);
			return stream;
		};
		this.listeners.connect({ openStream } as unknown as Uplink);
	}

	client = (): Promise<PuppetSocket> => this.puppet.connect(this.local.port);

	/** Whether what the client sends is echoed. */
	async works(client: PuppetSocket): Promise<boolean> {
		const { received } = await client.state();
		await client.write("hello");
		return (await client.received(received + 5)).received === received + 5;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.listeners.close();
		this.listeners.abortAll();
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
			({ listeners }: World, broken: () => Promise<never>) => {
				spyOn(listeners.status, "refused").mockImplementationOnce(broken);
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
	const local = `127.0.0.1:${world.local.port}`;
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

test("a service of localhost has two addresses, which are both told, and both closed", async () => {
	await using world = new World();
	const { port } = world.listeners.listen(ORIGINAL_SERVICES[1] as OriginalService, { host: "localhost", port: 0 });
	expect(world.listeners.addresses()).toEqual([world.local, { host: "127.0.0.1", port }, { host: "::1", port }]);
	for (const host of ["127.0.0.1", "::1"])
		expect(await world.works(await world.puppet.connect(port, { host }))).toBe(true);
	world.listeners.close();
	for (const host of ["127.0.0.1", "::1"])
		await expect(world.puppet.connect(port, { host })).rejects.toThrow("ECONNREFUSED");
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
	const listeners = new Listeners((event) => events.push(event));
	spyOn(Transfers.prototype, "sweep").mockReturnValueOnce(0).mockReturnValueOnce(2);
	try {
		await clock.pass(SWEEP_MS);
		expect(events).toEqual([]);
		await clock.pass(SWEEP_MS);
		expect(events).toEqual([{ type: "idle_reset", connections: 2 }]);
	} finally {
		listeners.close();
		expect(clock.intervals).toBe(0);
		clock.restore();
	}
});
