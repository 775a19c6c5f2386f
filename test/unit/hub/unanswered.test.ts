// How many connections to a service may be open that it has not answered.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { newTraffic, type Traffic } from "../../../src/forward/bridge.ts";
import { UNANSWERED_MAX, UNANSWERED_MS } from "../../../src/hub/limits.ts";
import { Unanswered } from "../../../src/hub/unanswered.ts";
import { Clock } from "../../support/far-hub.ts";

let clock: Clock;
let unanswered: Unanswered;

beforeEach(() => {
	clock = new Clock();
	unanswered = new Unanswered();
});
afterEach(() => clock.restore());

/** Opens connections, one a millisecond, for as long as there may be more. */
function open(count: number): Traffic[] {
	const opened: Traffic[] = [];
	for (let i = 0; i < count && !unanswered.isFull(); i++) {
		clock.now++;
		const traffic = newTraffic();
		unanswered.opened(traffic);
		opened.push(traffic);
	}
	return opened;
}

function answer(traffic: Traffic): void {
	clock.now++;
	traffic.back++;
	traffic.backAt = clock.now;
}

test("so many connections, each opened by the one before, and none answered: the next one is refused", () => {
	expect(open(2 * UNANSWERED_MAX)).toHaveLength(UNANSWERED_MAX);
	expect(unanswered.isFull()).toBe(true);
});

test("one byte from the service, on whichever connection, allows as many again", () => {
	const [first] = open(UNANSWERED_MAX);
	answer(first as Traffic);
	expect(open(2 * UNANSWERED_MAX)).toHaveLength(UNANSWERED_MAX);
});

test("an answer counts also when its connection is over", () => {
	const [first] = open(UNANSWERED_MAX);
	answer(first as Traffic);
	unanswered.closed(first as Traffic);
	expect(unanswered.isFull()).toBe(false);
});

test("a service that never says a word is not affected while its connections end", () => {
	for (let i = 0; i < 10; i++) {
		const all = open(UNANSWERED_MAX - 1);
		expect(all).toHaveLength(UNANSWERED_MAX - 1);
		for (const traffic of all) unanswered.closed(traffic);
	}
	expect(unanswered.isFull()).toBe(false);
});

test("a service that never says a word may have any number, if they come slowly", async () => {
	for (let i = 0; i < 10; i++) {
		expect(open(UNANSWERED_MAX)).toHaveLength(UNANSWERED_MAX);
		await clock.pass(UNANSWERED_MS);
	}
});

test("a service with many open connections that answers now and then is not affected", () => {
	const all = open(UNANSWERED_MAX / 2);
	for (let i = 0; i < 100; i++) {
		answer(all[i % all.length] as Traffic);
		all.push(...open(UNANSWERED_MAX / 2));
	}
	expect(all).toHaveLength(101 * (UNANSWERED_MAX / 2));
});

test("when those of a loop have collapsed there is room again", () => {
	const all = open(2 * UNANSWERED_MAX);
	for (const traffic of all.reverse()) unanswered.closed(traffic);
	expect(unanswered.isFull()).toBe(false);
	expect(open(2 * UNANSWERED_MAX)).toHaveLength(UNANSWERED_MAX);
});
