// Ctrl+C and kill: both sides end in order, say so to the other, and let running transfers finish. Insisting ends at once.
// What runs is a request whose answer the service holds back, so that every test decides itself when it ends.
import { describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/errors.ts";
import { start } from "../support/executable.ts";
import { deadTicket, get, hub, joining, peer, type Service, serve, withoutWaiting } from "./terminals.ts";

const WAITING = /^Waiting for running transfers; Ctrl\+C again stops at once/;
const CONNECTED = /^Peer .+ connected/;
const FIRST = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

describe("the hub", () => {
	test.each(FIRST)("%s: exits 0, the peer says at once that the hub has gone", async (name) => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		await sharing.program.line(CONNECTED);
		sharing.program.signal(name);
		expect((await sharing.program.exited).status).toBe(0);
		const { status, stderr } = await joined.program.exited;
		expect(stderr).toMatch(/^error: The hub is gone: the hub was stopped\. [^\n]*\n$/m);
		expect(status).toBe(EXIT_STATUS.lost.status);
	});

	test("a peer that has come this very moment is told, too", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		// The hub may still be busy with the handshake: the peer's side of it is over first.
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

	test("a request that is never answered holds it up for a while only", async () => {
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
	test.each(FIRST)("%s: exits 0, the hub says at once that it has left and goes on", async (name) => {
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

	test("while it waits for a running request it accepts no other", async () => {
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

describe.each(["hub", "peer"] as const)("the %s while somebody is served", (who) => {
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
		["that is closed after it", "close"],
		["that is kept alive", "keep-alive"],
	])(
		"one who reads slowly gets all of an answer on a connection %s",
		async (_which, keeping) => {
			await using frontend = serve(() => new Response(new Uint8Array(SIZE)));
			await using sharing = await hub([frontend.address]);
			await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
			const { program } = who === "hub" ? sharing : joined;
			const { begun, hurry, over } = readSlowly(joined.urls.frontend, keeping);
			await begun;
			program.signal("SIGTERM");
			await program.line(WAITING);
			// It does not wait for ever, and how long the rest takes is the machine's affair.
			hurry();
			expect(await over).toBe("all of it");
			expect((await program.exited).status).toBe(0);
		},
		20_000,
	);

	test("a second signal in the middle of an answer: the client sees a reset, for a part must not look like the whole", async () => {
		await using frontend = serve(() => new Response(trickle()));
		await using sharing = await hub([frontend.address]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		const { begun, over } = readSlowly(joined.urls.frontend, "close");
		await begun;
		const { program } = who === "hub" ? sharing : joined;
		program.signal("SIGINT");
		await program.line(WAITING);
		program.signal("SIGINT");
		expect(await over).toBe("reset");
	}, 20_000);
});

/** More than all buffers on the way hold. */
const SIZE = 24_000_000;

interface Reading {
	begun: Promise<void>;
	/** From now on it reads as fast as it can. */
	hurry(): void;
	/** How it ended. */
	over: Promise<string>;
}

/** A request whose answer is read a piece at a time. */
function readSlowly(url: string, keeping: string): Reading {
	let slow = true;
	const begun = Promise.withResolvers<void>();
	const over = Promise.withResolvers<string>();
	const { hostname, port } = new URL(url);
	let bytes = 0;
	void Bun.connect({
		hostname,
		port: Number(port),
		socket: {
			open: (socket) => void socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: ${keeping}\r\n\r\n`),
			data(socket, data) {
				bytes += data.length;
				begun.resolve();
				if (bytes >= SIZE) {
					over.resolve("all of it");
					socket.terminate();
					return;
				}
				if (!slow) return;
				// The phenomenon itself: about 12 MB/s.
				socket.pause();
				setTimeout(() => socket.resume(), 40);
			},
			end: () => over.resolve(`a clean end after ${bytes} bytes`),
			close: (_socket, error) => over.resolve(error ? "reset" : `closed after ${bytes} bytes`),
		},
	});
	const hurry = () => {
		slow = false;
	};
	return { begun: begun.promise, hurry, over: over.promise };
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

interface SlowService extends Service {
	/** Resolves when the one request has come. */
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
