// What the hub knows of its services: when it looks at them, over looks that hang until the test says otherwise, and what
// it makes of looks and dials. What a look is: look.test.ts.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import type { Address } from "../../../src/base/address.ts";
import { Dialer } from "../../../src/forward/dialer.ts";
import { HEALTH_FIRST_MS, HEALTH_MAX_MS } from "../../../src/hub/limits.ts";
import * as looks from "../../../src/hub/look.ts";
import { ServiceHealth } from "../../../src/hub/service-health.ts";
import type { ServiceState } from "../../../src/protocol/control-messages.ts";
import type { SharedService } from "../../../src/protocol/services.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";
import { originalServices } from "../../support/shared-services.ts";

const PORTS = [3000, 8000, 4000];
const ROUTES = originalServices(...PORTS).map((service) => ({ service, dialer: new Dialer(service.address) }));
const ALL_UP = [true, true, true];
const [FRONTEND, BACKEND, WEBSOCKET] = [0, 1, 2] as const;

type Found = "up" | "down" | "unclear";

let clock: Clock;
let random: Mock<typeof Math.random>;
let looking: Mock<typeof looks.look>;
let listening: Mock<typeof looks.whoListens>;
/** Looks under way, by port. */
let hanging: Map<number, (found: Found) => void>;
let health: ServiceHealth;
/** What was told, one entry for each time. */
let told: boolean[][];

const up = (states: ServiceState[]) => states.map((state) => state.up);

beforeEach(() => {
	clock = new Clock();
	// The longest pauses.
	random = spyOn(Math, "random").mockReturnValue(1);
	hanging = new Map();
	looking = spyOn(looks, "look").mockImplementation((dialer) => {
		const { promise, resolve } = Promise.withResolvers<Found>();
		hanging.set(dialer.address.port, resolve);
		return promise;
	});
	listening = spyOn(looks, "whoListens").mockResolvedValue(undefined);
	told = [];
	health = new ServiceHealth(ROUTES);
	health.onChange = (states) => told.push(up(states));
});

afterEach(() => {
	health.watch(false);
	const { pending } = clock;
	clock.restore();
	for (const mock of [random, looking, listening]) mock.mockRestore();
	expect(pending, "timers left").toBe(0);
});

/** What the looks under way have found, service by service. */
async function find(...found: (Found | undefined)[]): Promise<void> {
	for (const [i, port] of PORTS.entries()) {
		const what = found[i];
		if (!what) continue;
		hanging.get(port)?.(what);
		hanging.delete(port);
	}
	await turn();
}

/** The ports that were looked at since the last time. */
const looked = (): number[] => looking.mock.calls.splice(0).map(([dialer]) => dialer.address.port);

/** Everything is known to be up but these. */
function knownDown(...indices: number[]): void {
	for (const i of PORTS.keys()) health.learned(i, !indices.includes(i));
	told.length = 0;
}

describe("a service that is known to be up", () => {
	test("is never looked at, however many peers come and however long they stay", async () => {
		knownDown();
		for (let i = 0; i < 10; i++) {
			health.watch(true);
			await health.fresh();
			await clock.pass(10 * HEALTH_MAX_MS);
		}
		expect(looked()).toEqual([]);
	});

	test("by a look is not looked at again either", async () => {
		health.watch(true);
		void health.fresh();
		await find("up", "up", "up");
		expect(looked()).toEqual(PORTS);
		await clock.pass(10 * HEALTH_MAX_MS);
		await health.fresh();
		expect(looked()).toEqual([]);
	});
});

describe("a service that is down, or of which nothing is known,", () => {
	test("is looked at again and again while a peer is connected, ever more rarely", async () => {
		knownDown(BACKEND);
		health.watch(true);
		const times: number[] = [];
		for (let at = 0; at < 4 * HEALTH_MAX_MS; at += 500) {
			await clock.pass(500);
			if (looked().includes(8000)) times.push(at + 500);
			await find(undefined, "down");
		}
		const pauses = times.map((at, i) => at - (times[i - 1] ?? 0));
		expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30].map((seconds) => seconds * 1000));
		expect(looked()).toEqual([]);
	});

	test("is looked at soon again when it was up in between", async () => {
		knownDown(BACKEND);
		health.watch(true);
		for (let i = 0; i < 8; i++) {
			await clock.pass(HEALTH_MAX_MS);
			await find(undefined, "down");
		}
		looked();
		health.learned(BACKEND, true);
		health.learned(BACKEND, false);
		await clock.pass(HEALTH_FIRST_MS - 1);
		expect(looked()).toEqual([]);
		await clock.pass(1);
		expect(looked()).toEqual([8000]);
		await find(undefined, "up");
	});

	test("is not looked at while no peer is connected", async () => {
		await clock.pass(HEALTH_MAX_MS);
		health.watch(true);
		await clock.pass(HEALTH_FIRST_MS - 1);
		health.watch(false);
		health.watch(false);
		await clock.pass(10 * HEALTH_MAX_MS);
		expect(looked()).toEqual([]);
		health.watch(true);
		await clock.pass(HEALTH_MAX_MS);
		expect(looked()).toEqual(PORTS);
		health.watch(false);
		await find("down", "down", "down");
		await clock.pass(10 * HEALTH_MAX_MS);
		expect(looked(), "a look that ends later begins no other").toEqual([]);
	});

	test("is looked at for a peer that comes, but not again for the next one within a second", async () => {
		knownDown(FRONTEND);
		const first = health.fresh();
		const joined = health.fresh();
		expect(looked()).toEqual([3000]);
		expect([await settled(first), await settled(joined)]).toEqual([false, false]);
		await find("down");
		await Promise.all([first, joined]);
		await clock.pass(HEALTH_FIRST_MS - 1);
		expect(await settled(health.fresh())).toBe(true);
		expect(looked()).toEqual([]);
		await clock.pass(1);
		const second = health.fresh();
		expect(looked()).toEqual([3000]);
		await find("up");
		await second;
		expect(told).toEqual([ALL_UP]);
	});

	test("and whose look takes long is not looked at a second time meanwhile", async () => {
		knownDown(WEBSOCKET);
		health.watch(true);
		await clock.pass(HEALTH_FIRST_MS);
		expect(looked()).toEqual([4000]);
		await clock.pass(10 * HEALTH_MAX_MS);
		void health.probe(WEBSOCKET);
		expect(looked()).toEqual([]);
		await find(undefined, undefined, "down");
		await clock.pass(HEALTH_MAX_MS);
		expect(looked()).toEqual([4000]);
		await find(undefined, undefined, "down");
	});
});

describe("a look that is unclear", () => {
	test("is no news: a service whose name takes long to resolve does not flap", async () => {
		knownDown(FRONTEND);
		health.watch(true);
		for (let i = 0; i < 10; i++) {
			await clock.pass(HEALTH_MAX_MS);
			await find("unclear");
		}
		expect(told, "down stays down").toEqual([]);
		health.learned(FRONTEND, true);
		expect(told).toEqual([ALL_UP]);
	});

	test("leaves a service of which nothing is known as it was: up, as far as peers are told", async () => {
		void health.fresh();
		await find("unclear", "unclear", "down");
		expect(up(health.states())).toEqual([true, true, false]);
		expect(told).toEqual([[true, true, false]]);
	});
});

test("what a dial learned is told at once, and only when it is new", () => {
	health.learned(BACKEND, true);
	expect(told).toEqual([]);
	health.learned(BACKEND, false);
	expect(told).toEqual([[true, false, true]]);
	health.learned(BACKEND, false);
	health.learned(3, false);
	health.learned(-1, false);
	expect(told).toHaveLength(1);
	health.learned(BACKEND, true);
	expect(told).toEqual([[true, false, true], ALL_UP]);
});

test("a service whose host does not answer keeps nobody from hearing that another one is down", async () => {
	const looking = health.fresh();
	await find("down");
	expect(told).toEqual([[false, true, true]]);
	expect(up(health.states()), "a peer that comes now is told so").toEqual([false, true, true]);
	await find(undefined, "up", "down");
	await looking;
	expect(told.at(-1)).toEqual([false, true, false]);
});

test("a service that was reached during a look is not called down by what the look found before", async () => {
	const looking = health.fresh();
	await clock.pass(1200);
	// A peer asks for it, and gets it.
	health.learned(FRONTEND, true, clock.now);
	await find("down", "up", "up");
	await looking;
	expect(up(health.states())).toEqual(ALL_UP);
	expect(told).toEqual([]);
});

describe("the system's table of listeners", () => {
	test("is enough after the first look, until it lists a service that could not be dialled", async () => {
		const probed = async () => {
			void health.probe(FRONTEND);
			await find("down");
			return looking.mock.calls.splice(0).map(([, way]) => way);
		};
		expect(await probed()).toEqual(["table, then connection"]);
		expect(await probed()).toEqual(["table"]);
		listening.mockResolvedValue("listening");
		health.learned(FRONTEND, false);
		expect(await health.listenerElsewhere(FRONTEND)).toBeUndefined();
		expect(await probed()).toEqual(["connection"]);
		health.learned(FRONTEND, true);
		health.learned(FRONTEND, false);
		listening.mockResolvedValue(undefined);
		await health.listenerElsewhere(FRONTEND);
		expect(await probed()).toEqual(["table"]);
	});

	test("tells who listens elsewhere", async () => {
		const owner = { address: { host: "192.0.2.7", port: 3000 }, pid: 7, program: "node" };
		listening.mockResolvedValue(owner);
		expect(await health.listenerElsewhere(FRONTEND)).toEqual(owner);
	});
});

describe("what the person at the hub is told", () => {
	test("of a service that is out of reach: once for each reason, until it was reached", () => {
		expect(health.isNews(FRONTEND, "down")).toBe(true);
		expect(health.isNews(FRONTEND, "down")).toBe(false);
		expect(health.isNews(BACKEND, "down")).toBe(true);
		expect(health.isNews(FRONTEND, "descriptors")).toBe(true);
		health.learned(FRONTEND, true);
		expect(health.isNews(FRONTEND, "descriptors")).toBe(true);
	});

	test("of its address: when it answers at another one than was stated, and when that changes", () => {
		const [stated, other] = ["127.0.0.1", "::1"].map((host) => ({ host, port: 3000 })) as [Address, Address];
		const news = [stated, other, other, stated, stated].map((at) => health.isNewAddress(FRONTEND, at));
		expect(news).toEqual([false, true, false, true, false]);
		const [service] = originalServices({ host: "localhost", port: 1 }) as [SharedService];
		const named = new ServiceHealth([{ service, dialer: new Dialer(service.address) }]);
		expect(named.isNewAddress(0, other), "a name leads where it leads").toBe(false);
	});
});

test("the states that are handed out are copies", () => {
	const given: ServiceState[][] = [health.states()];
	health.onChange = (states) => given.push(states);
	health.learned(WEBSOCKET, false);
	for (const states of given) {
		for (const state of states) Object.assign(state, { up: !state.up, name: "mine" });
		states.pop();
	}
	expect(health.states()).toEqual([
		{ port: 1, name: "frontend", scheme: "http", address: "127.0.0.1:3000", up: true },
		{ port: 2, name: "backend", scheme: "http", address: "127.0.0.1:8000", up: true },
		{ port: 3, name: "websocket", scheme: "ws", address: "127.0.0.1:4000", up: false },
	]);
});
