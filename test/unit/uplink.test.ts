// A peer's way to its hub over a clock that the test holds: which connection is in use, when another is looked for, how
// often, and which are closed. Only the hub and the network are made up; sessions and control streams are real.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import * as endpoints from "../../src/endpoint.ts";
import type { EndpointAddr } from "../../src/iroh.ts";
import {
	HUB_WAIT_MS,
	LASTING_MS,
	PEER_SILENCE_MS,
	PING_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_BESIDE_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_MAX_MS,
	REPLACED_MS,
	STALL_MS,
	SUSPECT_MS,
} from "../../src/limits.ts";
import { Uplink } from "../../src/uplink.ts";
import { Clock, FarConnection, FarEndpoint, type HubBehaviour, unreachable } from "../support/far-hub.ts";
import { settled, turn } from "../support/native-halves.ts";

/** Silence is looked at this often: what is over its time is noticed so much later at most. */
const LOOK_MS = 250;

let clock: Clock;
let endpoint: FarEndpoint;
/** What was bound beside the endpoint. */
let twins: FarEndpoint[];
let binding: Mock<typeof endpoints.bindEndpoint>;
/** What chance says: 0 to 1. */
let chance: number;
let random: Mock<typeof Math.random>;
let printed: Mock<typeof process.stderr.write>;
let uplink: Uplink;

beforeEach(() => {
	clock = new Clock();
	endpoint = new FarEndpoint();
	twins = [];
	binding = spyOn(endpoints, "bindEndpoint").mockImplementation(async () => {
		const twin = new FarEndpoint();
		if (endpoint.outcome) twin.outcome = endpoint.outcome;
		twins.push(twin);
		return twin.asEndpoint;
	});
	chance = 1;
	random = spyOn(Math, "random").mockImplementation(() => chance);
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
	uplink = start();
});

afterEach(async () => {
	await uplink.close("the test is over");
	await turn();
	const { intervals } = clock;
	clock.restore();
	for (const mock of [binding, random, printed]) mock.mockRestore();
	expect(intervals, "intervals left running").toBe(0);
});

function start({ reconnect = true } = {}): Uplink {
	return new Uplink({
		endpoint: endpoint.asEndpoint,
		hub: {} as EndpointAddr,
		introduction: { name: "me", secret: undefined },
		reconnect,
		onServices() {},
	});
}

/** The first connection, in use. What is tried after it hangs until the test says otherwise. */
async function connected(behaviour: HubBehaviour = {}): Promise<FarConnection> {
	const connection = new FarConnection(behaviour);
	const connecting = uplink.connect();
	endpoint.let(connection);
	await connecting;
	return connection;
}

/** The first connection after it was in use for long enough to be a good one. */
async function connectedForLong(behaviour: HubBehaviour = {}): Promise<FarConnection> {
	const connection = await connected(behaviour);
	await clock.pass(LASTING_MS + 1);
	return connection;
}

/** The attempt under way leads to this connection, which is put in use. */
async function connectedAgain(behaviour: HubBehaviour = {}): Promise<FarConnection> {
	const connection = new FarConnection(behaviour);
	endpoint.let(connection);
	await turn();
	expect(await ask()).toBe(connection);
	return connection;
}

/** A new local connection asks for a stream: the connection that it gets one on, or why it gets none. */
const ask = (): Promise<FarConnection | string> =>
	uplink.openStream(1).then(
		({ session }) => session.connection as unknown as FarConnection,
		(error: Error) => error.message,
	);
const told = (words: string) =>
	printed.mock.calls
		.map(([text]) => String(text))
		.join("")
		.split(words).length - 1;
/** From the start of one attempt to the next. */
const pauses = () => endpoint.attempts.slice(1).map(({ at }, i) => at - (endpoint.attempts[i]?.at ?? 0));

describe("a hub that does not answer", () => {
	test("is said to be silent after three seconds, once, and no sooner", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(old.answeredAt + SUSPECT_MS - clock.now);
		expect(told("has not answered"), "three seconds are not over").toBe(0);
		expect(endpoint.attempts).toHaveLength(1);
		await clock.pass(LOOK_MS);
		expect(told("has not answered")).toBe(1);
		expect(endpoint.attempts, "it is looked for at once").toHaveLength(2);
		await clock.pass(4 * SUSPECT_MS);
		expect(told("has not answered")).toBe(1);
		expect(told("Looking for it again")).toBe(1);
	});

	test("does not keep new connections once another way to it is found", async () => {
		const old = await connectedForLong();
		expect(await ask()).toBe(old);
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const waiting = ask();
		expect(await settled(waiting), "nothing new begins on the old one").toBe(false);
		const fresh = await connectedAgain();
		expect(await waiting).toBe(fresh);
		expect(old.closedWith).toBeUndefined();
		expect(told("Connected again")).toBe(1);
	});

	test("loses what runs on the old connection after thirty seconds, not earlier, and not what runs on the new one", async () => {
		const old = await connectedForLong();
		old.carries = 1;
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const fresh = await connectedAgain();
		await clock.pass(old.answeredAt + PEER_SILENCE_MS - clock.now);
		expect(old.closedWith).toBeUndefined();
		await clock.pass(LOOK_MS);
		expect(old.closedWith).toBe("no answer for 30 s");
		await clock.pass(2 * PEER_SILENCE_MS);
		expect(fresh.closedWith).toBeUndefined();
		expect(await ask()).toBe(fresh);
	});

	test("loses what runs after thirty seconds, also when it is not found again", async () => {
		const old = await connectedForLong();
		old.carries = 1;
		old.answering = false;
		await clock.pass(old.answeredAt + PEER_SILENCE_MS - clock.now);
		expect(old.closedWith).toBeUndefined();
		await clock.pass(LOOK_MS);
		expect(old.closedWith).toBe("no answer for 30 s");
	});

	test("and then answers again before another way is found: the old connection is used again", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const waiting = ask();
		expect(await settled(waiting)).toBe(false);
		old.answering = true;
		await clock.pass(PING_MS + LOOK_MS);
		expect(await waiting).toBe(old);
		expect(told("The hub answers again")).toBe(1);
		// What was under way to replace it is of no use any more, and is not put in use.
		const late = new FarConnection();
		endpoint.let(late);
		await turn();
		expect(late.closedWith).toBe("no longer needed");
		const { length } = endpoint.attempts;
		await clock.pass(4 * RECONNECT_MAX_MS);
		expect(endpoint.attempts, "nothing is looked for any more").toHaveLength(length);
		expect(await ask()).toBe(old);
	});

	test("but has said that it goes is not used again, however well it answers", async () => {
		const old = await connectedForLong();
		old.say({ type: "bye", reason: "it was stopped" });
		await clock.pass(10 * PING_MS);
		expect(told("The hub is gone: it was stopped")).toBe(1);
		expect(told("answers again")).toBe(0);
		expect(await settled(ask())).toBe(false);
	});
});

test("a peer that was suspended itself gives no connection up for that", async () => {
	const connection = await connectedForLong();
	connection.carries = 1;
	clock.stall(PEER_SILENCE_MS + SUSPECT_MS);
	// The look is due before the next ping's answer: it must judge nobody.
	await clock.pass(0);
	expect(connection.closedWith).toBeUndefined();
	expect(await ask()).toBe(connection);
	await clock.pass(PING_MS);
	clock.stall(STALL_MS + PING_MS + 1);
	await clock.pass(10 * PING_MS);
	expect(connection.closedWith).toBeUndefined();
	expect(told("has not answered")).toBe(0);
	expect(endpoint.attempts).toHaveLength(1);
});

describe("a new local connection while the hub is lost", () => {
	test("is told that there is none after ten seconds, not earlier", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const waiting = ask();
		await clock.pass(HUB_WAIT_MS - 1);
		expect(await settled(waiting)).toBe(false);
		await clock.pass(1);
		expect(await settled(waiting)).toBe(true);
		expect(await waiting).toBe("the hub was not there for 10 s");
	});

	test("gets through the moment that the hub is back, like all others that wait", async () => {
		(await connectedForLong()).lose("timed out");
		await clock.pass(RECONNECT_ATTEMPT_MS / 2);
		const waiting = [ask(), ask()];
		const fresh = await connectedAgain();
		for (const one of waiting) {
			expect(await settled(one), "without a moment's wait").toBe(true);
			expect(await one).toBe(fresh);
		}
	});

	test("came while nobody had noticed: the connection it was given is over, and it waits for the next one", async () => {
		const old = await connectedForLong();
		old.lose("timed out", { noticed: false });
		const waiting = ask();
		expect(await settled(waiting)).toBe(false);
		old.notice();
		expect(await settled(waiting)).toBe(false);
		const fresh = await connectedAgain();
		expect(await waiting).toBe(fresh);
	});

	test("that waited for a stream of a full connection, lost meanwhile, gets one of the next", async () => {
		const old = await connectedForLong();
		const full = old.fill();
		const waiting = ask();
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const fresh = await connectedAgain();
		full.giveUp();
		expect(await waiting).toBe(fresh);
	});

	test("does not wait any longer when the peer is stopped", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const waiting = ask();
		await uplink.close("stopped");
		expect(await settled(waiting)).toBe(true);
		expect(await waiting).toBe("the peer was stopped");
	});

	test("is turned away once when the peer is stopped while it waits for a stream, and does not ask for ever", async () => {
		const old = await connectedForLong();
		const full = old.fill();
		const waiting = ask();
		await turn();
		await uplink.close("stopped");
		let asked = 0;
		// What asks for ever would not even let a timer in.
		old.isOver = () => ++asked < 100;
		full.giveUp();
		expect(await waiting).toBe("the peer was stopped");
		expect(asked).toBeLessThan(100);
	});
});

test("a new local connection that gets no stream of a connection in good order is turned away", async () => {
	const { giveUp } = (await connectedForLong()).fill();
	const waiting = ask();
	giveUp();
	expect(await waiting).toBe("all streams are busy");
	expect(endpoint.attempts, "and the hub is not looked for").toHaveLength(1);
});

describe("a hub that is gone", () => {
	test("is looked for at once, then after longer and longer pauses, up to five seconds, for ever", async () => {
		const lost = await connectedForLong();
		endpoint.outcome = unreachable;
		lost.lose("timed out");
		await clock.pass(10 * 60_000);
		expect(endpoint.attempts[1]?.at, "the first without a pause").toBe(clock.now - 10 * 60_000);
		const [, ...between] = pauses();
		expect(between.slice(0, 8)).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
		expect(between.length).toBeGreaterThan(110);
		expect(between.at(-1)).toBe(RECONNECT_MAX_MS);
	});

	test("is looked for by many peers at different moments: up to half of each pause is chance", async () => {
		const lost = await connectedForLong();
		endpoint.outcome = unreachable;
		chance = 0;
		lost.lose("timed out");
		await clock.pass(60_000);
		expect(pauses().slice(1, 8)).toEqual([100, 200, 400, 800, 1600, 2500, 2500]);
	});

	test("and never answers is waited for four seconds each time, by each endpoint", async () => {
		(await connectedForLong()).lose("timed out");
		await clock.pass(60_000);
		const attempts = [endpoint, ...twins].flatMap((one) => one.attempts).slice(1);
		expect(attempts.length).toBeGreaterThan(20);
		expect(attempts.map(({ timeoutMs }) => timeoutMs)).toEqual(attempts.map(() => RECONNECT_ATTEMPT_MS));
		// A long attempt is followed at once: its pause is from start to start.
		expect(pauses()[1]).toBe(RECONNECT_BESIDE_MS + RECONNECT_ATTEMPT_MS);
		expect(endpoint.underWay).toBeLessThanOrEqual(1);
	});

	test("and leaves attempts hanging gets company from a fresh endpoint, which is closed after its attempt", async () => {
		(await connectedForLong()).lose("timed out");
		await clock.pass(RECONNECT_BESIDE_MS - 1);
		expect(twins).toHaveLength(0);
		await clock.pass(1);
		expect(twins).toHaveLength(1);
		const [twin] = twins as [FarEndpoint];
		const fresh = new FarConnection();
		twin.let(fresh);
		await turn();
		expect(await ask()).toBe(fresh);
		await clock.pass(RECONNECT_ATTEMPT_MS);
		expect(twin.closings, "it carries the connection in use").toBe(0);
		fresh.lose("timed out");
		await turn();
		expect(twin.closings).toBe(1);
		await clock.pass(RECONNECT_FIRST_MS + RECONNECT_BESIDE_MS + RECONNECT_ATTEMPT_MS);
		expect(twins[1]?.closings, "its attempt came to nothing").toBe(1);
	});

	test("ends the peer that was told not to look for it: exit status `lost`, and no attempt", async () => {
		uplink = start({ reconnect: false });
		(await connectedForLong()).lose("it was stopped");
		await turn();
		expect(await settled(uplink.failed)).toBe(true);
		await expect(uplink.failed).rejects.toMatchObject({ code: "lost", message: "The hub is gone: it was stopped." });
		await clock.pass(60_000);
		expect(endpoint.attempts).toHaveLength(1);
	});

	test("and denies us when it is back ends the peer: exit status `denied`, and no other attempt", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const error = uplink.failed.catch((reason: unknown) => reason);
		const denying = new FarConnection({ says: "denied" });
		endpoint.let(denying);
		await turn();
		expect(await settled(error)).toBe(true);
		expect(await error).toMatchObject({ code: "denied" });
		expect(denying.closedWith).toBe("not welcome");
		await clock.pass(60_000);
		expect(endpoint.attempts).toHaveLength(2);
		expect(twins).toHaveLength(0);
	});

	test("and cannot be reached is no reason to end", async () => {
		const lost = await connectedForLong();
		endpoint.outcome = unreachable;
		lost.lose("timed out");
		await clock.pass(60_000);
		expect(await settled(uplink.failed)).toBe(false);
		// An attempt that fails at once needs no company, and none outlives its round.
		expect(twins).toHaveLength(0);
	});

	test("is not dialled any more by an endpoint that was still being bound when the peer was stopped", async () => {
		(await connectedForLong()).lose("timed out");
		const bound = Promise.withResolvers<void>();
		const bind = binding.getMockImplementation() as typeof endpoints.bindEndpoint;
		binding.mockImplementation(async (options) => {
			await bound.promise;
			return bind(options);
		});
		await clock.pass(RECONNECT_BESIDE_MS);
		await uplink.close("stopped");
		bound.resolve();
		await turn();
		expect(twins.map(({ attempts, closings }) => [attempts.length, closings])).toEqual([[0, 1]]);
	});
});

describe("a hub that takes us and loses us again", () => {
	/** Every attempt is welcomed; the connection ends in the moment after. */
	const welcomedAndLost = () => {
		const connection = new FarConnection();
		void turn().then(() => connection.lose("gone again"));
		return connection;
	};

	test("at once, again and again, is not hammered", async () => {
		chance = 0;
		const first = await connected();
		endpoint.outcome = welcomedAndLost;
		first.lose("gone");
		await clock.pass(60_000);
		// With the shortest pauses: five until they have grown, and one every two and a half seconds from then on.
		const most = 2 + 5 + 60_000 / (RECONNECT_MAX_MS / 2);
		expect(endpoint.attempts.length).toBeGreaterThan(5);
		expect(endpoint.attempts.length).toBeLessThanOrEqual(most);
		expect(twins.length).toBeLessThanOrEqual(most);
		for (const pause of pauses().slice(6)) expect(pause).toBeGreaterThanOrEqual(RECONNECT_MAX_MS / 2);
		expect(told("Connected again")).toBeGreaterThan(5);
	});

	test("after a while is looked for at once, and the pauses begin anew", async () => {
		const first = await connected();
		first.lose("gone");
		// Attempts that fail until the pauses are as long as they get.
		endpoint.outcome = unreachable;
		await clock.pass(60_000);
		endpoint.outcome = undefined;
		await clock.pass(RECONNECT_MAX_MS);
		const good = await connectedAgain();
		await clock.pass(LASTING_MS + 1);
		endpoint.outcome = unreachable;
		const { length } = endpoint.attempts;
		good.lose("gone");
		const lostAt = clock.now;
		await clock.pass(60_000);
		const since = endpoint.attempts.slice(length).map(({ at }) => at - lostAt);
		expect(since.slice(0, 3)).toEqual([0, RECONNECT_FIRST_MS, 3 * RECONNECT_FIRST_MS]);
	});

	test("within ten seconds is looked for after a pause", async () => {
		const first = await connected();
		await clock.pass(LASTING_MS);
		first.lose("gone");
		await clock.pass(RECONNECT_FIRST_MS - 1);
		expect(endpoint.attempts).toHaveLength(1);
		await clock.pass(1);
		expect(endpoint.attempts).toHaveLength(2);
	});
});

describe("a connection that was replaced", () => {
	/** The old one answers again as soon as the new one is in use. */
	async function replaced(carries: number): Promise<{ old: FarConnection; fresh: FarConnection }> {
		const old = await connectedForLong();
		old.carries = carries;
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const fresh = await connectedAgain();
		old.answering = true;
		return { old, fresh };
	}

	test("and carries nothing is closed two seconds later, not earlier", async () => {
		const { old, fresh } = await replaced(0);
		await clock.pass(REPLACED_MS);
		expect(old.closedWith).toBeUndefined();
		await clock.pass(LOOK_MS);
		expect(old.closedWith).toBe("a newer connection is in use");
		expect(fresh.closedWith).toBeUndefined();
		expect(await ask()).toBe(fresh);
	});

	test("and still carries a stream is left alone until that has ended", async () => {
		const { old, fresh } = await replaced(1);
		await clock.pass(10 * REPLACED_MS);
		expect(old.closedWith).toBeUndefined();
		expect(await ask()).toBe(fresh);
		old.carries = 0;
		await clock.pass(LOOK_MS);
		expect(old.closedWith).toBe("a newer connection is in use");
	});
});

describe("connections that wait for a hub's answer,", () => {
	async function withNext(next: HubBehaviour): Promise<FarConnection> {
		const old = await connectedForLong({ run: "first" });
		old.carries = 1;
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		await connectedAgain(next);
		return old;
	}

	test("end at once when it has been started again: nobody is left to answer", async () => {
		const old = await withNext({ run: "second" });
		expect(old.closedWith).toBe("the hub was started again");
	});

	test("go on when it is still the same", async () => {
		const old = await withNext({ run: "first" });
		expect(old.closedWith).toBeUndefined();
	});

	test("go on when it does not say which run it is", async () => {
		const old = await withNext({});
		expect(old.closedWith).toBeUndefined();
	});
});
