// Whether the hub's services answer: how often they are probed, with dials that the test answers, and what probes find,
// with real sockets.
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

describe("with dials that the test answers:", () => {
	let clock: Clock;
	let dialling: Mock<typeof sockets.dial>;
	/** Dials under way, by port. */
	let hanging: Map<number, (answers: boolean) => void>;
	let aborted: number;
	let health: ServiceHealth;
	/** The states that were reported, each time. */
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

	/** Answers the dials under way: true for a service that is up. */
	async function answer(...answers: boolean[]): Promise<void> {
		for (const [i, port] of PORTS.entries()) hanging.get(port)?.(answers[i] ?? true);
		await turn();
	}

	/** How many probes there were since the last call: each dials every service once, and is answered now. */
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
		// As each peer that joins does.
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

	test("nothing is dialled after the last peer has left, until one comes again", async () => {
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

	test("a probe that takes long is shared, not begun a second time", async () => {
		health.watch(true);
		const probing = [health.probe(), health.fresh()];
		await clock.pass(2 * HEALTH_MS);
		probing.push(health.probe());
		expect(dialling.mock.calls.map(([, timeoutMs]) => timeoutMs)).toEqual(PORTS.map(() => HEALTH_DIAL_MS));
		for (const one of probing) expect(await settled(one)).toBe(false);
		expect(await probes()).toBe(1);
		for (const one of probing) expect(await settled(one)).toBe(true);
		const next = health.probe();
		expect(await probes(), "the next one is a new probe").toBe(1);
		await next;
		expect(aborted, "sockets that were closed").toBe(2 * PORTS.length);
	});

	test("a probe of the last five seconds is fresh enough for a new peer", async () => {
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

	test("what a dial finds is reported at once, and only if it is new", async () => {
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

	test("what a probe finds is reported only if it is new", async () => {
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

	test("a service whose host does not answer does not delay the news that another one is down", async () => {
		const probing = health.probe();
		hanging.get(3000)?.(false);
		await turn();
		expect(told).toEqual([[false, true, true]]);
		expect(up(health.states()), "the states that a new peer gets").toEqual([false, true, true]);
		await answer(false, true, false);
		await probing;
		expect(told.at(-1)).toEqual([false, true, false]);
	});

	test("a service that was started during a probe is not reported as down by what the probe found before", async () => {
		const probing = health.probe();
		hanging.get(3000)?.(false);
		await turn();
		health.learned(0, true);
		await answer();
		await probing;
		expect(up(health.states())).toEqual(ALL_UP);
		expect(told.at(-1)).toEqual(ALL_UP);
	});

	test("a service that was started while a probe's dial hung is not reported as down when that gives up", async () => {
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
	// The probe's connection is closed again.
	await ends.promise;
	service.stop();
	await health.probe();
	expect(up(health.states())).toEqual([false, false, false]);
});
