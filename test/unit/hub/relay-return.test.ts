// A relay that was away and is back, with a clock that the test controls: when the hub's endpoint is bound again for it,
// and when not. The test decides what probes find and what the relay answers.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RELAY_BACK_PROBE_MS } from "../../../src/hub/limits.ts";
import type { RelayProbe } from "../../../src/hub/relay-probe.ts";
import { RelayReturn } from "../../../src/hub/relay-return.ts";
import type { RelayEvent } from "../../../src/hub/relay-watchdog.ts";
import type { Endpoint } from "../../../src/transport/endpoint.ts";
import { RELAY_LOOK_MAX_MS, RELAY_PING_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled } from "../../support/native-halves.ts";
import { type Answers, answerPings } from "../../support/pings.ts";

const HOME = "http://home.example/";
const UP: Answers = { [`${HOME}ping`]: 200 };
const DOWN: Answers = { [`${HOME}ping`]: new Error("connection refused") };

let clock: Clock;
let answers: Answers;
let pinging: ReturnType<typeof answerPings>;
let stop: AbortController;
let relayReturn: RelayReturn;
/** What happened, in order. */
let happened: (RelayEvent | "bound again")[];
/** How long each probe may take. */
let probes: number[];
/** What a probe finds. */
let reached: boolean | Error;
let inUse: boolean;
let bound: PromiseWithResolvers<void>;

beforeEach(() => {
	clock = new Clock();
	answers = DOWN;
	pinging = answerPings(() => answers);
	stop = new AbortController();
	[happened, probes, reached, inUse] = [[], [], false, false];
	bound = Promise.withResolvers();
	bound.resolve();
	const endpoint = {
		address: () => ({ relayUrl: () => HOME }),
		async rebind(signal: AbortSignal) {
			expect(signal).toBe(stop.signal);
			happened.push("bound again");
			await bound.promise;
		},
	};
	const probe = {
		async reaches(timeoutMs: number) {
			probes.push(timeoutMs);
			if (reached instanceof Error) throw reached;
			return reached;
		},
	};
	const options = {
		endpoint: endpoint as unknown as Endpoint,
		probe: probe as unknown as RelayProbe,
		isInUse: () => inUse,
		onEvent: (event: RelayEvent) => happened.push(event),
	};
	relayReturn = new RelayReturn(options, stop.signal);
});

afterEach(async () => {
	stop.abort();
	await relayReturn.settled();
	pinging.mockRestore();
	clock.restore();
});

/** A peer falls silent, and the relay is away for some time. */
async function away(ms = 30_000): Promise<void> {
	relayReturn.suspect();
	await clock.pass(ms);
	expect(happened, "while it is away there is nothing to be done").toEqual([]);
	answers = UP;
}

describe("a hub whose relay is back", () => {
	test("but does not lead to it binds its endpoint again, and its owner is told first", async () => {
		await away();
		await clock.pass(RELAY_LOOK_MAX_MS);
		expect(happened).toEqual([{ type: "relay_returned" }, "bound again"]);
		expect(probes).toEqual([RELAY_BACK_PROBE_MS]);
	});

	test("and leads to it already does nothing", async () => {
		await away();
		reached = true;
		await clock.pass(RELAY_LOOK_MAX_MS);
		expect(probes).toHaveLength(1);
		expect(happened).toEqual([]);
	});

	test("ends nothing that a peer uses, over a direct path or, since the probe began, through the relay", async () => {
		inUse = true;
		await away();
		await clock.pass(RELAY_LOOK_MAX_MS);
		expect(probes).toHaveLength(1);
		expect(happened).toEqual([]);
	});

	test("does so after each outage", async () => {
		for (let i = 1; i <= 3; i++) {
			answers = DOWN;
			relayReturn.suspect();
			await clock.pass(10_000);
			answers = UP;
			await clock.pass(RELAY_LOOK_MAX_MS);
			expect(happened.filter((one) => one === "bound again")).toHaveLength(i);
		}
	});

	test("does so once, however many peers have fallen silent", async () => {
		relayReturn.suspect();
		relayReturn.suspect();
		await away();
		relayReturn.suspect();
		await clock.pass(RELAY_LOOK_MAX_MS);
		expect(happened).toEqual([{ type: "relay_returned" }, "bound again"]);
	});

	test("goes on when a probe fails for a reason of its own", async () => {
		reached = new Error("too many open files");
		await away();
		await clock.pass(RELAY_LOOK_MAX_MS);
		expect(happened).toEqual([{ type: "relay_probe_failed", reason: "too many open files" }]);
	});
});

test("a peer that has merely gone costs one look at the relay, and no probe", async () => {
	answers = UP;
	relayReturn.suspect();
	await clock.pass(60_000);
	expect(pinging).toHaveBeenCalledTimes(1);
	expect(probes).toEqual([]);
});

describe("a hub that is stopped", () => {
	test("while its relay is away does not wait", async () => {
		relayReturn.suspect();
		await clock.pass(RELAY_PING_MS);
		expect(await settled(relayReturn.settled())).toBe(false);
		stop.abort();
		expect(await settled(relayReturn.settled())).toBe(true);
		expect(happened).toEqual([]);
	});

	test("while it is being bound again waits until that is done", async () => {
		bound = Promise.withResolvers();
		await away();
		await clock.pass(RELAY_LOOK_MAX_MS);
		stop.abort();
		expect(await settled(relayReturn.settled())).toBe(false);
		bound.resolve();
		expect(await settled(relayReturn.settled())).toBe(true);
	});
});
