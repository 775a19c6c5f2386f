// The hub that watches whether its relay leads to it, over a clock that the test holds: when it starts its network part
// again, and when it leaves it alone. What the looks find and what the relays answer is made up.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { EventEmitter } from "node:events";
import * as http from "node:http";
import {
	RELAY_CHECK_LOST_MS,
	RELAY_CHECK_MS,
	RELAY_LOOK_MS,
	RELAY_LOST_MS,
	RELAY_PROBE_MS,
} from "../../../src/hub/limits.ts";
import { watchRelay } from "../../../src/hub/relay-watchdog.ts";
import type { Endpoint } from "../../../src/transport/endpoint.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

const RELAYS = ["http://one.example/", "http://other.example/"];

let clock: Clock;
let printed: Mock<typeof process.stderr.write>;
let pinging: Mock<typeof http.get>;
/** What a relay answers when it is asked; undefined hangs, an Error breaks the connection. */
let relays: Record<string, number | Error | undefined>;
let endpoint: Watched;
let end: AbortController;
let watching: Promise<void>;
/** What happened to the hub and its peers, in that order. */
let happened: string[];

beforeEach(async () => {
	clock = new Clock();
	happened = [];
	printed = spyOn(process.stderr, "write").mockImplementation((text) => {
		happened.push(String(text).trim());
		return true;
	});
	relays = { "http://one.example/ping": 200, "http://other.example/ping": 200 };
	pinging = spyOn(http, "get").mockImplementation(ping as unknown as typeof http.get);
	watch(new Watched(RELAYS));
	await turn();
});

afterEach(async () => {
	end.abort();
	endpoint.bound();
	await watching;
	clock.restore();
	for (const mock of [printed, pinging]) mock.mockRestore();
});

/** One that the relay leads to, or does not. */
class Watched {
	/** What a look finds; undefined while it hangs, whatever happens. */
	seen: boolean | Error | undefined = true;
	/** When it was looked at, and how long a look may take. */
	readonly looks: { at: number; timeoutMs: number }[] = [];
	rebinds = 0;
	#urls: string[];
	#bound: Promise<void> | undefined;
	bound = () => {};

	constructor(urls: string[]) {
		this.#urls = urls;
	}

	/** From now on binding it again takes until {@link bound}. */
	bindSlowly(): void {
		({ promise: this.#bound, resolve: this.bound } = Promise.withResolvers<void>());
	}

	async relayUrls(): Promise<string[]> {
		return this.#urls;
	}

	async seenByRelay(timeoutMs: number): Promise<boolean> {
		this.looks.push({ at: clock.now, timeoutMs });
		if (this.seen instanceof Error) throw this.seen;
		return this.seen ?? new Promise(() => {});
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
	watching = watchRelay(one as unknown as Endpoint, () => happened.push("peers told"), end.signal);
}

/** As node's, which ends a silent request by its own clock. */
function ping(url: URL, { timeout }: http.RequestOptions, onResponse: (response: unknown) => void): EventEmitter {
	const request = Object.assign(new EventEmitter(), { destroy: (error: Error) => request.emit("error", error) });
	const answer = relays[url.href];
	queueMicrotask(() => {
		if (answer instanceof Error) request.emit("error", answer);
		else if (answer !== undefined) onResponse({ statusCode: answer, resume() {} });
		else setTimeout(() => request.emit("timeout"), timeout);
	});
	return request;
}

/** The first look, which comes soon and sees it; from then on the next one is due in {@link RELAY_CHECK_MS}. */
async function seenOnce(): Promise<void> {
	await clock.pass(RELAY_CHECK_LOST_MS);
	expect(endpoint.looks).toHaveLength(1);
}

/** After that: the first look that does not see it. It is lost from now on. */
async function lost(): Promise<void> {
	await seenOnce();
	endpoint.seen = false;
	await clock.pass(RELAY_CHECK_MS);
	expect(endpoint.looks).toHaveLength(2);
}

describe("a hub that its relay no longer leads to", () => {
	test("starts its network part again after a minute, not earlier; its screen and its peers are told before", async () => {
		await lost();
		await clock.pass(RELAY_LOST_MS - 1);
		expect(happened).toEqual([]);
		await clock.pass(1);
		expect(happened).toEqual([
			"No relay for 60 s: starting the network part again. Peers come back by themselves.",
			"peers told",
			"bound again",
		]);
	});

	test("looks soon for the first time, every minute while all is well, and every ten seconds once it is not", async () => {
		const start = clock.now;
		await lost();
		await clock.pass(3 * RELAY_CHECK_LOST_MS);
		endpoint.seen = true;
		await clock.pass(RELAY_CHECK_LOST_MS + 2 * RELAY_CHECK_MS);
		const seconds = endpoint.looks.map(({ at }) => (at - start) / 1000);
		expect(seconds).toEqual([10, 70, 80, 90, 100, 110, 170, 230]);
		expect(new Set(endpoint.looks.map(({ timeoutMs }) => timeoutMs))).toEqual(new Set([RELAY_LOOK_MS]));
	});

	test("and then does lead to it once has to be lost for another minute", async () => {
		await lost();
		await clock.pass(RELAY_LOST_MS - RELAY_CHECK_LOST_MS - 1);
		endpoint.seen = true;
		await clock.pass(1);
		endpoint.seen = false;
		await clock.pass(RELAY_CHECK_MS + RELAY_LOST_MS - 1);
		expect(endpoint.rebinds).toBe(0);
		await clock.pass(1);
		expect(endpoint.rebinds).toBe(1);
	});

	test("is not bound a second time before its relay has led to it again", async () => {
		await lost();
		await clock.pass(RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
		await clock.pass(100 * RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
		endpoint.seen = true;
		await clock.pass(RELAY_CHECK_MS);
		endpoint.seen = false;
		await clock.pass(RELAY_CHECK_MS + RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(2);
	});

	test("is looked at soon again from the moment that it is bound", async () => {
		await lost();
		endpoint.bindSlowly();
		await clock.pass(RELAY_LOST_MS);
		expect(endpoint.rebinds).toBe(1);
		const { length } = endpoint.looks;
		await clock.pass(10 * RELAY_CHECK_MS);
		expect(endpoint.looks, "while it is being bound there is nothing to look at").toHaveLength(length);
		endpoint.bound();
		await clock.pass(RELAY_CHECK_LOST_MS - 1);
		expect(endpoint.looks).toHaveLength(length);
		await clock.pass(1);
		expect(endpoint.looks).toHaveLength(length + 1);
	});
});

describe("direct connections are not ended for a relay", () => {
	test("that never led here", async () => {
		endpoint.seen = false;
		await clock.pass(100 * RELAY_LOST_MS);
		expect(endpoint.looks.length).toBeGreaterThan(50);
		expect(happened).toEqual([]);
	});

	test("that never led here, of which one look failed for a reason of its own", async () => {
		endpoint.seen = new Error("too many open files");
		await clock.pass(RELAY_CHECK_MS);
		endpoint.seen = false;
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.looks.length).toBeGreaterThan(10);
		expect(happened).toEqual([]);
	});

	test("while no relay answers anybody, by refusal, by silence or by another status", async () => {
		relays = { "http://one.example/ping": new Error("connection refused") };
		await lost();
		await clock.pass(10 * RELAY_LOST_MS);
		relays = { "http://one.example/ping": 503, "http://other.example/ping": 301 };
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.looks.length, "it is looked at all the time").toBeGreaterThan(15);
		expect(happened).toEqual([]);
	});

	test("while relays do not answer within five seconds, and the hub looks on after those", async () => {
		relays = {};
		await lost();
		await clock.pass(RELAY_PROBE_MS + RELAY_CHECK_MS - 1);
		expect(endpoint.looks).toHaveLength(2);
		await clock.pass(1);
		expect(endpoint.looks).toHaveLength(3);
	});

	test("before it has been lost for a minute since relays answer again; one of them is enough", async () => {
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

	test("that is seen: then nobody asks whether relays answer", async () => {
		await clock.pass(10 * RELAY_CHECK_MS);
		expect(endpoint.looks).toHaveLength(10);
		expect(pinging).not.toHaveBeenCalled();
	});

	test("after looks that hang: each is given up, and says nothing", async () => {
		await seenOnce();
		endpoint.seen = undefined;
		await clock.pass(RELAY_CHECK_MS);
		expect(endpoint.looks).toHaveLength(2);
		await clock.pass(2 * (RELAY_LOOK_MS + RELAY_PROBE_MS) + RELAY_CHECK_MS);
		expect(endpoint.looks, "the hub looks on").toHaveLength(3);
		await clock.pass(10 * RELAY_LOST_MS);
		expect(happened).toEqual([]);
	});

	test("after looks that fail for a reason of their own: they say nothing", async () => {
		await seenOnce();
		endpoint.seen = new Error("too many open files");
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.looks.length).toBeGreaterThan(5);
		expect(happened).toEqual([]);
	});
});

describe("a hub that is stopped", () => {
	test.each([
		["before it has looked", async () => {}],
		["while it waits for the next look", seenOnce],
		[
			"in the middle of a look that hangs",
			async () => {
				endpoint.seen = undefined;
				await clock.pass(RELAY_CHECK_MS);
				expect(endpoint.looks).toHaveLength(1);
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
	])("%s does not wait, and looks no more", async (_, until) => {
		await until();
		expect(await settled(watching)).toBe(false);
		const { length } = endpoint.looks;
		end.abort();
		expect(await settled(watching)).toBe(true);
		await clock.pass(10 * RELAY_LOST_MS);
		expect(endpoint.looks).toHaveLength(length);
		expect(happened).toEqual([]);
	});

	test("while it is bound again waits until nothing is being bound any more", async () => {
		await lost();
		endpoint.bindSlowly();
		await clock.pass(RELAY_LOST_MS);
		end.abort();
		expect(await settled(watching)).toBe(false);
		endpoint.bound();
		expect(await settled(watching)).toBe(true);
	});
});

test("a hub without relays is not looked at", async () => {
	end.abort();
	watch(new Watched([]));
	expect(await settled(watching)).toBe(true);
});
