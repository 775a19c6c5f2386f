// Which attempt is started when, which connection is kept, and that no other one is: over attempts and a clock that the
// test moves.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { firstToConnect, NoneConnected } from "../../../src/forward/happy-eyeballs.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

const STAGGER = 250;

let clock: Clock;
let stop: AbortController;
/** Attempts under way, by candidate. */
let attempts: Map<string, { connect(): void; fail(why: string): void; signal: AbortSignal; at: number }>;
/** Candidates in the order in which they were tried. */
let tried: string[];
let discarded: string[];

beforeEach(() => {
	clock = new Clock();
	stop = new AbortController();
	attempts = new Map();
	tried = [];
	discarded = [];
});

afterEach(() => {
	const { pending } = clock;
	clock.restore();
	expect(pending, "timers left").toBe(0);
});

function race(candidates: string[], more?: () => Promise<string[]>) {
	return firstToConnect({
		candidates,
		...(more && { more }),
		attempt: (candidate, signal) => {
			const { promise, resolve, reject } = Promise.withResolvers<string>();
			tried.push(candidate);
			const fail = (why: string) => reject(new Error(why));
			attempts.set(candidate, { connect: () => resolve(`to ${candidate}`), fail, signal, at: clock.now });
			return promise;
		},
		discard: (connection) => discarded.push(connection),
		staggerMs: STAGGER,
		signal: stop.signal,
	});
}

const running = (candidate: string) => {
	const found = attempts.get(candidate);
	if (!found) throw new Error(`${candidate} was not tried`);
	return found;
};

test("an address that answers is the only one that is tried", async () => {
	const racing = race(["a", "b"]);
	await clock.pass(STAGGER - 1);
	running("a").connect();
	expect(await racing).toEqual({ connection: "to a", candidate: "a" });
	await clock.pass(10 * STAGGER);
	expect(tried).toEqual(["a"]);
});

test("the next one is tried after the stagger, while the one before goes on", async () => {
	const racing = race(["a", "b", "c"]);
	await clock.pass(STAGGER);
	expect(tried).toEqual(["a", "b"]);
	expect(running("a").signal.aborted).toBe(false);
	running("a").connect();
	expect((await racing).candidate).toBe("a");
	expect(running("b").signal.aborted, "the one that lost is given up").toBe(true);
	expect(running("a").signal.aborted, "the one that won is not").toBe(false);
});

test("the next one is tried at once when one fails", async () => {
	const racing = race(["a", "b"]);
	running("a").fail("refused");
	await turn();
	expect(tried).toEqual(["a", "b"]);
	running("b").connect();
	expect((await racing).candidate).toBe("b");
});

test("a connection that comes after another one has won is handed back", async () => {
	const racing = race(["a", "b"]);
	await clock.pass(STAGGER);
	running("b").connect();
	running("a").connect();
	expect((await racing).candidate).toBe("b");
	await turn();
	expect(discarded).toEqual(["to a"]);
});

test("when all fail the errors are told in the order in which they came", async () => {
	const racing = race(["a", "b"]).catch((error) => error);
	await clock.pass(STAGGER);
	running("b").fail("second");
	await turn();
	expect(await settled(racing)).toBe(false);
	running("a").fail("first");
	const error = await racing;
	expect(error).toBeInstanceOf(NoneConnected);
	expect(error.errors.map((one: Error) => one.message)).toEqual(["second", "first"]);
});

test("nothing to try is a failure, too", async () => {
	expect(await race([]).catch((error) => error)).toBeInstanceOf(NoneConnected);
});

test("an attempt that throws at once has failed", async () => {
	const racing = firstToConnect({
		candidates: ["a", "b"],
		attempt: (candidate) => {
			if (candidate === "a") throw new Error("not even begun");
			return Promise.resolve(candidate);
		},
		discard: () => {},
		staggerMs: STAGGER,
		signal: stop.signal,
	});
	expect((await racing).candidate).toBe("b");
});

test("when it is stopped every attempt is given up, and the reason is thrown", async () => {
	const racing = race(["a", "b", "c"]).catch((error) => error);
	await clock.pass(STAGGER);
	const reason = new Error("no answer within 10 s");
	stop.abort(reason);
	expect(await racing).toBe(reason);
	expect(["a", "b"].map((one) => running(one).signal.aborted)).toEqual([true, true]);
	running("a").connect();
	await clock.pass(10 * STAGGER);
	expect(tried).toEqual(["a", "b"]);
	expect(discarded).toEqual(["to a"]);
	expect(await race(["d"]).catch((error) => error), "and nothing is begun afterwards").toBe(reason);
	expect(tried).toEqual(["a", "b"]);
});

test("more addresses are asked for once, when those that are known do not answer", async () => {
	let asked = 0;
	const answer = Promise.withResolvers<string[]>();
	const racing = race(["a"], () => {
		asked++;
		return answer.promise;
	});
	await clock.pass(STAGGER - 1);
	expect(asked).toBe(0);
	await clock.pass(1);
	expect(asked).toBe(1);
	running("a").fail("gone");
	await clock.pass(STAGGER);
	expect(await settled(racing), "the answer is waited for").toBe(false);
	answer.resolve(["b", "c"]);
	await turn();
	expect(tried).toEqual(["a", "b"]);
	running("b").fail("refused");
	await turn();
	running("c").connect();
	expect((await racing).candidate).toBe("c");
	expect(asked).toBe(1);
});

test("more addresses are asked for at once when the last one fails; that there are none is a failure", async () => {
	const racing = race(["a"], () => Promise.reject(new Error("no such name"))).catch((error) => error);
	running("a").fail("refused");
	const error = await racing;
	expect(error.errors.map((one: Error) => one.message)).toEqual(["refused", "no such name"]);
	expect(await race([], () => Promise.resolve([])).catch((none) => none)).toBeInstanceOf(NoneConnected);
});
