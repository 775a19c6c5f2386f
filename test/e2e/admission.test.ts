// Which peers a hub admits, and what it says on the control stream, over real iroh on loopback. The far side is the raw
// binding where it must misbehave, and our own program where it must not.
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { HivemindError } from "../../src/base/errors.ts";
import { type Policy, teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { WRONG_SECRETS } from "../../src/hub/limits.ts";
import { runHub } from "../../src/hub/run-hub.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { CONTROL_LINE_MAX } from "../../src/protocol/limits.ts";
import { HELLO_MS } from "../../src/transport/limits.ts";
import { Puppet, type PuppetServer } from "../support/puppet.ts";
import { header, hello, OriginalHub, type RawConnection, RawPeer } from "../support/raw-peer.ts";
import { originalServices } from "../support/shared-services.ts";
import { LOOPBACK, type RunningHub, startHub, startPeer } from "../support/tunnel.ts";

const MB = 1024 * 1024;
const REFUSED = [0x00];

let puppet: Puppet;
let service: PuppetServer;

beforeAll(async () => {
	puppet = new Puppet();
	service = await puppet.listen();
});
afterAll(() => puppet[Symbol.asyncDispose]());

const hub = (policy: Partial<Policy> = {}, ...ports: number[]): Promise<RunningHub> =>
	startHub([service.port, ...ports], LOOPBACK, { ...teamPolicy(newSecret()), ...policy });

const secretOf = ({ ticket }: RunningHub) => ticket.split(".")[1] as string;

/** The error that `join` ends with. */
const failure = (ticket: string): Promise<HivemindError> =>
	startPeer(ticket).then(
		async (peer) => {
			await peer.stop();
			throw new Error("the hub admitted it");
		},
		(error: unknown) => error as HivemindError,
	);

/** Resolves when a hub in this process, which prints to stderr, prints a matching line. */
function said(line: RegExp): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const screen = spyOn(process.stderr, "write").mockImplementation((text) => {
		if (line.test(String(text))) resolve();
		return true;
	});
	return promise.finally(() => screen.mockRestore());
}

/** One request through the tunnel. */
async function works(port: number): Promise<void> {
	const accepting = service.accept();
	const client = await puppet.connect(port);
	const server = await accepting;
	await client.write("ping");
	expect((await server.received(4)).head).toBe("ping");
	await Promise.all([client.end(), server.end()]);
	await Promise.all([client.closed(), server.closed()]);
}

/** Expects that a raw stream reaches the service: its next connection is that one. */
async function reaches(connection: RawConnection): Promise<void> {
	const bi = await connection.open(header(1, "hello"));
	const socket = await service.accept();
	expect((await socket.received(5)).head).toBe("hello");
	await socket.end();
	await bi.send.finish();
	expect([...(await bi.recv.readToEnd(10))]).toEqual([0xff]);
	await socket.closed();
}

describe("without a hello", () => {
	test(
		"the hub closes the connection in time, and at once if the peer says anything else",
		async () => {
			await using sharing = await hub();
			await using raw = await RawPeer.make();
			const [silent, streams, pings] = await Promise.all([1, 2, 3].map(() => raw.connect(sharing.ticket)));
			if (!silent || !streams || !pings) throw new Error("unreachable");
			expect(await streams.answer(header(1))).toEqual(REFUSED);
			const control = await pings.control('{"type":"ping","n":1}\n{"type":"newer"}\n');
			await pings.endedFor("a control stream does not begin with a hello");
			for (const one of [silent, streams]) await one.endedFor("no valid hello in time");
			expect(control.said).toEqual([]);
		},
		HELLO_MS + 10_000,
	);

	test("a peer cannot fill the hub's memory with what nobody reads: it is disconnected long before", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const datagram = new Array(1000).fill(0);
		let sent = 0;
		try {
			for (; sent < 100 * MB; sent += datagram.length) await connection.native.sendDatagramWait(datagram);
		} catch {
			// The hub has closed the connection.
		}
		await connection.endedFor("too much data before the welcome");
		expect(sent).toBeLessThan(100 * MB);
	});

	test("every service is refused without being dialled; after the hello they answer", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		for (const portId of [1, 2, 3, 4]) expect(await connection.answer(header(portId, "hi"))).toEqual(REFUSED);
		const control = await connection.control(hello(secretOf(sharing)));
		await control.until("welcome");
		// The first connection that the service ever sees is this one.
		await reaches(connection);
		connection.close();
	});

	test("a service is refused while only half the hello has arrived", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(hello(secretOf(sharing)).slice(0, -1));
		expect(await connection.answer(header(1))).toEqual(REFUSED);
		await control.send("\n");
		expect((await control.until("welcome")).name).toBe("hub");
		connection.close();
	});
});

describe("the hello", () => {
	test("with the right secret: welcome, with the hub's name and its services", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(hello(secretOf(sharing), { colour: "red" }));
		expect(await control.until("welcome")).toEqual({
			type: "welcome",
			v: 1,
			name: "hub",
			program: expect.any(String),
			run: expect.any(String),
			lasting: false,
			resume: expect.any(String),
			zstd: true,
			services: [
				{ port: 1, name: "frontend", scheme: "http", address: `127.0.0.1:${service.port}`, up: true },
				{ port: 2, name: "backend", scheme: "http", address: "127.0.0.1:1", up: expect.any(Boolean) },
				{ port: 3, name: "websocket", scheme: "ws", address: "127.0.0.1:1", up: expect.any(Boolean) },
			],
		});
		expect(control.answer).toBe(0xff);
		connection.close();
	});

	test("with a wrong secret, or none: denied with a readable reason, and the connection is closed", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		for (const secret of [newSecret(), undefined]) {
			const connection = await raw.connect(sharing.ticket);
			const control = await connection.control(hello(secret));
			expect(await control.until("denied")).toEqual({
				type: "denied",
				reason: "secret",
				message: "the ticket is not, or no longer, valid at this hub",
			});
			expect(control.answer).toBe(0xff);
			expect(await connection.answer(header(1)).catch(() => REFUSED)).toEqual(REFUSED);
			await connection.endedFor("denied: the ticket is not");
		}
	});

	test("cannot be repeated after a denial: the right secret comes too late", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(hello(newSecret()) + hello(secretOf(sharing)));
		await connection.closed;
		expect(control.said.map(({ type }) => type)).toEqual(["denied"]);
	});

	test("after too many wrong secrets even the right one is denied, but another peer is admitted", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		for (let i = 0; i <= WRONG_SECRETS; i++) {
			const connection = await raw.connect(sharing.ticket);
			const control = await connection.control(hello(i < WRONG_SECRETS ? newSecret() : secretOf(sharing)));
			expect((await control.until("denied")).reason).toBe(i < WRONG_SECRETS ? "secret" : "rate");
			connection.close();
		}
		const peer = await startPeer(sharing.ticket);
		await works(peer.ports[0] as number);
		await peer.stop();
	});

	test.each([
		["is not JSON", "hello\n"],
		["is too long", "x".repeat(CONTROL_LINE_MAX + 1)],
		["has no name", '{"type":"hello","v":1,"program":"0"}\n'],
	])("that %s: the connection is closed with the reason", async (_, text) => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(text);
		await connection.endedFor(/a control (line|message)/);
		expect(control.said).toEqual([]);
	});

	test("on a second control stream is refused", async () => {
		await using sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(hello(secretOf(sharing)));
		await control.until("welcome");
		expect(await connection.answer(header(0, hello(secretOf(sharing))))).toEqual(REFUSED);
		expect(await connection.answer(header(9))).toEqual(REFUSED);
		connection.close();
	});
});

test("a peer that ends its control stream is disconnected", async () => {
	await using sharing = await hub();
	await using raw = await RawPeer.make();
	const connection = await raw.connect(sharing.ticket);
	const control = await connection.control(hello(secretOf(sharing)));
	await control.until("welcome");
	await control.end();
	await connection.endedFor("the control stream ended");
});

describe("our peer", () => {
	test("is admitted with the whole ticket", async () => {
		await using sharing = await hub();
		await using peer = await startPeer(sharing.ticket);
		await works(peer.ports[0] as number);
	});

	test("with a ticket that lacks its secret, or has another: denied, with the reason", async () => {
		await using sharing = await hub();
		const [address = ""] = sharing.ticket.split(".");
		for (const ticket of [address, `${address}.${newSecret()}`]) {
			const error = await failure(ticket);
			expect(error).toBeInstanceOf(HivemindError);
			expect(error.code).toBe("denied");
			expect(error.message).toBe("The hub denied access: the ticket is not, or no longer, valid at this hub.");
		}
	});

	test.each([
		["not on the list", { allow: new Set(["0".repeat(64)]) }, "only the peers on its list"],
		["late", { expiresAt: 1 }, "the invitation has expired"],
	] as const)("%s: denied, with the reason", async (_, policy, reason) => {
		await using sharing = await hub(policy);
		const error = await failure(sharing.ticket);
		expect(error.code).toBe("denied");
		expect(error.message).toContain(reason);
	});

	test("beyond --max-peers: denied; once another peer has left, it is admitted", async () => {
		await using sharing = await hub({ maxPeers: 1 });
		await using raw = await RawPeer.make();
		const first = await raw.connect(sharing.ticket);
		await (await first.control(hello(secretOf(sharing)))).until("welcome");
		expect((await failure(sharing.ticket)).message).toContain("the hub is full");
		await reaches(first);
		const left = said(/^Peer 'raw' \(\w+\) left: enough\.$/m);
		first.close("enough");
		await left;
		await using second = await startPeer(sharing.ticket);
		await works(second.ports[0] as number);
	});
});

describe("an open hub", () => {
	test("admits a peer of the original program, and ours", async () => {
		await using sharing = await hub({ secret: undefined });
		expect(sharing.ticket).not.toContain(".");
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		expect(await connection.answer(header(9))).toEqual(REFUSED);
		await reaches(connection);
		await using peer = await startPeer(sharing.ticket);
		await works(peer.ports[0] as number);
		connection.close();
	});

	test("takes any upload that a peer of the original program begins with", async () => {
		await using sharing = await hub({ secret: undefined });
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const upload = connection.open([...header(1), ...new Array(8 * MB).fill(7)], true);
		const socket = await service.accept();
		await socket.received(8 * MB);
		await socket.end();
		expect(await (await upload).recv.readToEnd(10)).toEqual([0xff]);
		await socket.closed();
		connection.close();
	});

	test("denies a peer of the original program that is not on its list", async () => {
		await using sharing = await hub({ secret: undefined, allow: new Set(["0".repeat(64)]) });
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		expect(await connection.answer(header(1)).catch(() => REFUSED)).toEqual(REFUSED);
		await connection.endedFor("only the peers on its list");
	});

	test("admits our peer with a ticket that has a secret, too", async () => {
		await using sharing = await hub({ secret: undefined });
		await using peer = await startPeer(`${sharing.ticket}.${newSecret()}`);
		await works(peer.ports[0] as number);
	});
});

describe("at a hub of the original program", () => {
	test("our peer goes on without a control stream", async () => {
		await using original = await OriginalHub.make();
		await using peer = await startPeer(original.ticket);
		const client = await puppet.connect(peer.ports[1] as number);
		await client.write("echo");
		expect((await client.received(4)).head).toBe("echo");
		await client.end();
		await client.closed();
		expect(original.asked).toEqual([0, 2]);
	});

	test("our peer gives up if its ticket has a secret: that ticket belongs to another hub", async () => {
		await using original = await OriginalHub.make();
		const error = await failure(`${original.ticket}.${newSecret()}`);
		expect(error).toBeInstanceOf(HivemindError);
		expect(error.code).toBe("unreachable");
	});
});

describe("the hub tells its peers", () => {
	test("that it is stopping, before running transfers have finished", async () => {
		const sharing = await hub();
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(hello(secretOf(sharing)));
		await control.until("welcome");
		const bi = await connection.open(header(1, "request"));
		const socket = await service.accept();
		await socket.received(7);
		const stopped = sharing.stop();
		expect((await control.until("bye")).reason).toBe("the hub was stopped");
		await socket.write("reply");
		await socket.end();
		await bi.send.finish();
		expect([...(await bi.recv.readToEnd(10))]).toEqual([0xff, ...Buffer.from("reply")]);
		await stopped;
		await connection.endedFor("the hub was stopped");
		await socket.closed();
	});

	test("nothing before the welcome, which carries the freshly probed state of every service", async () => {
		const end = new AbortController();
		const ready = Promise.withResolvers<string>();
		const services = originalServices(service.port, 1, 1);
		const policy = teamPolicy(newSecret());
		const emit = (event: HubEvent) => event.type === "ready" && ready.resolve(event.ticket);
		const done = runHub({ name: "hub", services, endpoint: LOOPBACK, policy }, emit, end.signal);
		try {
			await using raw = await RawPeer.make();
			const connection = await raw.connect(await ready.promise);
			const control = await connection.control(hello(policy.secret));
			const welcome = await control.until("welcome");
			expect(control.said.map(({ type }) => type)).toEqual(["welcome"]);
			expect(welcome.services.map(({ up }) => up)).toEqual([true, false, false]);
			connection.close();
		} finally {
			end.abort();
			await done;
		}
	});

	test("that a service is down, and that it is up again: every admitted peer, and nobody else", async () => {
		// A port that nobody listens on until later in the test.
		const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
		const { port } = probe;
		probe.stop(true);
		await using sharing = await hub({}, port);
		await using raw = await RawPeer.make();
		await using other = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const strange = await (await other.connect(sharing.ticket)).control("");
		const listening = await other.connect(sharing.ticket);
		const [one, two] = [
			await connection.control(hello(secretOf(sharing))),
			await listening.control(hello(secretOf(sharing))),
		];
		await Promise.all([one.until("welcome"), two.until("welcome")]);
		const is = (up: boolean) => (message: { services: { port: number; up: boolean }[] }) =>
			message.services.find((state) => state.port === 2)?.up === up;
		expect(await connection.answer(header(2))).toEqual(REFUSED);
		await Promise.all([one.until("services", is(false)), two.until("services", is(false))]);
		const up = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
		const bi = await connection.open(header(2));
		expect([...(await bi.recv.readExact(1))]).toEqual([0xff]);
		await Promise.all([one.until("services", is(true)), two.until("services", is(true))]);
		await bi.send.reset(0n);
		up.stop(true);
		expect(strange.said).toEqual([]);
		connection.close();
		listening.close();
	});
});

test("an upload that the service does not read is reset at the service as soon as the client resets it", async () => {
	// Not the shared service: another test's hub has probed that one, and a probe is a connection, too.
	service = await puppet.listen();
	await using sharing = await hub();
	await using peer = await startPeer(sharing.ticket);
	const accepting = service.accept({ paused: true });
	const client = await puppet.connect(peer.ports[0] as number);
	const server = await accepting;
	const size = 100 * MB;
	await client.sending(size);
	// It is stuck once the kernel takes no more while another connection does its work.
	let held = -1;
	for (let now = 0; now !== held; now = (await client.state()).sent) {
		held = now;
		await works(peer.ports[0] as number);
	}
	const before = connections(service.port);
	await client.reset();
	// The hub's connection goes although the service reads nothing; the test's own timeout is the only clock.
	while (connections(service.port) >= before) await works(peer.ports[0] as number);
	await server.resume();
	const { error, ended, received } = await server.closed();
	expect({ error, ended }).toEqual({ error: "ECONNRESET", ended: false });
	expect(received).toBeLessThan(size);
}, 20_000);

/** How many established TCP connections to this port the kernel lists. */
function connections(port: number): number {
	const hex = port.toString(16).toUpperCase().padStart(4, "0");
	const remote = new RegExp(`^ *\\d+: \\w+:\\w+ 0100007F:${hex} 01 `);
	return readFileSync("/proc/net/tcp", "utf8")
		.split("\n")
		.filter((line) => remote.test(line)).length;
}
