// What a stopping program waits for, and that it ends everything else: with in-memory ends and a clock that the test
// controls.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { DRAIN_MS, HALF_CLOSED_IDLE_MS, IDLE_MS, RESET_GRACE_MS } from "../../../src/forward/limits.ts";
import { Transfers } from "../../../src/forward/transfers.ts";
import { MemoryDuplex, type Script } from "../../support/memory-duplex.ts";
import { turn } from "../../support/native-halves.ts";

const SILENT: Script = {
	kind: "socket",
	sends: [],
	ends: "silence",
	takes: Number.POSITIVE_INFINITY,
	afterwards: "stalls",
};
const says = (...bytes: number[]): Script => ({ ...SILENT, sends: [Uint8Array.from(bytes)] });

let now = 1000;
let spies: { mockRestore(): void }[] = [];

beforeEach(() => {
	spies = [
		spyOn(performance, "now").mockImplementation(() => now),
		spyOn(Bun, "sleep").mockImplementation(async (ms) => {
			// The bridge's own grace period after the aborts is not part of the drain.
			if (ms !== RESET_GRACE_MS) now += Number(ms);
			await turn();
		}),
	];
});

afterEach(() => {
	for (const spy of spies) spy.mockRestore();
});

/** A running transfer between a client and a service, once everything has moved that moves by itself. */
async function transfer(client: Script, service: Script, serviceTurn = () => Promise.resolve()) {
	const transfers = new Transfers();
	const ends = [
		new MemoryDuplex("client", client, () => Promise.resolve()),
		new MemoryDuplex("service", service, serviceTurn),
	] as const;
	const done = transfers.run(...ends);
	await turn();
	await turn();
	return { transfers, ends, done };
}

test("a request that has no answer yet is busy, however long it takes", async () => {
	const { transfers, done } = await transfer(says(1), SILENT);
	now += 100 * IDLE_MS;
	expect(transfers.busy()).toBe(1);
	await transfers.drain();
	await done;
});

test("an idle keep-alive connection is not waited for", async () => {
	let answer = () => {};
	const asked = new Promise<void>((resolve) => {
		answer = resolve;
	});
	const { transfers, done, ends } = await transfer(says(1), says(2), () => asked);
	answer();
	await turn();
	await turn();
	expect(ends[0].received).toEqual([2]);
	expect(transfers.busy()).toBe(1);
	now += IDLE_MS;
	expect(transfers.busy()).toBe(0);
	const before = now;
	await transfers.drain();
	expect(now).toBe(before);
	await done;
});

test("what is still open after the drain is ended on both sides, and the transfer is over", async () => {
	const { transfers, ends, done } = await transfer(says(1), SILENT);
	const before = now;
	await transfers.drain();
	expect(now - before).toBeGreaterThanOrEqual(DRAIN_MS);
	expect(now - before).toBeLessThan(DRAIN_MS + 100);
	expect(ends.map(({ outgoing }) => outgoing)).toEqual(["aborted", "aborted"]);
	expect((await done).error).toBeInstanceOf(Error);
	expect(transfers.busy()).toBe(0);
});

test("a transfer is waited for if only its last acknowledgement is missing", async () => {
	let acknowledge = () => {};
	const acknowledged = new Promise<void>((resolve) => {
		acknowledge = resolve;
	});
	const client = new MemoryDuplex("client", { ...says(1, 2), ends: "fin" }, () => Promise.resolve());
	const service = new MemoryDuplex("service", { ...SILENT, ends: "fin" }, (label) =>
		label.includes("acknowledges") ? acknowledged : Promise.resolve(),
	);
	const transfers = new Transfers();
	const running = transfers.run(client, service);
	await turn();
	await turn();
	now += 100 * IDLE_MS;
	expect(transfers.busy()).toBe(1);
	const draining = transfers.drain();
	acknowledge();
	await draining;
	expect(await running).toMatchObject({ error: undefined, traffic: { forth: 2, back: 0, copied: true } });
	expect([client.aborts, service.aborts]).toEqual([0, 0]);
	expect(transfers.busy()).toBe(0);
});

test("a drain with nothing running ends at once", async () => {
	const before = now;
	await new Transfers().drain();
	expect(now).toBe(before);
});

test("a client that reads slowly is waited for: while it takes a piece, and for a while after", async () => {
	let take = () => {};
	const taking = new Promise<void>((resolve) => {
		take = resolve;
	});
	const transfers = new Transfers();
	const client = new MemoryDuplex("client", says(1), (label) => (label.includes("takes") ? taking : Promise.resolve()));
	const done = transfers.run(client, new MemoryDuplex("service", says(2), () => Promise.resolve()));
	await turn();
	await turn();
	now += 100 * IDLE_MS;
	expect(transfers.busy(), "while it has not taken the piece").toBe(1);
	take();
	await turn();
	await turn();
	expect(client.received).toEqual([2]);
	now += DRAIN_MS - 1;
	expect(transfers.busy(), "what is still in the buffers is read as slowly").toBe(1);
	now += 1;
	expect(transfers.busy()).toBe(0);
	await transfers.drain();
	await done;
});

test("a client whose whole answer is on its way, with the end behind it, is not reset", async () => {
	const transfers = new Transfers();
	const client = new MemoryDuplex("client", says(1), () => Promise.resolve());
	const service = new MemoryDuplex("service", { ...says(2), ends: "fin" }, () => Promise.resolve());
	void transfers.run(client, service);
	await turn();
	await turn();
	expect([client.received, client.outgoing]).toEqual([[2], "fin"]);
	now += DRAIN_MS;
	await transfers.drain();
	expect([client.aborts, service.aborts > 0]).toEqual([0, true]);
});

test("a half-closed transfer that moves nothing for half an hour is reset; others are left alone", async () => {
	const silent = await transfer(says(1), SILENT);
	const half = await transfer({ ...says(1), ends: "fin" }, SILENT);
	now += HALF_CLOSED_IDLE_MS;
	expect([silent, half].map(({ transfers }) => transfers.sweep())).toEqual([0, 0]);
	expect([silent, half].map(({ ends }) => ends[1].aborts)).toEqual([0, 0]);
	now += 1;
	expect([silent, half].map(({ transfers }) => transfers.sweep())).toEqual([0, 1]);
	expect(silent.ends.map(({ aborts }) => aborts)).toEqual([0, 0]);
	for (const end of half.ends) expect(end.aborts).toBeGreaterThan(0);
	await half.done;
	await silent.transfers.drain();
	await silent.done;
});

test("aborting all resets what runs, but neither a clean end on its way nor another owner's transfers", async () => {
	const running = await transfer(says(1), SILENT);
	const other = await transfer(says(1), SILENT);
	const answered = await transfer(says(1), { ...says(2), ends: "fin" });
	for (const { transfers } of [running, answered]) transfers.abortAll();
	expect(running.ends.map(({ outgoing }) => outgoing)).toEqual(["aborted", "aborted"]);
	expect([answered.ends[0].aborts, answered.ends[0].outgoing]).toEqual([0, "fin"]);
	expect(other.ends.map(({ aborts }) => aborts)).toEqual([0, 0]);
	await running.done;
	other.transfers.abortAll();
	await other.done;
});
