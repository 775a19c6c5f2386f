// What a program that was told to stop waits for, and that the rest is ended: over ends in memory and a clock that
// the test holds.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { Transfers } from "../../src/drain.ts";
import { DRAIN_MS, IDLE_MS, RESET_GRACE_MS } from "../../src/limits.ts";
import { MemoryDuplex, type Script } from "../support/memory-duplex.ts";
import { turn } from "../support/native-halves.ts";

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
			// The bridge's own grace after the aborts is not part of the drain.
			if (ms !== RESET_GRACE_MS) now += Number(ms);
			await turn();
		}),
	];
});

afterEach(() => {
	for (const spy of spies) spy.mockRestore();
});

/** A running transfer between a client and a service, after everything has moved that moves by itself. */
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

test("a request without an answer yet is busy, however long it takes", async () => {
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

test("a transfer of which only the last acknowledgement is missing is waited for", async () => {
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
