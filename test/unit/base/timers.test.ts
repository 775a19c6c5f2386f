// Waiting with a time limit or a signal, and polling that notices a suspended process: when each ends, and that none of
// them leaves a timer or a listener behind.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { getEventListeners } from "node:events";
import { STALL_MS } from "../../../src/base/limits.ts";
import { aborted, Paced, pause, whileAwake, within } from "../../../src/base/timers.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

let clock: Clock;
let end: AbortController;
let signal: AbortSignal;

beforeEach(() => {
	clock = new Clock();
	end = new AbortController();
	({ signal } = end);
});

afterEach(() => clock.restore());

const listeners = () => getEventListeners(signal, "abort").length;

describe("a wait for a signal", () => {
	test("ends with the signal, not before, and removes its listener", async () => {
		const waiting = aborted(signal);
		await clock.pass(60_000);
		expect(await settled(waiting)).toBe(false);
		expect(listeners()).toBe(1);
		end.abort();
		expect(await settled(waiting)).toBe(true);
		expect(listeners()).toBe(0);
	});

	test("that is already aborted ends at once", async () => {
		end.abort();
		expect(await settled(aborted(signal))).toBe(true);
	});
});

describe("a pause", () => {
	test("ends after its time, not earlier, and leaves nothing behind", async () => {
		const waiting = pause(1000, signal);
		await clock.pass(999);
		expect(await settled(waiting)).toBe(false);
		await clock.pass(1);
		expect(await settled(waiting)).toBe(true);
		expect([clock.pending, listeners()]).toEqual([0, 0]);
	});

	test("ends with the signal, and leaves nothing behind", async () => {
		const waiting = pause(1000, signal);
		expect([clock.pending, listeners()]).toEqual([1, 1]);
		end.abort();
		expect(await settled(waiting)).toBe(true);
		expect([clock.pending, listeners()]).toEqual([0, 0]);
	});

	test("of no time, or with a signal that is already aborted, ends at once", async () => {
		for (const ms of [0, -1]) expect(await settled(pause(ms, signal))).toBe(true);
		end.abort();
		expect(await settled(pause(1000, signal))).toBe(true);
		expect([clock.pending, listeners()]).toEqual([0, 0]);
	});
});

describe("work with a time limit", () => {
	const late = () => new Error("too late");
	let work: PromiseWithResolvers<string>;
	let waiting: Promise<string>;

	beforeEach(() => {
		work = Promise.withResolvers();
		waiting = within(1000, work.promise, late);
		waiting.catch(() => {});
	});

	test("that is done in time gives its result, and leaves no timer behind", async () => {
		await clock.pass(999);
		expect(await settled(waiting)).toBe(false);
		work.resolve("done");
		expect(await waiting).toBe("done");
		expect(clock.pending).toBe(0);
	});

	test("that fails in time rejects with its own error, and leaves no timer behind", async () => {
		work.reject(new Error("broken"));
		await expect(waiting).rejects.toThrow("broken");
		expect(clock.pending).toBe(0);
	});

	test("that is not done in time is given up; if it fails later, that is not reported", async () => {
		await clock.pass(1000);
		await expect(waiting).rejects.toThrow("too late");
		expect(clock.pending).toBe(0);
		work.reject(new Error("broken"));
		// An unhandled rejection would fail the test.
		await turn();
	});
});

describe("a regular check", () => {
	let looks: number[];
	let stalls: number[];
	let timer: Timer;

	beforeEach(() => {
		looks = [];
		stalls = [];
		const start = clock.now;
		const look = () => looks.push(clock.now - start);
		timer = whileAwake(1000, look, (stalledMs) => stalls.push(stalledMs));
	});

	afterEach(() => {
		clearInterval(timer);
		expect(clock.pending, "timers left running").toBe(0);
	});

	test("runs each time, but not at once", async () => {
		await clock.pass(3500);
		expect(looks).toEqual([1000, 2000, 3000]);
	});

	test("does not run when it is overdue because the process was suspended, and runs again after that", async () => {
		await clock.pass(1000);
		clock.stall(45_000);
		await clock.pass(0);
		expect(looks, "what arrived in the meantime must be read first").toEqual([1000]);
		expect(stalls, "since the last check").toEqual([45_000]);
		await clock.pass(999);
		expect(looks).toEqual([1000]);
		await clock.pass(1);
		expect(looks).toEqual([1000, 47_000]);
	});

	test("that is a little late runs all the same", async () => {
		clock.stall(STALL_MS);
		await clock.pass(0);
		expect(looks).toEqual([STALL_MS]);
		clock.stall(STALL_MS + 1);
		await clock.pass(0);
		expect(looks).toEqual([STALL_MS]);
	});
});

describe("paced work", () => {
	let ran: number[];
	let paced: Paced;

	beforeEach(() => {
		ran = [];
		const begun = clock.now;
		paced = new Paced(100, () => ran.push(clock.now - begun));
	});

	test("runs at once after a quiet time, and once more for all calls meanwhile", async () => {
		paced.call();
		expect(ran).toEqual([0]);
		for (let i = 0; i < 50; i++) paced.call();
		await clock.pass(99);
		expect(ran).toEqual([0]);
		await clock.pass(1);
		expect(ran).toEqual([0, 100]);
		await clock.pass(1000);
		paced.call();
		expect(ran).toEqual([0, 100, 1100]);
	});

	test("that is closed no longer runs", async () => {
		paced.call();
		paced.call();
		paced.close();
		await clock.pass(1000);
		expect(ran).toEqual([0]);
		expect(clock.pending).toBe(0);
	});
});
