// Whether a relay answers, with a real server for what HTTP does, and with a clock that the test controls for the waits.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { EventEmitter } from "node:events";
import type * as http from "node:http";
import { RELAY_LOOK_FIRST_MS, RELAY_LOOK_MAX_MS, RELAY_PING_MS } from "../../../src/transport/limits.ts";
import { relayAnswers, relayReturned } from "../../../src/transport/relay-ping.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled } from "../../support/native-halves.ts";
import { type Answers, answerPings } from "../../support/pings.ts";

const NEVER = new AbortController().signal;

describe("a relay answers", () => {
	test("if its /ping has status 200, whatever the rest of its URL is and however long the body takes", async () => {
		const asked: string[] = [];
		const endless = new ReadableStream({ start: (controller) => controller.enqueue("x") });
		await using server = Bun.serve({
			hostname: "127.0.0.1",
			port: 0,
			fetch: ({ url }) => {
				asked.push(new URL(url).pathname);
				return new Response(endless);
			},
		});
		expect(await relayAnswers(`http://127.0.0.1:${server.port}/some/path`, NEVER)).toBe(true);
		expect(asked).toEqual(["/ping"]);
	});

	test("not if the status is another one, or nobody listens", async () => {
		await using server = Bun.serve({
			hostname: "127.0.0.1",
			port: 0,
			fetch: () => new Response(null, { status: 503 }),
		});
		expect(await relayAnswers(`http://127.0.0.1:${server.port}`, NEVER)).toBe(false);
		expect(await relayAnswers("http://127.0.0.1:1", NEVER)).toBe(false);
	});
});

describe("over time", () => {
	let clock: Clock;
	let answers: Answers;
	let pings: ReturnType<typeof answerPings>;
	let stop: AbortController;

	const RELAY = "http://relay.example/";
	const URL_ASKED = "http://relay.example/ping";
	let random: Mock<typeof Math.random>;

	beforeEach(() => {
		clock = new Clock();
		answers = {};
		pings = answerPings(() => answers);
		stop = new AbortController();
		random = spyOn(Math, "random").mockReturnValue(1);
	});

	afterEach(() => {
		stop.abort();
		pings.mockRestore();
		random.mockRestore();
		clock.restore();
	});

	test("a relay to which no connection comes about counts as silent after five seconds, and the request is ended", async () => {
		let destroyed = 0;
		const request = Object.assign(new EventEmitter(), { destroy: () => void destroyed++ });
		pings.mockImplementation((() => request) as unknown as typeof http.get);
		const answering = relayAnswers(RELAY, stop.signal);
		await clock.pass(RELAY_PING_MS - 1);
		expect(await settled(answering)).toBe(false);
		await clock.pass(1);
		expect(await answering).toBe(false);
		expect(destroyed).toBe(1);
		expect(clock.pending).toBe(0);
	});

	test("one that answers at the first look was not away", async () => {
		answers = { [URL_ASKED]: 200 };
		expect(await relayReturned(() => RELAY, stop.signal)).toBe(false);
		expect(pings).toHaveBeenCalledTimes(1);
	});

	test("one that did not answer has returned when it does", async () => {
		answers = { [URL_ASKED]: new Error("connection refused") };
		const returned = relayReturned(() => RELAY, stop.signal);
		await clock.pass(30_000);
		expect(await settled(returned)).toBe(false);
		answers = { [URL_ASKED]: 200 };
		const { length } = pings.mock.calls;
		await clock.pass(2 * RELAY_LOOK_FIRST_MS);
		expect(await settled(returned)).toBe(true);
		expect(await returned).toBe(true);
		expect(pings.mock.calls.length, "it is looked at once more").toBe(length + 1);
	});

	test("one that stays away is looked at every second at first, and every five after some minutes", async () => {
		answers = { [URL_ASKED]: 503 };
		void relayReturned(() => RELAY, stop.signal);
		await clock.pass(3 * RELAY_LOOK_FIRST_MS);
		expect(pings.mock.calls.length).toBe(3);
		await clock.pass(600_000);
		const { length } = pings.mock.calls;
		await clock.pass(10 * RELAY_LOOK_MAX_MS);
		expect(pings.mock.calls.length - length).toBe(10);
	});

	test("the relay of the moment is looked at: an endpoint may have moved to another one", async () => {
		answers = { "http://other.example/ping": 200 };
		let relay = RELAY;
		const returned = relayReturned(() => relay, stop.signal);
		await clock.pass(RELAY_PING_MS);
		relay = "http://other.example/";
		await clock.pass(RELAY_LOOK_FIRST_MS);
		expect(await returned).toBe(true);
	});

	test("without a relay nothing is looked at", async () => {
		expect(await relayReturned(() => null, stop.signal)).toBe(false);
		expect(pings).not.toHaveBeenCalled();
	});

	test.each([
		["between two looks", new Error("connection refused")],
		["during one", undefined],
	])("nothing is waited for once it is to stop, %s", async (_, answer) => {
		answers = { [URL_ASKED]: answer };
		const returned = relayReturned(() => RELAY, stop.signal);
		await clock.pass(RELAY_LOOK_FIRST_MS / 2);
		stop.abort();
		expect(await settled(returned)).toBe(true);
		expect(await returned).toBe(false);
		expect(clock.pending, "timers left").toBe(0);
	});
});
