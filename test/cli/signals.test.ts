// Ctrl+C and kill: both sides stop cleanly, tell the other side, and let running transfers finish; a second signal ends
// the transfers at once. The running transfer is a request whose answer the service holds back until the test wants it.
import { describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { parseTicket } from "../../src/invite/ticket.ts";
import { start } from "../support/executable.ts";
import { header, hello, RawPeer } from "../support/raw-peer.ts";
import { DOWN, deadTicket, get, hub, joining, peer, type Service, serve, withoutWaiting } from "./terminals.ts";

const WAITING = /^Waiting for running transfers; Ctrl\+C again stops at once/;
const CONNECTED = /^Peer .+ connected/;
const FIRST = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

describe("the hub", () => {
	test.each(FIRST)("%s: exits 0, and the peer says at once that the hub is gone", async (name) => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		await sharing.program.line(CONNECTED);
		sharing.program.signal(name);
		expect((await sharing.program.exited).status).toBe(0);
		const { status, stderr } = await joined.program.exited;
		expect(stderr).toMatch(/^error: The hub is gone: the hub was stopped\. [^\n]*\n$/m);
		expect(status).toBe(EXIT_STATUS.lost.status);
	});

	test("a peer that has only just connected is told, too", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		// The hub may still be in the handshake: the peer's side of it finishes first.
		sharing.program.signal("SIGINT");
		expect((await joined.program.exited).stderr).toContain("The hub is gone: the hub was stopped.");
	});

	test("a running request is answered, then the hub exits 0", async () => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		const answer = get(joined.urls.frontend);
		await slow.asked;
		sharing.program.signal("SIGTERM");
		await sharing.program.line(WAITING);
		slow.answer("late, but whole".repeat(100_000));
		expect(await answer).toBe("late, but whole".repeat(100_000));
		expect((await sharing.program.exited).status).toBe(0);
		expect((await joined.program.exited).status).toBe(EXIT_STATUS.lost.status);
	});

	test("a request that is never answered delays the exit only for a bounded time", async () => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		const answer = get(joined.urls.frontend).catch(() => "cut off");
		await slow.asked;
		sharing.program.signal("SIGINT");
		expect((await sharing.program.exited).status).toBe(0);
		expect(await answer).toBe("cut off");
		expect((await joined.program.exited).status).toBe(EXIT_STATUS.lost.status);
	}, 20_000);
});

describe("the peer", () => {
	test.each(FIRST)("%s: exits 0; the hub says at once that the peer has left, and goes on", async (name) => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address, frontend.address, frontend.address]);
		await using joined = await peer(sharing.ticket);
		await sharing.program.line(CONNECTED);
		joined.program.signal(name);
		const { status, stderr } = await joined.program.exited;
		expect({ status, stderr: withoutWaiting(stderr) }).toEqual({ status: 0, stderr: "" });
		await sharing.program.line(/^Peer .+ left: the peer was stopped\.$/);
		await using next = await peer(sharing.ticket);
		expect(await get(next.urls.frontend)).toBe("here");
	});

	test("a running request is answered, then the peer exits 0", async () => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket);
		const answer = get(joined.urls.frontend);
		await slow.asked;
		joined.program.signal("SIGTERM");
		await joined.program.line(WAITING);
		slow.answer("late, but whole".repeat(100_000));
		expect(await answer).toBe("late, but whole".repeat(100_000));
		expect((await joined.program.exited).status).toBe(0);
	});

	test("while it waits for a running request it accepts no new one", async () => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket);
		const answer = get(joined.urls.frontend);
		await slow.asked;
		joined.program.signal("SIGTERM");
		await joined.program.line(WAITING);
		expect(await get(joined.urls.frontend).catch(() => "refused")).toBe("refused");
		slow.answer("the first");
		expect(await answer).toBe("the first");
		expect((await joined.program.exited).status).toBe(0);
	});

	test.each(FIRST)("%s while it waits for the hub: exits 0", async (name) => {
		await using joined = start(joining(await deadTicket()));
		await joined.line(/^Waiting for the hub/);
		joined.signal(name);
		expect(await joined.exited).toMatchObject({ status: 0, stdout: "" });
	});
});

describe.each(["hub", "peer"] as const)("the %s during a transfer", (who) => {
	test.each([
		["SIGINT", "SIGINT"],
		["SIGINT", "SIGTERM"],
	] as const)("%s that a parent (npm, concurrently) passes on at once as %s is one", async (first, second) => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		const { program } = who === "hub" ? sharing : joined;
		const answer = get(joined.urls.frontend);
		await slow.asked;
		for (const name of [first, second]) program.signal(name);
		await program.line(WAITING);
		slow.answer("late, but whole");
		expect(await answer).toBe("late, but whole");
		expect((await program.exited).status).toBe(0);
	});

	test.each(FIRST)("a second signal, %s, ends it at once with 128 + its number", async (name) => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket);
		const { program } = who === "hub" ? sharing : joined;
		const answer = get(joined.urls.frontend).catch(() => "cut off");
		await slow.asked;
		program.signal("SIGTERM");
		await program.line(WAITING);
		program.signal(name);
		expect((await program.exited).status).toBe(128 + NUMBERS[name]);
		await joined[Symbol.asyncDispose]();
		expect(await answer).toBe("cut off");
	});

	test.each([
		["that is closed after it", true],
		["that is kept alive", false],
	])(
		"a slow reader gets the whole answer, on a connection %s",
		async (_which, closes) => {
			await using backend = endless(closes);
			await using sharing = await hub([DOWN, backend.address]);
			await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
			const { program } = who === "hub" ? sharing : joined;
			const { begun, goOn, over } = readSlowly(joined.urls.backend);
			await begun;
			program.signal("SIGTERM");
			await program.line(WAITING);
			// The program does not wait forever, so the service stops sending and the client reads the rest at full speed.
			const sent = backend.enough();
			goOn();
			expect(await over).toBe(`all ${await sent} bytes`);
			expect((await program.exited).status).toBe(0);
		},
		30_000,
	);

	test("a second signal in the middle of an answer: the client sees a reset, as a part must not look like the whole", async () => {
		await using frontend = serve(() => new Response(trickle()));
		await using sharing = await hub([frontend.address]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		const { begun, goOn, over } = readSlowly(joined.urls.frontend);
		await begun;
		goOn();
		const { program } = who === "hub" ? sharing : joined;
		program.signal("SIGINT");
		await program.line(WAITING);
		program.signal("SIGINT");
		expect(await over).toBe("reset");
	}, 20_000);
});

describe.each([
	["nohup", ["nohup"]],
	["trap '' HUP", ["sh", "-c", `trap '' HUP; exec "$0" "$@"`]],
])("started with %s", (_how, wrapper) => {
	test("the hub goes on when its terminal is closed (SIGHUP), and still obeys SIGTERM", async () => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address], [], { wrapper });
		sharing.program.signal("SIGHUP");
		await using joined = await peer(sharing.ticket);
		expect(await get(joined.urls.frontend)).toBe("here");
		sharing.program.signal("SIGTERM");
		expect((await sharing.program.exited).status).toBe(0);
	});

	test("the peer goes on, too", async () => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address]);
		await using joined = await peer(sharing.ticket, [], { wrapper });
		joined.program.signal("SIGHUP");
		expect(await get(joined.urls.frontend)).toBe("here");
		joined.program.signal("SIGINT");
		expect((await joined.program.exited).status).toBe(0);
	});
});

describe("a second signal", () => {
	test("at the hub: its peers are told", async () => {
		await using service = silentService();
		await using sharing = await hub([service.address]);
		await using raw = await RawPeer.make();
		const connection = await raw.connect(sharing.ticket);
		const control = await connection.control(hello((await parseTicket(sharing.ticket)).secret));
		await control.until("welcome");
		await connection.open(header(1, "a request"));
		await service.asked;
		sharing.program.signal("SIGINT");
		await sharing.program.line(WAITING);
		sharing.program.signal("SIGINT");
		expect((await sharing.program.exited).status).toBe(130);
		await connection.endedFor("closed by peer: the hub was stopped");
	});

	test("at the peer: the hub is told, and has room for the next one", async () => {
		await using service = silentService();
		await using sharing = await hub([service.address], ["--max-peers", "1"]);
		await using joined = await peer(sharing.ticket);
		const cut = get(joined.urls.frontend).catch(() => "cut off");
		await service.asked;
		joined.program.signal("SIGINT");
		await joined.program.line(WAITING);
		joined.program.signal("SIGINT");
		expect((await joined.program.exited).status).toBe(130);
		expect(await cut).toBe("cut off");
		await service.over;
		await using next = await peer(sharing.ticket);
		expect(next.urls.frontend).toStartWith("http:");
	});
});

/** Longer than IDLE_MS, after which a transfer no longer counts as running, and than all buffers take to fill. */
const STALL_MS = 700;

/** The last byte of an endless answer. */
const LAST = 1;

interface Endless extends Service {
	/** Ends the answer; resolves with the number of bytes sent in all. */
	enough(): Promise<number>;
}

/** A service that sends as fast as it is read, until `enough`. Then it closes the connection or just falls silent. */
function endless(closes: boolean): Endless {
	const piece = new Uint8Array(65_536);
	const all = Promise.withResolvers<number>();
	let client: Bun.Socket | undefined;
	let enough = false;
	let over = false;
	let sent = 0;
	const send = (socket: Bun.Socket) => {
		while (!enough) {
			const taken = socket.write(piece);
			sent += Math.max(0, taken);
			if (taken < piece.length) return;
		}
		// There may be one more drain event than expected.
		if (over || socket.write(Uint8Array.of(LAST)) < 1) return;
		over = true;
		all.resolve(sent + 1);
		if (closes) socket.shutdown();
	};
	const listener = Bun.listen({
		hostname: "127.0.0.1",
		port: 0,
		allowHalfOpen: true,
		socket: {
			// The hub's probes also connect, but send nothing.
			data(socket) {
				client ??= socket;
				send(socket);
			},
			drain: (socket) => void (socket === client && send(socket)),
			end: (socket) => void socket.shutdown(),
		},
	});
	return {
		address: `127.0.0.1:${listener.port}`,
		enough() {
			enough = true;
			if (client) send(client);
			return all.promise;
		},
		[Symbol.asyncDispose]: async () => listener.stop(true),
	};
}

interface Reading {
	begun: Promise<void>;
	/** Lets it read on as soon as it has stalled for long enough. */
	goOn(): void;
	/** How it ended. */
	over: Promise<string>;
}

/** A request whose client stalls after the first piece of the answer. */
function readSlowly(url: string): Reading {
	const begun = Promise.withResolvers<void>();
	const onward = Promise.withResolvers<void>();
	const over = Promise.withResolvers<string>();
	const { hostname, port } = new URL(url);
	let bytes = 0;
	void Bun.connect({
		hostname,
		port: Number(port),
		socket: {
			open: (socket) => void socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
			data(socket, data) {
				if (bytes === 0) {
					socket.pause();
					// The test is about real time, so it has to pass.
					void Promise.all([Bun.sleep(STALL_MS), onward.promise]).then(() => socket.resume());
				}
				bytes += data.length;
				begun.resolve();
				if (data.at(-1) !== LAST) return;
				over.resolve(`all ${bytes} bytes`);
				socket.terminate();
			},
			end: () => over.resolve(`a clean end after ${bytes} bytes`),
			close: (_socket, error) => over.resolve(error ? "reset" : `closed after ${bytes} bytes`),
		},
	});
	return { begun: begun.promise, goOn: onward.resolve, over: over.promise };
}

/** A body that never ends, a little at a time. */
function trickle(): ReadableStream {
	return new ReadableStream({
		async pull(controller) {
			await Bun.sleep(20);
			controller.enqueue(new Uint8Array(1000));
		},
	});
}

interface SilentService extends Service {
	/** Resolves when the one request has come, and when its connection has ended. */
	asked: Promise<void>;
	over: Promise<void>;
}

/** A service that never answers. */
function silentService(): SilentService {
	const asked = Promise.withResolvers<void>();
	const over = Promise.withResolvers<void>();
	let client: Bun.Socket | undefined;
	const listener = Bun.listen({
		hostname: "127.0.0.1",
		port: 0,
		socket: {
			// The hub may also connect just to see whether the service is up, and then sends nothing.
			data(socket) {
				client = socket;
				asked.resolve();
			},
			close: (socket) => void (socket === client && over.resolve()),
		},
	});
	return {
		address: `127.0.0.1:${listener.port}`,
		asked: asked.promise,
		over: over.promise,
		[Symbol.asyncDispose]: async () => listener.stop(true),
	};
}

interface SlowService extends Service {
	/** Resolves when the request has arrived. */
	asked: Promise<void>;
	answer(text: string): void;
}

function slowService(): SlowService {
	const asked = Promise.withResolvers<void>();
	const answer = Promise.withResolvers<Response>();
	const service = serve(() => {
		asked.resolve();
		return answer.promise;
	});
	return { ...service, asked: asked.promise, answer: (text) => answer.resolve(new Response(text)) };
}
