// How a lost hub is looked for, with a clock that the test controls: how often, from which endpoints, and until when.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
	LASTING_MS,
	PARALLEL_AFTER_MS,
	PARALLEL_BURST,
	PARALLEL_EVERY_MS,
	PEER_SILENCE_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_MAX_MS,
	SUSPECT_MS,
	UPLINK_TICK_MS,
} from "../../../src/peer/limits.ts";
import type { Message } from "../../../src/protocol/control-messages.ts";
import type * as endpoints from "../../../src/transport/endpoint.ts";
import { HELLO_MS, RELAY_LOOK_MAX_MS } from "../../../src/transport/limits.ts";
import { type Clock, FAR_SERVICES, FarConnection, type FarEndpoint, unreachable } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";
import { PeerSide } from "../../support/peer-side.ts";
import { answerPings } from "../../support/pings.ts";

const WELCOME: Message = { type: "welcome", v: 1, name: "hub", program: "1", services: [...FAR_SERVICES] };

let peer: PeerSide;
let clock: Clock;
let endpoint: FarEndpoint;
let parallel: FarEndpoint[];
let { connected, connectedForLong, connectedAgain, ask, told, pauses } = {} as PeerSide;

beforeEach(() => {
	peer = new PeerSide();
	({ clock, endpoint, parallel, connected, connectedForLong, connectedAgain, ask, told, pauses } = peer);
});

afterEach(() => peer.end());

describe("a hub that is gone", () => {
	test("is looked for at once, then after longer and longer pauses of up to five seconds, forever", async () => {
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

	test("is looked for by its peers at different moments: up to half of each pause is random", async () => {
		const lost = await connectedForLong();
		endpoint.outcome = unreachable;
		peer.random = 0;
		lost.lose("timed out");
		await clock.pass(60_000);
		expect(pauses().slice(1, 8)).toEqual([100, 200, 400, 800, 1600, 2500, 2500]);
	});

	test("and never answers is given four seconds by each attempt, from each endpoint", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(SUSPECT_MS + 60_000);
		const attempts = [endpoint, ...parallel].flatMap((one) => one.attempts).slice(1);
		expect(attempts.length).toBeGreaterThan(15);
		expect(attempts.map(({ timeoutMs }) => timeoutMs)).toEqual(attempts.map(() => RECONNECT_ATTEMPT_MS));
		// A long attempt is followed at once: pauses are counted from start to start.
		expect(pauses()[1]).toBe(PARALLEL_AFTER_MS + RECONNECT_ATTEMPT_MS);
		expect(endpoint.underWay).toBeLessThanOrEqual(1);
	});

	test("and leaves an attempt hanging gets a parallel one from a second endpoint, which is closed afterwards", async () => {
		(await connectedForLong()).lose("timed out");
		await clock.pass(PARALLEL_AFTER_MS - 1);
		expect(parallel).toHaveLength(0);
		await clock.pass(1);
		expect(parallel).toHaveLength(1);
		const [second] = parallel as [FarEndpoint];
		const fresh = new FarConnection();
		second.let(fresh);
		await turn();
		expect(await ask()).toBe(fresh);
		await clock.pass(RECONNECT_ATTEMPT_MS);
		expect(second.closings, "closed while its connection is in use").toBe(0);
		fresh.lose("timed out");
		await turn();
		expect(second.closings).toBe(1);
		await clock.pass(PARALLEL_EVERY_MS + RECONNECT_MAX_MS + PARALLEL_AFTER_MS + RECONNECT_ATTEMPT_MS);
		expect(parallel[1]?.closings, "its attempt has failed").toBe(1);
	});

	test("gets a parallel attempt each time while the old connection is open, and one a minute afterwards", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(PEER_SILENCE_MS + UPLINK_TICK_MS);
		expect(old.closedWith).toBe("no answer for 30 s");
		expect(parallel.length, "an attempt about every five seconds").toBeGreaterThanOrEqual(5);
		const before = parallel.length;
		await clock.pass(10 * PARALLEL_EVERY_MS);
		expect(parallel.length - before).toBeGreaterThanOrEqual(8);
		expect(parallel.length - before).toBeLessThanOrEqual(10);
		expect(parallel.reduce((sum, { closings }) => sum + closings, 0)).toBeGreaterThanOrEqual(parallel.length - 1);
	});

	test("ends a peer with --no-reconnect: error `lost`, and no attempt", async () => {
		peer.start({ reconnect: false });
		(await connectedForLong()).lose("it was stopped");
		await turn();
		expect(await settled(peer.uplink.failed)).toBe(true);
		await expect(peer.uplink.failed).rejects.toMatchObject({
			code: "lost",
			message: "The hub is gone: it was stopped.",
		});
		await clock.pass(60_000);
		expect(endpoint.attempts).toHaveLength(1);
	});

	test("and denies the peer when it is back ends the peer: error `denied`, and no other attempt", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const error = peer.uplink.failed.catch((reason: unknown) => reason);
		const denying = new FarConnection({ says: "denied" });
		endpoint.let(denying);
		await turn();
		expect(await settled(error)).toBe(true);
		expect(await error).toMatchObject({ code: "denied" });
		expect(denying.closedWith).toBe("not admitted");
		await clock.pass(60_000);
		expect(endpoint.attempts).toHaveLength(2);
		expect(parallel).toHaveLength(0);
	});

	describe("and accepts the connection but is slow to admit the peer", () => {
		/** The first attempt makes a connection that is not welcomed within four seconds, so the next one has begun. */
		async function slow(): Promise<FarConnection> {
			(await connectedForLong()).lose("timed out");
			const connection = new FarConnection({ says: "nothing" });
			await clock.pass(RECONNECT_ATTEMPT_MS / 2);
			endpoint.let(connection);
			await clock.pass(RECONNECT_ATTEMPT_MS / 2 - 1);
			expect(endpoint.attempts).toHaveLength(2);
			await clock.pass(1 + PARALLEL_AFTER_MS);
			expect(endpoint.attempts).toHaveLength(3);
			expect(connection.closedWith).toBeUndefined();
			return connection;
		}

		test("is used once it does, and the next attempt's connection is closed", async () => {
			const late = await slow();
			late.say(WELCOME);
			await turn();
			expect(await ask()).toBe(late);
			const later = new FarConnection();
			endpoint.let(later);
			await turn();
			expect(later.closedWith).toBe("no longer needed");
			expect(await ask()).toBe(late);
		});

		test("is not used when another connection was made meanwhile", async () => {
			const late = await slow();
			const fresh = await connectedAgain();
			late.say(WELCOME);
			await turn();
			expect(late.closedWith).toBe("no longer needed");
			expect(await ask()).toBe(fresh);
		});

		test("and never does is given up after another five seconds", async () => {
			const late = await slow();
			await clock.pass(HELLO_MS);
			expect(late.closedWith).toBe("not admitted");
		});

		test("and then denies it ends the peer", async () => {
			const late = await slow();
			late.say({ type: "denied", reason: "expired", message: "the invitation has expired" });
			await clock.pass(RECONNECT_MAX_MS + RECONNECT_ATTEMPT_MS);
			expect(await settled(peer.uplink.failed)).toBe(true);
			expect(await peer.uplink.failed.catch((error: unknown) => error)).toMatchObject({ code: "denied" });
		});

		test("and denies it just before another attempt is admitted ends nothing", async () => {
			const late = await slow();
			late.say({ type: "denied", reason: "full", message: "the hub is full" });
			await turn();
			const fresh = await connectedAgain();
			await clock.pass(RECONNECT_MAX_MS + RECONNECT_ATTEMPT_MS);
			expect(await settled(peer.uplink.failed)).toBe(false);
			expect(await ask()).toBe(fresh);
		});
	});

	test("and cannot be reached does not end the peer", async () => {
		const lost = await connectedForLong();
		endpoint.outcome = unreachable;
		lost.lose("timed out");
		await clock.pass(60_000);
		expect(await settled(peer.uplink.failed)).toBe(false);
		// An attempt that fails at once needs no parallel one.
		expect(parallel).toHaveLength(0);
	});

	test("is not contacted by an endpoint that was still being bound when the peer was stopped", async () => {
		(await connectedForLong()).lose("timed out");
		const bound = Promise.withResolvers<void>();
		const bind = peer.binding.getMockImplementation() as typeof endpoints.bindEndpoint;
		peer.binding.mockImplementation(async (options) => {
			await bound.promise;
			return bind(options);
		});
		await clock.pass(PARALLEL_AFTER_MS);
		await peer.uplink.close();
		bound.resolve();
		await turn();
		expect(parallel.map(({ attempts, closings }) => [attempts.length, closings])).toEqual([[0, 1]]);
	});
});

describe("a second endpoint", () => {
	/** The peer is lost, and the first attempt hangs: the second endpoint has just begun its own. */
	async function second(token?: string): Promise<FarEndpoint> {
		(await connectedForLong(token === undefined ? {} : { token })).lose("timed out");
		await clock.pass(PARALLEL_AFTER_MS);
		expect(parallel).toHaveLength(1);
		return parallel[0] as FarEndpoint;
	}

	test("has another key, and its hello says which peer it is, if the hub has given a token for that", async () => {
		const one = await second("the token");
		expect(peer.keys).toEqual(["new"]);
		const fresh = new FarConnection({ token: "the token" });
		one.let(fresh);
		await turn();
		expect(fresh.hello?.resume).toEqual({ id: "peer's id", token: "the token" });
		expect(await ask()).toBe(fresh);
	});

	test("has the same key, and its hello is as usual, if the hub knows no tokens", async () => {
		const one = await second();
		expect(peer.keys).toEqual(["same"]);
		const fresh = new FarConnection();
		one.let(fresh);
		await turn();
		expect(fresh.hello).not.toHaveProperty("resume");
		expect(await ask()).toBe(fresh);
	});

	test("is not needed by the first one, whose hello is as usual", async () => {
		(await connectedForLong({ token: "the token" })).lose("timed out");
		await turn();
		const fresh = await connectedAgain({ token: "the token" });
		expect(fresh.hello).not.toHaveProperty("resume");
	});

	test("has the peer's own id, not its own one, also for a connection that another such endpoint has made", async () => {
		const one = await second("the token");
		const fresh = new FarConnection({ token: "the token" });
		one.let(fresh);
		await clock.pass(LASTING_MS + 1);
		fresh.lose("timed out");
		await clock.pass(PARALLEL_AFTER_MS);
		const again = new FarConnection();
		parallel[1]?.let(again);
		await turn();
		expect(again.hello?.resume).toEqual({ id: "peer's id", token: "the token" });
	});

	test("is not believed by a hub that was restarted: the peer goes on with its own key, and is not ended", async () => {
		const one = await second("of the first run");
		one.let(new FarConnection({ says: "not resumed" }));
		await clock.pass(RECONNECT_MAX_MS + PARALLEL_AFTER_MS);
		expect(await settled(peer.uplink.failed)).toBe(false);
		expect(peer.keys).toEqual(["new", "same"]);
		const fresh = new FarConnection({ token: "of the second run" });
		parallel[1]?.let(fresh);
		await clock.pass(LASTING_MS + 1);
		expect(fresh.hello).not.toHaveProperty("resume");
		fresh.lose("timed out");
		await clock.pass(PARALLEL_AFTER_MS);
		expect(peer.keys, "the new run has given a token").toEqual(["new", "same", "new"]);
	});

	test("whose token was refused after a newer one was given does not take that one away", async () => {
		const one = await second("of the first run");
		const slow = new FarConnection({ says: "nothing" });
		one.let(slow);
		await turn();
		const fresh = await connectedAgain({ token: "of the second run" });
		slow.say({ type: "denied", reason: "resume", message: "no such peer has joined" });
		await clock.pass(LASTING_MS + 1);
		fresh.lose("timed out");
		await clock.pass(PARALLEL_AFTER_MS);
		expect(peer.keys).toEqual(["new", "new"]);
	});

	test("whose hub denies the peer for another reason ends it", async () => {
		const one = await second("the token");
		one.let(new FarConnection({ says: "denied" }));
		await clock.pass(RECONNECT_ATTEMPT_MS);
		expect(await peer.uplink.failed.catch((error: unknown) => error)).toMatchObject({ code: "denied" });
	});
});

describe("a relay that was away for longer than the old connection lived", () => {
	const RELAY = "http://relay.example/";
	const AWAY = new Error("connection refused");
	let isBack: () => boolean;
	let pings: ReturnType<typeof answerPings>;

	beforeEach(() => {
		endpoint.relay = RELAY;
		isBack = () => false;
		pings = answerPings(() => ({ [`${RELAY}ping`]: isBack() ? 200 : AWAY }));
	});

	afterEach(() => pings.mockRestore());

	/** Nothing answers for two minutes. Resolves with the number of second endpoints so far. */
	async function longAway(): Promise<number> {
		(await connectedForLong({ token: "the token" })).lose("timed out");
		await clock.pass(2 * PARALLEL_EVERY_MS);
		return parallel.length;
	}

	test("gets a new endpoint as soon as it is back, in the middle of an attempt", async () => {
		const earlier = await longAway();
		// The one of the minute. After it, there would be none for almost another minute.
		while (parallel.length === earlier) await clock.pass(50);
		await clock.pass(RECONNECT_ATTEMPT_MS);
		const before = parallel.length;
		const attempt = () => clock.now - (endpoint.attempts.at(-1)?.at ?? 0);
		let foundAt: number | undefined;
		isBack = () => {
			if (attempt() <= PARALLEL_AFTER_MS || attempt() >= RECONNECT_ATTEMPT_MS) return false;
			foundAt ??= clock.now;
			return true;
		};
		while (parallel.length === before) await clock.pass(50);
		expect(clock.now - (foundAt ?? 0)).toBeLessThanOrEqual(50);
		expect(attempt()).toBeLessThan(RECONNECT_ATTEMPT_MS);
		const fresh = new FarConnection();
		parallel[before]?.let(fresh);
		await turn();
		expect(fresh.hello).toHaveProperty("resume");
		expect(await ask()).toBe(fresh);
	});

	test("gets three, as the hub may not be there yet, and then one a minute", async () => {
		const before = await longAway();
		isBack = () => true;
		await clock.pass(30_000);
		expect(parallel.length - before).toBe(PARALLEL_BURST);
		await clock.pass(10 * PARALLEL_EVERY_MS);
		expect(parallel.length - before).toBeLessThanOrEqual(PARALLEL_BURST + 10);
	});

	test("is not looked at any more once it has answered, or the hub is back, or the peer is stopped", async () => {
		await longAway();
		isBack = () => true;
		await clock.pass(2 * RELAY_LOOK_MAX_MS);
		const { length } = pings.mock.calls;
		await clock.pass(10 * RELAY_LOOK_MAX_MS);
		expect(pings.mock.calls.length).toBe(length);
		isBack = () => false;
		const fresh = await connectedAgain();
		await clock.pass(LASTING_MS + 1);
		fresh.lose("timed out");
		await clock.pass(100);
		expect(pings.mock.calls.length).toBe(length + 1);
		await connectedAgain();
		await clock.pass(10 * RELAY_LOOK_MAX_MS);
		expect(pings.mock.calls.length).toBe(length + 1);
	});

	test("is not looked at without relays", async () => {
		endpoint.relay = null;
		(await connectedForLong()).lose("timed out");
		await clock.pass(60_000);
		expect(pings).not.toHaveBeenCalled();
	});
});

describe("a hub that admits the peer and loses it again", () => {
	/** Every attempt is welcomed; its connection ends right after. */
	const welcomedAndLost = () => {
		const connection = new FarConnection();
		void turn().then(() => connection.lose("gone again"));
		return connection;
	};

	test("at once, again and again, is not flooded with attempts", async () => {
		peer.random = 0;
		const first = await connected();
		endpoint.outcome = welcomedAndLost;
		first.lose("gone");
		await clock.pass(60_000);
		// With the shortest pauses: five until they have grown, then one every two and a half seconds.
		const most = 2 + 5 + 60_000 / (RECONNECT_MAX_MS / 2);
		expect(endpoint.attempts.length).toBeGreaterThan(5);
		expect(endpoint.attempts.length).toBeLessThanOrEqual(most);
		expect(parallel.length).toBeLessThanOrEqual(most);
		for (const pause of pauses().slice(6)) expect(pause).toBeGreaterThanOrEqual(RECONNECT_MAX_MS / 2);
		expect(told("Connected again")).toBeGreaterThan(5);
	});

	test("after a while is looked for at once, and the pauses start over", async () => {
		const first = await connected();
		first.lose("gone");
		// Attempts fail until the pauses are as long as they get.
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
