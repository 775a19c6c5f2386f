// Guesses at join codes, over our mailbox server on loopback: however a guesser ends a failed exchange, the hub reports
// a wrong code and makes the next guess wait as long as it makes an open guesser wait. Pauses take no time here.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import * as timers from "../../src/base/timers.ts";
import { EXCHANGE_MS } from "../../src/wormhole/client/limits.ts";
import { redeem } from "../../src/wormhole/client/redeem.ts";
import { startMailbox } from "../../src/wormhole/server/server.ts";
import { ENDINGS, type Ending, guess, OPEN, SILENT } from "../support/guesser.ts";
import { Hub, RawClient } from "../support/wormhole.ts";

/** Milliseconds of pauses that were skipped. */
let skipped = 0;
/** What is due when the exchange has taken too long. */
let exchangeTimers: (() => void)[] = [];
let spies: Mock<(...args: never[]) => unknown>[] = [];

beforeEach(() => {
	skipped = 0;
	exchangeTimers = [];
	const { now } = performance;
	const { setTimeout: start } = globalThis;
	spies = [
		spyOn(performance, "now").mockImplementation(() => now.call(performance) + skipped),
		spyOn(timers, "pause").mockImplementation(async (ms) => {
			skipped += ms;
		}),
		spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) => {
			if (ms !== EXCHANGE_MS) return start(run, ms);
			exchangeTimers.push(run);
			return start(() => {}, 0);
		}) as typeof setTimeout),
		// Every pause has its average length.
		spyOn(Math, "random").mockReturnValue(0.5),
	];
});

afterEach(() => {
	for (const spy of spies) spy.mockRestore();
});

function server() {
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	return { ...mailbox, [Symbol.asyncDispose]: () => mailbox.stop() };
}

/** The guesses that a hub allows in `ms` milliseconds, at most `most`. Each must be reported as a wrong code. */
async function guessesIn(ms: number, { act, why }: Ending, most: number): Promise<number> {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url, "endpointaaaa2345", undefined, {});
	const startedAt = skipped;
	for (let count = 0; ; count++) {
		const code = await hub.code();
		if (count === most || skipped - startedAt > ms) return count;
		await guess(mailbox.url, code, act);
		const timers = exchangeTimers.splice(0);
		if (why === SILENT) for (const run of timers) run();
		expect(await hub.next()).toEqual({ type: "wrong", waitMs: expect.any(Number), ...(why !== undefined && { why }) });
	}
}

const PERIOD_MS = 1_200_000;
let open: number;

test("a guesser that shows its wrong key is slowed down", async () => {
	open = await guessesIn(PERIOD_MS, ENDINGS[OPEN] as Ending, 1000);
	// 3 at once, 6 while the pauses grow to a minute, then one a minute.
	expect(open).toBeLessThan(35);
	expect(open).toBeGreaterThan(9);
}, 60_000);

for (const [name, ending] of Object.entries(ENDINGS).filter(([name]) => name !== OPEN)) {
	test(`a guesser that ${name} after its guess is reported, and no faster than an open one`, async () => {
		expect(await guessesIn(PERIOD_MS, ending, open + 5)).toBeLessThanOrEqual(open);
	}, 60_000);
}

test("junk without a guess is not reported as one, but the next codes wait as well", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url, "endpointaaaa2345", undefined, {});
	const waits: number[] = [];
	for (let i = 0; i < 6; i++) {
		const nameplate = (await hub.code()).split("-", 1)[0] as string;
		await using client = await new RawClient(mailbox.url).bind("vandal");
		await client.send({ type: "claim", nameplate });
		const { mailbox: id } = await client.next("claimed");
		await client.send({ type: "open", mailbox: id });
		for (let phase = 0; phase < 40; phase++) await client.send({ type: "add", phase: `junk${phase}`, body: "00" });
		const event = await hub.next();
		if (event.type !== "spoiled") throw new Error(`a spoiled code was expected, not ${JSON.stringify(event)}`);
		waits.push(event.waitMs);
	}
	expect(waits).toEqual([0, 0, 0, 1500, 3375, 7594]);
});

test("a peer that loses its network after its first message and comes back in time gets the ticket", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url, "endpointaaaa2345", undefined, {});
	await using wire = cuttable(mailbox.url);
	const code = await hub.code();
	let cuts = 0;
	const ticket = await redeem(code, {
		url: wire.url,
		timing: { retryFirstMs: 10, retryMaxMs: 10 },
		onWaiting(what) {
			// The hub's first message is there; the hub has ours, or gets it when the peer is back.
			if (what === "the ticket" && cuts++ === 0) wire.cut();
		},
	});
	expect(cuts).toBeGreaterThan(0);
	expect(ticket).toBe("endpointaaaa2345");
	expect(await hub.next()).toEqual({ type: "taken" });
});

/** A way to a mailbox server that can be cut. */
function cuttable(to: string): { url: string; cut(): void } & AsyncDisposable {
	type End = { other: Bun.Socket<End> | undefined; early: Buffer[] };
	const ends = new Set<Bun.Socket<End>>();
	const socket: Bun.SocketHandler<End> = {
		data(from, bytes) {
			if (from.data.other) from.data.other.write(bytes);
			else from.data.early.push(Buffer.from(bytes));
		},
		close(from) {
			ends.delete(from);
			from.data.other?.terminate();
		},
	};
	const listener = Bun.listen<End>({
		hostname: "127.0.0.1",
		port: 0,
		data: { other: undefined, early: [] },
		socket: {
			...socket,
			async open(from) {
				from.data = { other: undefined, early: [] };
				ends.add(from);
				const data: End = { other: from, early: [] };
				const other = await Bun.connect<End>({ hostname: "127.0.0.1", port: Number(new URL(to).port), data, socket });
				for (const bytes of from.data.early) other.write(bytes);
				from.data.other = other;
			},
		},
	});
	return {
		url: `ws://127.0.0.1:${listener.port}/v1`,
		cut() {
			for (const end of ends) end.terminate();
		},
		async [Symbol.asyncDispose]() {
			for (const end of ends) end.terminate();
			listener.stop(true);
		},
	};
}
