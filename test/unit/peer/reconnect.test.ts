// How a lost hub is looked for, over a clock that the test holds: how often, from which endpoints, and when no more.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
	LASTING_MS,
	PEER_SILENCE_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_BESIDE_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_MAX_MS,
	RECONNECT_TWIN_MS,
	SUSPECT_MS,
} from "../../../src/peer/limits.ts";
import type { Message } from "../../../src/protocol/control-messages.ts";
import type * as endpoints from "../../../src/transport/endpoint.ts";
import { HELLO_MS } from "../../../src/transport/limits.ts";
import { type Clock, FarConnection, type FarEndpoint, unreachable } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";
import { PeerSide } from "../../support/peer-side.ts";

/** Silence is looked at this often: what is over its time is noticed so much later at most. */
const LOOK_MS = 250;

const WELCOME: Message = { type: "welcome", v: 1, name: "hub", program: "1", services: [] };

let peer: PeerSide;
let clock: Clock;
let endpoint: FarEndpoint;
let twins: FarEndpoint[];
let { connected, connectedForLong, connectedAgain, ask, told, pauses } = {} as PeerSide;

beforeEach(() => {
	peer = new PeerSide();
	({ clock, endpoint, twins, connected, connectedForLong, connectedAgain, ask, told, pauses } = peer);
});

afterEach(() => peer.end());

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
		peer.chance = 0;
		lost.lose("timed out");
		await clock.pass(60_000);
		expect(pauses().slice(1, 8)).toEqual([100, 200, 400, 800, 1600, 2500, 2500]);
	});

	test("and never answers is waited for four seconds each time, by each endpoint", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(SUSPECT_MS + 60_000);
		const attempts = [endpoint, ...twins].flatMap((one) => one.attempts).slice(1);
		expect(attempts.length).toBeGreaterThan(15);
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
		await clock.pass(RECONNECT_TWIN_MS + RECONNECT_MAX_MS + RECONNECT_BESIDE_MS + RECONNECT_ATTEMPT_MS);
		expect(twins[1]?.closings, "its attempt came to nothing").toBe(1);
	});

	test("gets company at each attempt while the old connection lives, and once a minute in the night after", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(PEER_SILENCE_MS + LOOK_MS);
		expect(old.closedWith).toBe("no answer for 30 s");
		expect(twins.length, "an attempt about every five seconds").toBeGreaterThanOrEqual(5);
		const before = twins.length;
		await clock.pass(10 * RECONNECT_TWIN_MS);
		expect(twins.length - before).toBeGreaterThanOrEqual(8);
		expect(twins.length - before).toBeLessThanOrEqual(10);
		expect(twins.reduce((sum, { closings }) => sum + closings, 0)).toBeGreaterThanOrEqual(twins.length - 1);
	});

	test("ends the peer that was told not to look for it: exit status `lost`, and no attempt", async () => {
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

	test("and denies us when it is back ends the peer: exit status `denied`, and no other attempt", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const error = peer.uplink.failed.catch((reason: unknown) => reason);
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

	describe("and takes us, but is slow to let us in", () => {
		/** The first attempt leads to a connection that is not welcomed within its four seconds: the next has begun. */
		async function slow(): Promise<FarConnection> {
			(await connectedForLong()).lose("timed out");
			const connection = new FarConnection({ says: "nothing" });
			await clock.pass(RECONNECT_ATTEMPT_MS / 2);
			endpoint.let(connection);
			await clock.pass(RECONNECT_ATTEMPT_MS / 2 - 1);
			expect(endpoint.attempts).toHaveLength(2);
			await clock.pass(1 + RECONNECT_BESIDE_MS);
			expect(endpoint.attempts).toHaveLength(3);
			expect(connection.closedWith).toBeUndefined();
			return connection;
		}

		test("is used when it does, and the next attempt is of no use any more", async () => {
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

		test("is not used when another way in was found meanwhile", async () => {
			const late = await slow();
			const fresh = await connectedAgain();
			late.say(WELCOME);
			await turn();
			expect(late.closedWith).toBe("no longer needed");
			expect(await ask()).toBe(fresh);
		});

		test("and never does is given up after five seconds more", async () => {
			const late = await slow();
			await clock.pass(HELLO_MS);
			expect(late.closedWith).toBe("not welcome");
		});

		test("and denies us then ends the peer", async () => {
			const late = await slow();
			late.say({ type: "denied", reason: "expired", message: "the invitation has expired" });
			await clock.pass(RECONNECT_MAX_MS + RECONNECT_ATTEMPT_MS);
			expect(await settled(peer.uplink.failed)).toBe(true);
			expect(await peer.uplink.failed.catch((error: unknown) => error)).toMatchObject({ code: "denied" });
		});

		test("and denies us just before we are in by another way ends nothing", async () => {
			const late = await slow();
			late.say({ type: "denied", reason: "full", message: "the hub is full" });
			await turn();
			const fresh = await connectedAgain();
			await clock.pass(RECONNECT_MAX_MS + RECONNECT_ATTEMPT_MS);
			expect(await settled(peer.uplink.failed)).toBe(false);
			expect(await ask()).toBe(fresh);
		});
	});

	test("and cannot be reached is no reason to end", async () => {
		const lost = await connectedForLong();
		endpoint.outcome = unreachable;
		lost.lose("timed out");
		await clock.pass(60_000);
		expect(await settled(peer.uplink.failed)).toBe(false);
		// An attempt that fails at once needs no company, and none outlives its round.
		expect(twins).toHaveLength(0);
	});

	test("is not dialled any more by an endpoint that was still being bound when the peer was stopped", async () => {
		(await connectedForLong()).lose("timed out");
		const bound = Promise.withResolvers<void>();
		const bind = peer.binding.getMockImplementation() as typeof endpoints.bindEndpoint;
		peer.binding.mockImplementation(async (options) => {
			await bound.promise;
			return bind(options);
		});
		await clock.pass(RECONNECT_BESIDE_MS);
		await peer.uplink.close();
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
		peer.chance = 0;
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
