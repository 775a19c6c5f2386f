// The watchdog that checks whether the relay leads to the hub, with a clock that the test controls: when it binds the
// hub's endpoint again, and when not. The test decides what probes find and what relays answer.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RELAY_CHECK_LOST_MS, RELAY_CHECK_MS, RELAY_LOST_MS, RELAY_PROBE_MS } from "../../../src/hub/limits.ts";
import type { RelayProbe } from "../../../src/hub/relay-probe.ts";
import { type RelayEvent, watchRelay } from "../../../src/hub/relay-watchdog.ts";
import type { Endpoint } from "../../../src/transport/endpoint.ts";
import { RELAY_PING_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";
import { type Answers, answerPings } from "../../support/pings.ts";

const RELAYS = ["http://one.example/", "http://other.example/"];

let clock: Clock;
let pinging: ReturnType<typeof answerPings>;
/** What each relay answers to a ping. */
let relays: Answers;
let endpoint: Watched;
let end: AbortController;
let watching: Promise<void>;
/** Losses of the relay and rebinds of the endpoint, in order. */
let happened: (RelayEvent | "bound again")[];
/** The reasons why checks failed. */
let failures: string[];

beforeEach(async () => {
	clock = new Clock();
	[happened, failures] = [[], []];
	relays = { "http://one.example/ping": 200, "http://other.example/ping": 200 };
	pinging = answerPings(() => relays);
	watch(new Watched(RELAYS));
	await turn();
});

afterEach(async () => {
	end.abort();
	endpoint.bound();
	await watching;
	clock.restore();
	pinging.mockRestore();
});

/** The endpoint, which the relay leads to or not, and its probe. */
class Watched {
	/** What a probe finds; undefined: it hangs. */
	reached: boolean | Error | undefined = true;
	/** When it was probed, and how long each probe may take. */
	readonly probes: { at: number; timeoutMs: number }[] = [];
	rebinds = 0;
	#urls: string[];
	#bound: Promise<void> | undefined;
	bound = () => {};

	constructor(urls: string[]) {
		this.#urls = urls;
	}

	/** From now on, binding it again takes until {@link bound} is called. */
	bindSlowly(): void {
		({ promise: this.#bound, resolve: this.bound } = Promise.withResolvers<void>());
	}

	async relayUrls(): Promise<string[]> {
		return this.#urls;
	}

	async reaches(timeoutMs: number): Promise<boolean> {
		this.probes.push({ at: clock.now, timeoutMs });
		if (this.reached instanceof Error) throw this.reached;
		return this.reached ?? new Promise(() => {});
	}

	async rebind(stop: AbortSignal): Promise<void> {
		expect(stop).toBe(end.signal);
		happened.push("bound again");
		this.rebinds++;
		await this.#bound;
	}
}

function watch(one: Watched): void {
	endpoint = one;
	end = new AbortController();
	const onEvent = (event: RelayEvent) => {
		if (event.type === "relay_probe_failed") failures.push(event.reason);
		else happened.push(event);
	};
	const watch = { endpoint: one as unknown as Endpoint, probe: one as unknown as RelayProbe, onEvent };
	watching = watchRelay(watch, end.signal);
}

/** The first probe, which comes soon and succeeds; from then on the next one is due in {@link RELAY_CHECK_MS}. */
async function reachedOnce(): Promise<void> {
	await clock.pass(RELAY_CHECK_LOST_MS);
	expect(endpoint.probes).toHaveLength(1);
}

/** Then the first probe that fails: the relay is lost from now on. */
async function lost(): Promise<void> {
	await reachedOnce();
	endpoint.reached = false;
	await clock.pass(RELAY_CHECK_MS);
	expect(endpoint.probes).toHaveLength(2);
}

describe("a hub whose relay no longer leads to it", () => {
	test("is bound again after a minute, not earlier, and its owner is told first", async () => {
		await lost();
		await clock.pass(RELAY_LOST_MS - 1);
		expect(happened).toEqual([]);
		await clock.pass(1);
		expect(happened).toEqual([{ type: "relay_lost", afterMs: 60_000 }, "bound again"]);
	});

	test("is probed after ten seconds, then every minute while the relay works, and every ten seconds while it does not", async () => {
		const start = clock.now;
		await lost();
		await clock.pass(3 * RELAY_CHECK_LOST_MS);
		endpoint.reached = true;
		await clock.pass(RELAY_CHECK_LOST_MS + 2 * RELAY_CHECK_MS);
		const seconds = endpoint.probes.map(({ at }) => (at - start) / 1000);
		expect(seconds).toEqual([10, 70, 80, 90, 100, 110, 170, 230]);
		expect(new Set(endpoint.probes.map(({ timeoutMs }) => timeoutMs))).toEqual(new Set([RELAY_PROBE_MS]));
	});

	test("and then leads to it once has to be lost for another minute", async () => {
		await lost();
		await clock.pass(RELAY_LOST_MS - RELAY_CHECK_LOST_MS - 1);
		endpoint.reached = true;
		await clock.pass(1);
		endpoint.reached = false;
		await clock.pass(RELAY_CHECK_MS + RELAY_LOST_MS - 1);
		expect(endpoint.rebinds).toBe(0);
		await clock.pass(1);
		expect(endpoint.rebinds).toBe(1);
	});

	test("is not bound a second time until its relay has led to it again", async () => {
		await lost();
		await clock.pass(RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
		await clock.pass(100 * RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
		endpoint.reached = true;
		await clock.pass(RELAY_CHECK_MS);
		endpoint.reached = false;
		await clock.pass(RELAY_CHECK_MS + RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(2);
	});

	test("is probed again soon after it has been bound", async () => {
		await lost();
		endpoint.bindSlowly();
		await clock.pass(RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
		const { length } = endpoint.probes;
		await clock.pass(10 * RELAY_CHECK_MS);
		expect(endpoint.probes, "while it is being bound there is nothing to probe").toHaveLength(length);
		endpoint.bound();
		await clock.pass(RELAY_CHECK_LOST_MS - 1);
		expect(endpoint.probes).toHaveLength(length);
		await clock.pass(1);
		expect(endpoint.probes).toHaveLength(length + 1);
	});
});

describe("direct connections are not sacrificed", () => {
	test("for a relay that never led to this hub", async () => {
		endpoint.reached = false;
		await clock.pass(100 * RELAY_LOST_MS);
		expect(endpoint.probes.length).toBeGreaterThan(50);
		expect(happened).toEqual([]);
	});

	test("for a relay that never led to this hub, when a check also failed for a reason of its own", async () => {
		endpoint.reached = new Error("too many open files");
		await clock.pass(RELAY_CHECK_MS);
		endpoint.reached = false;
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.probes.length).toBeGreaterThan(10);
		expect(happened).toEqual([]);
	});

	test("while no relay answers at all: refused, silent or with another status", async () => {
		relays = { "http://one.example/ping": new Error("connection refused") };
		await lost();
		await clock.pass(10 * RELAY_LOST_MS);
		relays = { "http://one.example/ping": 503, "http://other.example/ping": 301 };
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.probes.length, "probes go on").toBeGreaterThan(15);
		expect(happened).toEqual([]);
	});

	test("while no relay answers within five seconds; then the checks go on", async () => {
		relays = {};
		await lost();
		await clock.pass(RELAY_PING_MS + RELAY_CHECK_MS - 1);
		expect(endpoint.probes).toHaveLength(2);
		await clock.pass(1);
		expect(endpoint.probes).toHaveLength(3);
	});

	test("until the relay has been lost for a minute after any relay answered again", async () => {
		relays = { "http://one.example/ping": 503, "http://other.example/ping": 503 };
		await lost();
		await clock.pass(10 * RELAY_CHECK_MS);
		relays = { "http://one.example/ping": 503, "http://other.example/ping": 200 };
		await clock.pass(RELAY_CHECK_MS);
		await clock.pass(RELAY_LOST_MS - RELAY_CHECK_LOST_MS);
		expect(endpoint.rebinds).toBe(0);
		await clock.pass(RELAY_CHECK_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
	});

	test("while the relay works, and then no relay is pinged", async () => {
		await clock.pass(10 * RELAY_CHECK_MS);
		expect(endpoint.probes).toHaveLength(10);
		expect(pinging).not.toHaveBeenCalled();
	});

	test("for probes that hang: each is given up, and says nothing about the relay", async () => {
		await reachedOnce();
		endpoint.reached = undefined;
		await clock.pass(RELAY_CHECK_MS);
		expect(endpoint.probes).toHaveLength(2);
		await clock.pass(2 * (RELAY_PROBE_MS + RELAY_PING_MS) + RELAY_CHECK_MS);
		expect(endpoint.probes, "the checks go on").toHaveLength(3);
		await clock.pass(10 * RELAY_LOST_MS);
		expect(happened).toEqual([]);
	});

	test("for checks that fail for a reason of their own: they say nothing about the relay", async () => {
		await reachedOnce();
		endpoint.reached = new Error("too many open files");
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.probes.length).toBeGreaterThan(5);
		expect(happened).toEqual([]);
		expect(new Set(failures)).toEqual(new Set(["too many open files"]));
	});
});

describe("a hub that is stopped", () => {
	test.each([
		["before its first check", async () => {}],
		["while it waits for the next check", reachedOnce],
		[
			"in the middle of a probe that hangs",
			async () => {
				endpoint.reached = undefined;
				await clock.pass(RELAY_CHECK_MS);
				expect(endpoint.probes).toHaveLength(1);
			},
		],
		[
			"while a relay does not answer",
			async () => {
				relays = {};
				await lost();
				expect(pinging).toHaveBeenCalled();
			},
		],
		["while its relay is lost", lost],
	])("%s does not wait, and makes no more checks", async (_, until) => {
		await until();
		expect(await settled(watching)).toBe(false);
		const { length } = endpoint.probes;
		end.abort();
		expect(await settled(watching)).toBe(true);
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.probes).toHaveLength(length);
		expect(happened).toEqual([]);
	});

	test("while it is being bound again waits until that is done", async () => {
		await lost();
		endpoint.bindSlowly();
		await clock.pass(RELAY_LOST_MS);
		end.abort();
		expect(await settled(watching)).toBe(false);
		endpoint.bound();
		expect(await settled(watching)).toBe(true);
	});
});

test("a hub without relays is not probed", async () => {
	end.abort();
	watch(new Watched([]));
	expect(await settled(watching)).toBe(true);
});
