// Ctrl+C and kill: both sides end in order, say so to the other, and let running transfers finish. Insisting ends at once.
// What runs is a request whose answer the service holds back, so that every test decides itself when it ends.
import { describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/errors.ts";
import { start } from "../support/executable.ts";
import { deadTicket, get, hub, joining, peer, type Service, serve } from "./terminals.ts";

const WAITING = /^Waiting for running transfers; Ctrl\+C again stops at once/;
const CONNECTED = /^Peer \w+ connected/;
const FIRST = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

describe("the hub", () => {
	test.each(FIRST)("%s: exits 0, the peer says at once that the hub has gone", async (name) => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket);
		await sharing.program.line(CONNECTED);
		sharing.program.signal(name);
		expect((await sharing.program.exited).status).toBe(0);
		const { status, stderr } = await joined.program.exited;
		expect(stderr).toMatch(/^error: The hub is gone: the hub was stopped\. [^\n]*ticket[^\n]*\n$/);
		expect(status).toBe(EXIT_STATUS.lost.status);
	});

	test("a peer that has come this very moment is told, too", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket);
		// The hub may still be busy with the handshake: the peer's side of it is over first.
		sharing.program.signal("SIGINT");
		expect((await joined.program.exited).stderr).toContain("The hub is gone: the hub was stopped.");
	});

	test("a running request is answered, then the hub exits 0", async () => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket);
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
		await using joined = await peer(sharing.ticket);
		const answer = get(joined.urls.frontend).catch(() => "cut off");
		await slow.asked;
		sharing.program.signal("SIGINT");
		expect((await sharing.program.exited).status).toBe(0);
		expect(await answer).toBe("cut off");
		expect((await joined.program.exited).status).toBe(EXIT_STATUS.lost.status);
	}, 20_000);

	test.each(FIRST)("a second signal, %s, ends it at once with 128 + its number", async (name) => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket);
		const answer = get(joined.urls.frontend).catch(() => "cut off");
		await slow.asked;
		sharing.program.signal("SIGINT");
		await sharing.program.line(WAITING);
		sharing.program.signal(name);
		expect((await sharing.program.exited).status).toBe(128 + NUMBERS[name]);
		await joined[Symbol.asyncDispose]();
		expect(await answer).toBe("cut off");
	});
});

describe("the peer", () => {
	test.each(FIRST)("%s: exits 0, the hub says at once that it has left and goes on", async (name) => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address]);
		await using joined = await peer(sharing.ticket);
		await sharing.program.line(CONNECTED);
		joined.program.signal(name);
		expect(await joined.program.exited).toMatchObject({ status: 0, stderr: "" });
		await sharing.program.line(/^Peer \w+ left: the peer was stopped\.$/);
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

	test.each(FIRST)("a second signal, %s, ends it at once with 128 + its number", async (name) => {
		await using slow = slowService();
		await using sharing = await hub([slow.address]);
		await using joined = await peer(sharing.ticket);
		const answer = get(joined.urls.frontend).catch(() => "cut off");
		await slow.asked;
		joined.program.signal("SIGTERM");
		await joined.program.line(WAITING);
		joined.program.signal(name);
		expect((await joined.program.exited).status).toBe(128 + NUMBERS[name]);
		expect(await answer).toBe("cut off");
	});

	test.each(FIRST)("%s while it waits for the hub: exits 0", async (name) => {
		await using joined = start(joining(await deadTicket()));
		await joined.line(/^Waiting for the hub/);
		joined.signal(name);
		expect(await joined.exited).toMatchObject({ status: 0, stdout: "" });
	});
});

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
