// What the services behind a hub see of it: a real hub and peer over iroh on loopback, and real servers of other
// programs. Nothing that the hub does by itself may disturb them; no arrangement of hubs and peers may run in circles.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import type { Address } from "../../src/base/address.ts";
import { Backoff } from "../../src/base/backoff.ts";
import * as owners from "../../src/base/port-owner.ts";
import { teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { UNANSWERED_MAX } from "../../src/hub/limits.ts";
import * as looks from "../../src/hub/look.ts";
import { runHub } from "../../src/hub/run-hub.ts";
import { newSecret } from "../../src/invite/secret.ts";
import type { PeerEvent } from "../../src/peer/events.ts";
import { runPeer } from "../../src/peer/run-peer.ts";
import { originalsAt } from "../support/port-choices.ts";
import { originalServices } from "../support/shared-services.ts";
import { LOOPBACK } from "../support/tunnel.ts";

const linux = process.platform === "linux";
const at = (port: number, host = "127.0.0.1"): Address => ({ host, port });

/** What runs, to be stopped in the opposite order. */
let running: (() => unknown)[];
let looking: Mock<typeof looks.look>;
let pauses: Mock<Backoff["next"]>;

beforeEach(() => {
	running = [];
	looking = spyOn(looks, "look");
	// Looks follow each other at once.
	pauses = spyOn(Backoff.prototype, "next").mockReturnValue(1);
});
afterEach(async () => {
	for (const stop of running.reverse()) await stop();
	for (const mock of [looking, pauses]) mock.mockRestore();
});

/** Events of a hub or a peer, and what waits for one of them. */
class Events<E extends { type: string }> {
	readonly all: E[] = [];
	#waiting = new Set<() => void>();

	emit = (event: E): void => {
		this.all.push(event);
		for (const look of [...this.#waiting]) look();
	};

	of<T extends E["type"]>(type: T): Extract<E, { type: T }>[] {
		return this.all.filter((event): event is Extract<E, { type: T }> => event.type === type);
	}

	/** The first event of a type, which may have happened already. */
	next<T extends E["type"]>(type: T): Promise<Extract<E, { type: T }>> {
		return new Promise((resolve) => {
			const look = () => {
				const [found] = this.of(type);
				if (!found) return;
				this.#waiting.delete(look);
				resolve(found);
			};
			this.#waiting.add(look);
			look();
		});
	}
}

interface RunningHub {
	ticket: string;
	events: Events<HubEvent>;
}

async function share(...addresses: Address[]): Promise<RunningHub> {
	const end = new AbortController();
	const events = new Events<HubEvent>();
	const services = originalServices(...addresses);
	const options = { name: "hub", services, endpoint: LOOPBACK, policy: teamPolicy(newSecret()) };
	const done = runHub(options, events.emit, end.signal);
	running.push(() => {
		end.abort();
		return done;
	});
	return { ticket: (await events.next("ready")).ticket, events };
}

async function join({ ticket }: RunningHub, ...addresses: Address[]): Promise<{ ports: number[] }> {
	const end = new AbortController();
	const events = new Events<PeerEvent>();
	const ports = originalsAt(...addresses);
	const options = { name: "x", invitation: { ticket }, ports, endpoint: LOOPBACK, reconnect: false };
	const done = runPeer(options, events.emit, end.signal);
	done.catch(() => {});
	running.push(() => {
		end.abort();
		return done.catch(() => {});
	});
	const ready = await Promise.race([events.next("ready"), done]);
	return { ports: ready ? ready.services.map(({ local }) => local.port) : [] };
}

/** Resolves when services were looked at so many times. */
async function rounds(count: number): Promise<void> {
	const before = looking.mock.calls.length;
	while (looking.mock.calls.length < before + count) await Bun.sleep(1);
}

/** A port on which nobody listens. */
function free(): number {
	const listener = Bun.listen({ hostname: "::", port: 0, socket: { data() {} } });
	listener.stop();
	return listener.port;
}

/** Another program, and what it has printed on both streams. */
class Program {
	output = "";
	readonly exited: Promise<number>;
	#changed = Promise.withResolvers<void>();

	constructor(...command: string[]) {
		const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
		this.exited = child.exited;
		for (const stream of [child.stdout, child.stderr]) void this.#read(stream);
		running.push(() => {
			child.kill("SIGKILL");
			return child.exited;
		});
	}

	async until(words: RegExp): Promise<RegExpExecArray> {
		for (;;) {
			const found = words.exec(this.output);
			if (found) return found;
			await this.#changed.promise;
		}
	}

	async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
		for await (const bytes of stream) {
			this.output += Buffer.from(bytes).toString();
			this.#changed.resolve();
			this.#changed = Promise.withResolvers();
		}
	}
}

/** Sends a word and waits for the same word; "reset" when the connection ends before. */
function echo(port: number, host = "127.0.0.1"): Promise<string> {
	const said = Promise.withResolvers<string>();
	void Bun.connect({
		hostname: host,
		port,
		socket: {
			open: (socket) => void socket.write("ping"),
			data(socket, bytes) {
				said.resolve(bytes.toString());
				socket.end();
			},
			close: () => said.resolve("reset"),
			connectError: () => said.resolve("refused"),
		},
	}).catch(() => {});
	return said.promise;
}

/** Dies of a reset, as many a server in the making does. */
const NODE_ECHO = `
const server = require("node:net").createServer((socket) => {
	console.log("connection");
	socket.pipe(socket);
});
server.listen(Number(process.argv[1]), "127.0.0.1", () => console.log("port " + server.address().port));
`;

async function nodeEcho(port = 0): Promise<{ port: number; program: Program; connections(): number }> {
	const program = new Program("node", "-e", NODE_ECHO, String(port));
	const [, given] = await program.until(/port (\d+)/);
	return { port: Number(given), program, connections: () => program.output.split("connection").length - 1 };
}

describe("a Node server without an error handler", () => {
	test.skipIf(!linux)("survives the hub's looks, and sees no connection that nobody asked for", async () => {
		const { port, program, connections } = await nodeEcho();
		const peer = await join(await share(at(port), at(free()), at(free())));
		await rounds(20);
		expect(connections()).toBe(0);
		expect(await echo(peer.ports[0] as number)).toBe("ping");
		await rounds(20);
		expect(connections()).toBe(1);
		expect(program.output).not.toContain("ECONNRESET");
	});

	test.skipIf(!linux)("that is started later is known to run, and sees nothing of that either", async () => {
		const port = free();
		const hub = await share(at(port), at(port), at(port));
		await join(hub);
		await rounds(20);
		const { connections } = await nodeEcho(port);
		// Each of the three is looked at until it is known to be up.
		do {
			looking.mockClear();
			await Bun.sleep(100);
		} while (looking.mock.calls.length > 0);
		expect(connections()).toBe(0);
	});

	test("survives also where the system does not tell who listens: it sees one connection, which ends with a FIN", async () => {
		using _ = spyOn(owners, "listeningOn").mockResolvedValue(undefined);
		const { port, program, connections } = await nodeEcho();
		const peer = await join(await share(at(port), at(free()), at(free())));
		await rounds(20);
		expect(await echo(peer.ports[0] as number)).toBe("ping");
		await rounds(20);
		expect(connections()).toBe(2);
		expect(program.output).not.toContain("ECONNRESET");
		expect(await echo(port)).toBe("ping");
	});
});

test("python's http.server prints neither a traceback nor a request that nobody made", async () => {
	using _ = spyOn(owners, "listeningOn").mockResolvedValue(undefined);
	const program = new Program("python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0");
	const [, port] = await program.until(/port (\d+).*\n/);
	const before = program.output;
	const peer = await join(await share(at(Number(port)), at(free()), at(free())));
	await rounds(20);
	expect(program.output).toBe(before);
	await fetch(`http://127.0.0.1:${peer.ports[0]}/`, { headers: { connection: "close" } }).then((it) => it.text());
	await program.until(/200 -\n/);
	expect(program.output.slice(before.length)).toMatch(/^127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1" 200 -\n$/);
});

test("a service on [::] that was shared as localhost sees one connection for each, not two", async () => {
	let connections = 0;
	const service = Bun.listen({
		hostname: "::",
		port: 0,
		socket: { open: () => void connections++, data: (socket, bytes) => void socket.write(bytes) },
	});
	running.push(() => service.stop(true));
	const peer = await join(await share(at(service.port, "localhost"), at(free()), at(free())));
	for (let i = 0; i < 5; i++) expect(await echo(peer.ports[0] as number)).toBe("ping");
	expect(connections).toBe(5);
});

test("a service on [::1] only is reached through 127.0.0.1, and the hub says once which address it uses", async () => {
	const service = Bun.listen({
		hostname: "::1",
		port: 0,
		socket: { data: (socket, bytes) => void socket.write(bytes) },
	});
	running.push(() => service.stop(true));
	const hub = await share(at(service.port), at(free()), at(free()));
	const peer = await join(hub);
	for (let i = 0; i < 3; i++) expect(await echo(peer.ports[0] as number)).toBe("ping");
	expect(hub.events.of("service_address")).toEqual([
		{
			type: "service_address",
			service: "frontend",
			stated: `127.0.0.1:${service.port}`,
			used: `[::1]:${service.port}`,
		},
	]);
});

test.skipIf(!linux)(
	"a service that listens at another address of this machine is told of, beside that it is not running",
	async () => {
		const service = Bun.listen({ hostname: "127.0.0.9", port: 0, socket: { data() {} } });
		running.push(() => service.stop(true));
		const hub = await share(at(service.port), at(free()), at(free()));
		const peer = await join(hub);
		expect(await echo(peer.ports[0] as number)).toBe("reset");
		expect(await hub.events.next("service_unreachable")).toMatchObject({
			kind: "refused",
			elsewhere: { address: at(service.port, "127.0.0.9"), pid: process.pid },
		});
	},
);

describe("in circles", () => {
	test("a hub and a peer on one machine with the same port, and no service: refused at once, with the reason", async () => {
		const port = free();
		const hub = await share(at(port), at(free()), at(free()));
		await join(hub, at(port));
		expect(await echo(port)).toBe("reset");
		expect(hub.events.of("loop")).toEqual([
			{
				type: "loop",
				service: "frontend",
				address: `127.0.0.1:${port}`,
				owner: { id: expect.any(String), name: "x" },
				peer: { id: expect.any(String), name: "x" },
				news: true,
			},
		]);
		expect(hub.events.of("stream_closed"), "nothing went round").toEqual([]);
	});

	test("the service beside that peer, on the other loopback address, is reached", async () => {
		const service = Bun.listen({
			hostname: "::1",
			port: 0,
			socket: { data: (socket, bytes) => void socket.write(bytes) },
		});
		running.push(() => service.stop(true));
		await join(await share(at(service.port, "localhost"), at(free()), at(free())), at(service.port));
		expect(await echo(service.port)).toBe("ping");
	});

	test("two hubs, each with a peer on the port that the other one shares: the loop ends, and its streams with it", async () => {
		pauses.mockRestore();
		const [one, other] = [free(), free()];
		const [a, b] = [await share(at(other), at(free()), at(free())), await share(at(one), at(free()), at(free()))];
		await join(a, at(one));
		await join(b, at(other));
		expect(await echo(one)).toBe("reset");
		const told = [...a.events.of("unanswered"), ...b.events.of("unanswered")];
		expect(told).toEqual([
			expect.objectContaining({ service: "frontend", peer: expect.objectContaining({ name: "x" }) }),
		]);
		// Each hub has had its share of the connections, and all of them are over.
		const over = () => a.events.of("stream_closed").length + b.events.of("stream_closed").length;
		while (over() < 2 * UNANSWERED_MAX) await Bun.sleep(10);
		expect(over()).toBe(2 * UNANSWERED_MAX);
		// Neither has lost its peer for it.
		expect([...a.events.of("peer_left"), ...b.events.of("peer_left")]).toEqual([]);
	});
});
