// Whether the hub's services answer: how often they are probed, over dials that hang until the test says otherwise, and
// what is found, over real sockets.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import type { Duplex } from "../../../src/forward/duplex.ts";
import * as sockets from "../../../src/forward/tcp.ts";
import { HEALTH_DIAL_MS, HEALTH_MS } from "../../../src/hub/limits.ts";
import { ServiceHealth } from "../../../src/hub/service-health.ts";
import type { ServiceState } from "../../../src/protocol/control-messages.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

const PORTS = [3000, 8000, 4000];
const ADDRESSES = PORTS.map((port) => ({ host: "127.0.0.1", port }));
const ALL_UP = [true, true, true];

const up = (states: ServiceState[]) => states.map((state) => state.up);

describe("over dials that the test answers:", () => {
	let clock: Clock;
	let dialling: Mock<typeof sockets.dial>;
	/** Dials under way, by port. */
	let hanging: Map<number, (answers: boolean) => void>;
	let aborted: number;
	let health: ServiceHealth;
	/** What was told, one entry for each time. */
	let told: boolean[][];

	beforeEach(() => {
		clock = new Clock();
		hanging = new Map();
		aborted = 0;
		const socket = { abort: () => void aborted++ } as unknown as Duplex;
		dialling = spyOn(sockets, "dial").mockImplementation(({ port }) => {
			const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
			hanging.set(port, (answers) => {
				hanging.delete(port);
				if (answers) resolve(socket);
				else reject(new Error("connection refused"));
			});
			return promise;
		});
		told = [];
		health = new ServiceHealth(ADDRESSES);
		health.onChange = (states) => told.push(up(states));
	});

	afterEach(() => {
		health.watch(false);
		const { intervals } = clock;
		clock.restore();
		dialling.mockRestore();
		expect(intervals, "intervals left running").toBe(0);
	});

	/** The services say whether they are there. */
	async function answer(...answers: boolean[]): Promise<void> {
		for (const [i, port] of PORTS.entries()) hanging.get(port)?.(answers[i] ?? true);
		await turn();
	}

	/** How many probes there were since the last time: each dials every service once, and is answered. */
	async function probes(): Promise<number> {
		const dialled = dialling.mock.calls.map(([{ port }]) => port);
		dialling.mockClear();
		const times = dialled.length / PORTS.length;
		expect(dialled).toEqual(Array.from({ length: Math.ceil(times) }, () => PORTS).flat());
		await answer();
		return times;
	}

	test("while a peer is connected the services are probed every five seconds, not more often", async () => {
		health.watch(true);
		await clock.pass(HEALTH_MS / 2);
		// Each peer that comes says so.
		health.watch(true);
		await clock.pass(HEALTH_MS / 2 - 1);
		expect(await probes()).toBe(0);
		await clock.pass(1);
		expect(await probes()).toBe(1);
		await clock.pass(HEALTH_MS - 1);
		expect(await probes()).toBe(0);
		await clock.pass(1);
		expect(await probes()).toBe(1);
	});

	test("nothing is dialled once the last peer has left, until one comes again", async () => {
		health.watch(true);
		await clock.pass(HEALTH_MS - 1);
		health.watch(false);
		health.watch(false);
		await clock.pass(10 * HEALTH_MS);
		expect(await probes()).toBe(0);
		health.watch(true);
		await clock.pass(HEALTH_MS);
		expect(await probes()).toBe(1);
	});

	test("a probe that takes long is joined, not begun a second time", async () => {
		health.watch(true);
		const probing = [health.probe(), health.fresh()];
		await clock.pass(2 * HEALTH_MS);
		probing.push(health.probe());
		expect(dialling.mock.calls.map(([, timeoutMs]) => timeoutMs)).toEqual(PORTS.map(() => HEALTH_DIAL_MS));
		for (const one of probing) expect(await settled(one)).toBe(false);
		expect(await probes()).toBe(1);
		for (const one of probing) expect(await settled(one)).toBe(true);
		const next = health.probe();
		expect(await probes(), "the one after it is a new one").toBe(1);
		await next;
		expect(aborted, "no socket is kept").toBe(2 * PORTS.length);
	});

	test("what was probed within five seconds is new enough for a peer that comes", async () => {
		const first = health.fresh();
		expect(await settled(first)).toBe(false);
		expect(await probes()).toBe(1);
		await first;
		await clock.pass(HEALTH_MS - 1);
		expect(await settled(health.fresh())).toBe(true);
		expect(await probes()).toBe(0);
		await clock.pass(1);
		const second = health.fresh();
		expect(await probes()).toBe(1);
		await second;
	});

	test("what a dial learned is told at once, and only when it is new", async () => {
		health.learned(1, true);
		expect(told).toEqual([]);
		health.learned(1, false);
		expect(told).toEqual([[true, false, true]]);
		health.learned(1, false);
		health.learned(3, false);
		health.learned(-1, false);
		expect(told).toHaveLength(1);
		health.learned(1, true);
		expect(told).toEqual([[true, false, true], ALL_UP]);
	});

	test("what a probe finds is told only when it is new", async () => {
		void health.probe();
		await answer(true, true, true);
		expect(told).toEqual([]);
		void health.probe();
		await answer(true, false, true);
		expect(told).toEqual([[true, false, true]]);
		void health.probe();
		await answer(true, false, true);
		expect(told).toHaveLength(1);
		void health.probe();
		await answer();
		expect(told).toEqual([[true, false, true], ALL_UP]);
	});

	test("a service whose host does not answer keeps nobody from hearing that another one is down", async () => {
		const probing = health.probe();
		hanging.get(3000)?.(false);
		await turn();
		expect(told).toEqual([[false, true, true]]);
		expect(up(health.states()), "a peer that comes now is told so").toEqual([false, true, true]);
		await answer(false, true, false);
		await probing;
		expect(told.at(-1)).toEqual([false, true, false]);
	});

	test("a service that was started during a probe is not called down by what the probe found before", async () => {
		const probing = health.probe();
		hanging.get(3000)?.(false);
		await turn();
		health.learned(0, true);
		await answer();
		await probing;
		expect(up(health.states())).toEqual(ALL_UP);
		expect(told.at(-1)).toEqual(ALL_UP);
	});

	test("a service that was started while a probe's dial hung is not called down when that gives up", async () => {
		health.watch(true);
		await clock.pass(HEALTH_MS);
		health.learned(0, false, clock.now);
		await clock.pass(1200);
		// A peer asks for it, and gets it.
		health.learned(0, true, clock.now);
		hanging.get(3000)?.(false);
		await turn();
		expect(up(health.states())[0]).toBe(true);
		expect(told).toEqual([
			[false, true, true],
			[true, true, true],
		]);
	});

	test("the states that are handed out are copies", () => {
		const given: ServiceState[][] = [health.states()];
		health.onChange = (states) => given.push(states);
		health.learned(2, false);
		for (const states of given) {
			for (const state of states) Object.assign(state, { up: !state.up, name: "mine" });
			states.pop();
		}
		expect(health.states()).toEqual([
			{ port: 1, name: "frontend", address: "127.0.0.1:3000", up: true },
			{ port: 2, name: "backend", address: "127.0.0.1:8000", up: true },
			{ port: 3, name: "websocket", address: "127.0.0.1:4000", up: false },
		]);
	});
});

test("a service that listens is up, one that does not is down, and no connection to it is kept", async () => {
	const ends = Promise.withResolvers<void>();
	const service = Bun.listen({
		hostname: "127.0.0.1",
		port: 0,
		socket: { data() {}, close: () => ends.resolve() },
	});
	const nobody = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	const down = { host: "127.0.0.1", port: nobody.port };
	nobody.stop();
	const health = new ServiceHealth([down, { host: "127.0.0.1", port: service.port }, down]);
	await health.probe();
	expect(up(health.states())).toEqual([false, true, false]);
	// What was opened to probe is closed again.
	await ends.promise;
	service.stop();
	await health.probe();
	expect(up(health.states())).toEqual([false, false, false]);
});
