// A peer's uplink, with a clock that the test controls: which connection is in use, when it is given up, and what new
// local connections get. Only the hub and the network are fakes; sessions and control streams are real. How a lost hub
// is looked for: reconnect.test.ts.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { STALL_MS } from "../../../src/base/limits.ts";
import {
	HUB_WAIT_MS,
	PEER_SILENCE_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_MAX_MS,
	REPLACED_MS,
	SUSPECT_MS,
	UPLINK_TICK_MS,
} from "../../../src/peer/limits.ts";
import { CONNECTIONS_PER_ID, PATH_SETTLE_MS, PING_MS } from "../../../src/transport/limits.ts";
import { type Clock, FarConnection, type FarEndpoint, type HubBehaviour } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";
import { PeerSide } from "../../support/peer-side.ts";

let peer: PeerSide;
let clock: Clock;
let endpoint: FarEndpoint;
let { connectedForLong, connectedAgain, ask, told } = {} as PeerSide;

beforeEach(() => {
	peer = new PeerSide();
	({ clock, endpoint, connectedForLong, connectedAgain, ask, told } = peer);
});

afterEach(() => peer.end());

/** As the uplink last passed it on. */
const backendIsUp = () => peer.heard.at(-1)?.find(({ name }) => name === "backend")?.up;

describe("a hub that does not answer", () => {
	test("is reported as silent after three seconds, once, and no sooner", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(old.answeredAt + SUSPECT_MS - clock.now);
		expect(told("has not answered"), "before three seconds have passed").toBe(0);
		expect(endpoint.attempts).toHaveLength(1);
		await clock.pass(UPLINK_TICK_MS);
		expect(told("has not answered")).toBe(1);
		expect(endpoint.attempts, "attempts: the hub is looked for at once").toHaveLength(2);
		await clock.pass(4 * SUSPECT_MS);
		expect(told("has not answered")).toBe(1);
		expect(told("Looking for it again")).toBe(1);
	});

	test("gets no new streams on the old connection once another one is made", async () => {
		const old = await connectedForLong();
		expect(await ask()).toBe(old);
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const waiting = ask();
		expect(await settled(waiting), "nothing new starts on the old connection").toBe(false);
		const fresh = await connectedAgain();
		expect(await waiting).toBe(fresh);
		expect(old.closedWith).toBeUndefined();
		expect(told("Connected again")).toBe(1);
	});

	test("loses what runs on the old connection after thirty seconds, not earlier, but not what runs on the new one", async () => {
		const old = await connectedForLong();
		old.carries = 1;
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const fresh = await connectedAgain();
		await clock.pass(old.answeredAt + PEER_SILENCE_MS - clock.now);
		expect(old.closedWith).toBeUndefined();
		await clock.pass(UPLINK_TICK_MS);
		expect(old.closedWith).toBe("no answer for 30 s");
		await clock.pass(2 * PEER_SILENCE_MS);
		expect(fresh.closedWith).toBeUndefined();
		expect(await ask()).toBe(fresh);
	});

	test("loses what runs after thirty seconds even when it is not found again", async () => {
		const old = await connectedForLong();
		old.carries = 1;
		old.answering = false;
		await clock.pass(old.answeredAt + PEER_SILENCE_MS - clock.now);
		expect(old.closedWith).toBeUndefined();
		await clock.pass(UPLINK_TICK_MS);
		expect(old.closedWith).toBe("no answer for 30 s");
	});

	test("and then answers again before another connection is made: the old one is used again", async () => {
		const old = await connectedForLong();
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const waiting = ask();
		expect(await settled(waiting)).toBe(false);
		const services = [{ port: 2, name: "backend", scheme: "http" as const, address: "127.0.0.1:8000", up: false }];
		old.say({ type: "services", services });
		old.answering = true;
		await clock.pass(PING_MS + UPLINK_TICK_MS);
		expect(await waiting).toBe(old);
		expect(told("The hub answers again")).toBe(1);
		expect(backendIsUp(), "what it said in the meantime counts").toBe(false);
		// The connection of the attempt that was to replace it is not used.
		const late = new FarConnection();
		endpoint.let(late);
		await turn();
		expect(late.closedWith).toBe("no longer needed");
		const { length } = endpoint.attempts;
		await clock.pass(4 * RECONNECT_MAX_MS);
		expect(endpoint.attempts, "the search is over").toHaveLength(length);
		expect(await ask()).toBe(old);
	});

	test("but has said goodbye is not used again, however well it answers", async () => {
		const old = await connectedForLong();
		old.say({ type: "bye", reason: "it was stopped" });
		await clock.pass(10 * PING_MS);
		expect(told("The hub is gone: it was stopped")).toBe(1);
		expect(told("answers again")).toBe(0);
		expect(await settled(ask())).toBe(false);
	});
});

describe("a hub that says goodbye", () => {
	const BYE = { type: "bye", reason: "it was stopped" } as const;

	test("in one packet with its welcome is not used", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const waiting = ask();
		const leaving = new FarConnection({ also: [BYE] });
		endpoint.let(leaving);
		await turn();
		expect(told("The hub is gone: it was stopped")).toBe(1);
		expect(await settled(waiting), "nothing starts at a hub that is leaving").toBe(false);
		await clock.pass(RECONNECT_MAX_MS);
		const fresh = await connectedAgain();
		expect(await waiting).toBe(fresh);
	});

	test("and keeps its connection open is disconnected once nothing runs on it any more", async () => {
		const old = await connectedForLong();
		old.carries = 1;
		old.say(BYE);
		await clock.pass(2 * PING_MS);
		expect(old.closedWith).toBeUndefined();
		old.carries = 0;
		await clock.pass(UPLINK_TICK_MS);
		expect(old.closedWith).toBe("the hub has said goodbye");
	});

	test("again and again, and keeps what runs, does not make connections pile up", async () => {
		const all: FarConnection[] = [await connectedForLong()];
		endpoint.outcome = () => {
			const connection = new FarConnection();
			connection.carries = 1;
			all.push(connection);
			void turn().then(() => connection.say(BYE));
			return connection;
		};
		(all[0] as FarConnection).carries = 1;
		(all[0] as FarConnection).say(BYE);
		await clock.pass(60_000);
		expect(all.length).toBeGreaterThan(CONNECTIONS_PER_ID + 2);
		const open = all.filter(({ closedWith }) => closedWith === undefined);
		expect(open).toEqual(all.slice(-CONNECTIONS_PER_ID));
	});

	test("counts as lost from then on, not since its last answer", async () => {
		const old = await connectedForLong();
		await clock.pass(old.answeredAt + PING_MS - 1 - clock.now);
		old.say(BYE);
		await turn();
		await connectedAgain();
		expect(told("Connected again after 0.0 s")).toBe(1);
	});
});

test("what an old connection says about the services does not replace what the one in use says", async () => {
	const state = (up: boolean) => [{ port: 2, name: "backend", scheme: "http" as const, address: "127.0.0.1:8000", up }];
	const old = await connectedForLong();
	old.say({ type: "services", services: state(false) });
	old.carries = 1;
	old.answering = false;
	await clock.pass(SUSPECT_MS + PING_MS);
	const fresh = await connectedAgain();
	fresh.say({ type: "services", services: state(true) });
	await turn();
	old.say({ type: "services", services: state(false) });
	await turn();
	expect(backendIsUp()).toBe(true);
});

describe("a hub of the original program, which answers no pings,", () => {
	test("is looked for when there has been no path to it for three seconds, and new connections wait", async () => {
		const old = await connectedForLong({ says: "refuses" });
		await clock.pass(60_000);
		expect(told("has not answered"), "no answers are expected").toBe(0);
		old.pathAt = clock.now;
		await clock.pass(SUSPECT_MS);
		expect(told("has not answered")).toBe(0);
		await clock.pass(UPLINK_TICK_MS);
		expect(told("has not answered")).toBe(1);
		const waiting = ask();
		expect(await settled(waiting)).toBe(false);
		const fresh = await connectedAgain({ says: "refuses" });
		expect(await waiting).toBe(fresh);
	});

	test("is used again when there is a path again", async () => {
		const old = await connectedForLong({ says: "refuses" });
		old.pathAt = clock.now;
		await clock.pass(2 * SUSPECT_MS);
		const waiting = ask();
		old.pathAt = Number.POSITIVE_INFINITY;
		await clock.pass(UPLINK_TICK_MS);
		expect(await waiting).toBe(old);
	});
});

describe("a peer that was suspended so long that its connection is over when it resumes", () => {
	for (const [first, ticks] of [
		["is reported before anything else", false],
		["is reported after the first tick", true],
	] as const) {
		test(`reports its suspension, not the hub, and counts from its start: the end of the connection ${first}`, async () => {
			const old = await connectedForLong();
			clock.stall(52_000);
			if (ticks) await clock.pass(UPLINK_TICK_MS);
			old.lose("closed by the other side");
			await turn();
			expect(
				told("The connection to the hub was lost: this program was suspended for 52 s. Looking for it again"),
			).toBe(1);
			expect(told("is gone")).toBe(0);
			await connectedAgain();
			expect(told("Connected again after 52.")).toBe(1);
		});
	}

	test("reports the hub's reason again for what ends later", async () => {
		const old = await connectedForLong();
		clock.stall(20_000);
		await clock.pass(SUSPECT_MS + UPLINK_TICK_MS);
		old.lose("the hub was stopped");
		await turn();
		expect(told("The hub is gone: the hub was stopped.")).toBe(1);
	});

	test("does not blame its suspension when the hub ends the connection right after its welcome", async () => {
		clock.stall(60_000);
		const connection = new FarConnection();
		connection.onWelcome = () => connection.lose("the hub was stopped");
		const connecting = peer.uplink.connect();
		endpoint.let(connection);
		await connecting;
		await turn();
		expect(told("The hub is gone: the hub was stopped.")).toBe(1);
		expect(told("suspended")).toBe(0);
	});

	test("reports the hub's reason for a connection that ends without any suspension", async () => {
		(await connectedForLong()).lose("no answer for 30 seconds");
		await turn();
		expect(told("The hub is gone: no answer for 30 seconds.")).toBe(1);
	});
});

test("what ends with an old connection is reported", async () => {
	const old = await connectedForLong({ run: "first" });
	old.carries = 2;
	old.answering = false;
	await clock.pass(SUSPECT_MS + PING_MS);
	await connectedAgain({ run: "second" });
	expect(told("2 connections were reset: the hub was restarted.")).toBe(1);
});

test("a peer that is suspended while its hub is lost does not report the hub as found when it resumes", async () => {
	const old = await connectedForLong();
	old.answering = false;
	await clock.pass(SUSPECT_MS + PING_MS);
	expect(told("has not answered")).toBe(1);
	clock.stall(STALL_MS + PING_MS);
	await clock.pass(10 * UPLINK_TICK_MS);
	expect(told("answers again")).toBe(0);
	expect(await settled(ask())).toBe(false);
	expect(old.closedWith).toBeUndefined();
	await clock.pass(PEER_SILENCE_MS);
	expect(old.closedWith).toBe("no answer for 30 s");
});

test("a peer that was suspended does not report the hub as silent, however slowly it answers", async () => {
	const connection = await connectedForLong();
	connection.answering = false;
	clock.stall(PEER_SILENCE_MS + SUSPECT_MS);
	await clock.pass(PING_MS + UPLINK_TICK_MS);
	connection.answering = true;
	await clock.pass(10 * PING_MS);
	expect(told("has not answered")).toBe(0);
	expect(connection.closedWith).toBeUndefined();
	expect(endpoint.attempts).toHaveLength(1);
});

test("a peer that was suspended does not give up its connection because of that", async () => {
	const connection = await connectedForLong();
	connection.carries = 1;
	clock.stall(PEER_SILENCE_MS + SUSPECT_MS);
	// The tick is due before the next ping is answered; it must not judge the hub.
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
	test("is given up after ten seconds, not earlier", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const waiting = ask();
		await clock.pass(HUB_WAIT_MS - 1);
		expect(await settled(waiting)).toBe(false);
		await clock.pass(1);
		expect(await settled(waiting)).toBe(true);
		expect(await waiting).toBe("the hub was unreachable for 10 s");
	});

	test("gets its stream the moment the hub is back, like all others that wait", async () => {
		(await connectedForLong()).lose("timed out");
		await clock.pass(RECONNECT_ATTEMPT_MS / 2);
		const waiting = [ask(), ask()];
		const fresh = await connectedAgain();
		for (const one of waiting) {
			expect(await settled(one), "it gets a stream at once").toBe(true);
			expect(await one).toBe(fresh);
		}
	});

	test("that asked before the loss was noticed waits for the next connection", async () => {
		const old = await connectedForLong();
		old.lose("timed out", { noticed: false });
		const waiting = ask();
		expect(await settled(waiting)).toBe(false);
		old.notice();
		expect(await settled(waiting)).toBe(false);
		const fresh = await connectedAgain();
		expect(await waiting).toBe(fresh);
	});

	test("that waited for a stream on a full connection gets one on the next connection when that is lost", async () => {
		const old = await connectedForLong();
		old.fill();
		const waiting = ask();
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		const fresh = await connectedAgain();
		expect(await settled(waiting)).toBe(true);
		expect(await waiting).toBe(fresh);
	});

	test("that waited for a stream on a full connection waits ten seconds in all", async () => {
		const old = await connectedForLong();
		old.fill();
		const waiting = ask();
		await clock.pass(HUB_WAIT_MS / 2);
		old.lose("timed out");
		await turn();
		await clock.pass(HUB_WAIT_MS / 2 - 1);
		expect(await settled(waiting)).toBe(false);
		await clock.pass(1);
		expect(await waiting).toBe("the hub was unreachable for 10 s");
	});

	test("that has waited for a hub waits the rest of its ten seconds for a stream, and no longer", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const waiting = ask();
		await clock.pass(RECONNECT_ATTEMPT_MS / 2);
		const full = new FarConnection();
		full.fill();
		endpoint.let(full);
		await clock.pass(HUB_WAIT_MS - RECONNECT_ATTEMPT_MS / 2 - 1);
		expect(await settled(waiting)).toBe(false);
		await clock.pass(1);
		expect(await waiting).toBe("all streams are busy");
	});

	test("does not wait any longer when the peer is stopped", async () => {
		(await connectedForLong()).lose("timed out");
		await turn();
		const waiting = ask();
		await peer.uplink.close();
		expect(await settled(waiting)).toBe(true);
		expect(await waiting).toBe("the peer was stopped");
	});

	test("is given up once when the peer is stopped while it waits for a stream, and does not ask forever", async () => {
		const old = await connectedForLong();
		const full = old.fill();
		const waiting = ask();
		await turn();
		await peer.uplink.close();
		let asked = 0;
		// An endless loop would not even let a timer fire.
		old.isOver = () => ++asked < 100;
		full.giveUp();
		expect(await waiting).toBe("the peer was stopped");
		expect(asked).toBeLessThan(100);
	});
});

test("a new local connection that gets no stream on a working connection is given up", async () => {
	const { giveUp } = (await connectedForLong()).fill();
	const waiting = ask();
	giveUp();
	expect(await waiting).toBe("all streams are busy");
	expect(endpoint.attempts, "attempts: the hub is not looked for").toHaveLength(1);
});

describe("a connection that was replaced", () => {
	/** The old connection answers again as soon as the new one is in use. */
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
		await clock.pass(UPLINK_TICK_MS);
		expect(old.closedWith).toBe("a newer connection is in use");
		expect(fresh.closedWith).toBeUndefined();
		expect(await ask()).toBe(fresh);
	});

	test("and still carries a stream is kept until that has ended", async () => {
		const { old, fresh } = await replaced(1);
		await clock.pass(10 * REPLACED_MS);
		expect(old.closedWith).toBeUndefined();
		expect(await ask()).toBe(fresh);
		old.carries = 0;
		await clock.pass(UPLINK_TICK_MS);
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

	test("end at once when the hub has been restarted: nobody is left to answer", async () => {
		const old = await withNext({ run: "second" });
		expect(old.closedWith).toBe("the hub was restarted");
	});

	test("go on when it is still the same run of the hub", async () => {
		const old = await withNext({ run: "first" });
		expect(old.closedWith).toBeUndefined();
	});

	test("go on when the hub does not name its run", async () => {
		const old = await withNext({});
		expect(old.closedWith).toBeUndefined();
	});
});

describe("the path to the hub", () => {
	const RELAY = { kind: "relay", address: "https://r/" } as const;
	const DIRECT = { kind: "direct", address: "203.0.113.7:1234" } as const;
	const changes = () => peer.events.filter(({ type }) => type === "path");

	test("that becomes direct is said once, after the connection through a relay", async () => {
		const far = new FarConnection();
		far.way = RELAY;
		const connecting = peer.uplink.connect();
		endpoint.let(far);
		await connecting;
		expect(peer.events).toEqual([{ type: "connected", path: RELAY }]);
		far.way = DIRECT;
		await clock.pass(PATH_SETTLE_MS);
		expect(told("is now direct")).toBe(0);
		await clock.pass(UPLINK_TICK_MS);
		expect(told("The connection to the hub is now direct (direct 203.0.113.7:1234).")).toBe(1);
		await clock.pass(60_000);
		expect(changes()).toHaveLength(1);
	});

	test("of a lost connection is not watched, and the next connection has its own", async () => {
		const old = await connectedForLong();
		old.carries = 1;
		old.answering = false;
		await clock.pass(SUSPECT_MS + PING_MS);
		old.way = RELAY;
		await clock.pass(2 * PATH_SETTLE_MS);
		const fresh = await connectedAgain();
		await clock.pass(2 * PATH_SETTLE_MS);
		expect(changes()).toEqual([]);
		fresh.way = DIRECT;
		await clock.pass(2 * PATH_SETTLE_MS);
		expect(changes()).toEqual([{ type: "path", change: "address", path: DIRECT }]);
	});
});
