// One peer's connection at the hub, over native halves that the test controls: what is answered, in which order, and
// what is left when it ends in between.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { STALL_MS } from "../../../src/base/limits.ts";
import { Admission, teamPolicy } from "../../../src/hub/admission.ts";
import type { SessionEvent } from "../../../src/hub/hub-side.ts";
import { ANSWER_HOLD_MS, GONE_MS, HUB_SILENCE_MS, PENDING_BYTES_MAX } from "../../../src/hub/limits.ts";
import { PeerSession } from "../../../src/hub/peer-session.ts";
import type { Welcome } from "../../../src/hub/peer-state.ts";
import { StreamQuota } from "../../../src/hub/stream-quota.ts";
import { newSecret } from "../../../src/invite/secret.ts";
import type { Message } from "../../../src/protocol/control-messages.ts";
import { ACCEPTED, encodeHeader, REFUSED } from "../../../src/protocol/stream-header.ts";
import { HELLO_MS } from "../../../src/transport/limits.ts";
import { FarPeer, hello } from "../../support/far-peer.ts";
import { turn } from "../../support/native-halves.ts";

const SECRET = newSecret();
const WELCOME: Welcome = { type: "welcome", v: 1, name: "hub", program: "1", run: "this one", services: [] };

let peer: FarPeer;
let welcome: PromiseWithResolvers<Welcome>;
let admission: Admission;
let decisions: Mock<Admission["decide"]>;
/** The time that performance.now returns. */
let now: number;
let clock: Mock<() => number>;
let timeouts: Mock<typeof setTimeout>;
let intervals: { start: Mock<typeof setInterval>; stop: Mock<typeof clearInterval> };
let events: SessionEvent[];
let quota: StreamQuota;
/** Port ids of the streams that were served. */
let served: (number | undefined)[];
/** How long the answer to each of them may wait. */
let holds: number[];
/** Thrown when a stream is to be served: a bug in the hub. */
let fault: Error | undefined;
let session: PeerSession;

beforeEach(() => {
	peer = new FarPeer();
	welcome = Promise.withResolvers();
	quota = new StreamQuota(1000);
	events = [];
	fault = undefined;
	served = [];
	holds = [];
	now = 5000;
	clock = spyOn(performance, "now").mockImplementation(() => now);
	admission = new Admission(teamPolicy(SECRET));
	decisions = spyOn(admission, "decide");
	timeouts = spyOn(globalThis, "setTimeout");
	intervals = { start: spyOn(globalThis, "setInterval"), stop: spyOn(globalThis, "clearInterval") };
	session = sessionOf(peer);
});

/** A session at the hub that all tests share. */
const sessionOf = (of: FarPeer): PeerSession =>
	new PeerSession(of.asConnection, {
		get open() {
			return admission.policy.secret === undefined;
		},
		compress: true,
		quota,
		admit: (own, hello) => admission.admit(own, hello ?? {}, new Set(), { wall: 0, monotonic: now }),
		welcome: () => welcome.promise,
		serve: async ({ portId, holdMs }) => {
			served.push(portId);
			holds.push(holdMs);
			if (fault) throw fault;
		},
		onEvent: (_, event) => events.push(event),
	});

afterEach(async () => {
	welcome.resolve(WELCOME);
	peer.leave("");
	await turn();
	await turn();
	const running = new Set(intervals.start.mock.results.map(({ value }) => value as Timer));
	for (const [timer] of intervals.stop.mock.calls) running.delete(timer as Timer);
	for (const timer of running) clearInterval(timer);
	for (const mock of [clock, decisions, timeouts, intervals.start, intervals.stop]) mock.mockRestore();
	expect(running.size, "intervals left running").toBe(0);
});

/** Lets this many of the hub's checks for a silent peer happen; there is one each second. */
function look(times: number): void {
	const [tick] = intervals.start.mock.calls.at(-1) as unknown as [() => void];
	for (let i = 0; i < times; i++) {
		now += 1000;
		tick();
	}
}

/** The peer's time for its hello is over. */
function helloIsLate(): void {
	const [late] = timeouts.mock.calls.find(([, ms]) => ms === HELLO_MS) as unknown as [() => void];
	late();
}

/** The peer answers a ping. */
async function answer(): Promise<void> {
	peer.say({ type: "pong", n: 0 });
	await turn();
}

const SECONDS = HUB_SILENCE_MS / 1000;

const answers = () => peer.heard.map(({ type }) => type);
const told = (type: SessionEvent["type"]) => events.filter((event) => event.type === type);

test("the control stream is answered together with the first message, and writes never overlap", async () => {
	const { send } = peer.say();
	send.block();
	peer.say(hello(newSecret()));
	await turn();
	await turn();
	expect(send.flights).toHaveLength(1);
	send.unblock();
	await turn();
	await turn();
	expect(send.written[0]).toBe(ACCEPTED);
	expect(answers()).toContain("denied");
	expect(send.overlapped).toBe(false);
});

test("a hello that is denied is the last one that is read", async () => {
	peer.say(hello(newSecret()), hello(SECRET));
	await turn();
	await turn();
	expect(decisions).toHaveBeenCalledTimes(1);
	expect(session.admitted).toBe(false);
	expect(answers()).not.toContain("welcome");
	expect(peer.closings[0]).toContain("denied");
});

test("a second hello from an admitted peer changes nothing", async () => {
	welcome.resolve(WELCOME);
	peer.say(hello(SECRET), hello(newSecret()));
	await turn();
	await turn();
	expect(decisions).toHaveBeenCalledTimes(1);
	expect(session.admitted).toBe(true);
	expect(peer.closings).toEqual([]);
});

test("a connection that ends while its welcome is prepared leaves no timer behind", async () => {
	peer.say(hello(SECRET));
	await turn();
	expect(session.admitted).toBe(true);
	peer.leave("it left");
	await turn();
	welcome.resolve(WELCOME);
	await turn();
	// afterEach checks it.
});

test("a connection that ends after the welcome leaves no timer behind", async () => {
	welcome.resolve(WELCOME);
	peer.say(hello(SECRET));
	await turn();
	expect(answers()).toContain("welcome");
});

test("a stranger's pings are not answered: its connection is closed for the first of them", async () => {
	const { send } = peer.say(...Array.from({ length: 100 }, (_, n): Message => ({ type: "ping", n })));
	await turn();
	await turn();
	expect([...send.written]).toEqual([]);
	const reason = "a control stream does not begin with a hello";
	expect(events).toEqual([{ type: "protocol_error", peer: session.peer, admitted: false, reason }]);
	expect(peer.closings).toEqual([reason]);
});

test("a stranger whose streams never begin is disconnected for what they send", async () => {
	const [count] = intervals.start.mock.calls[0] as unknown as [() => void];
	peer.open();
	peer.received = PENDING_BYTES_MAX + 1;
	count();
	count();
	const reason = "too much data before the welcome";
	expect(events).toEqual([{ type: "protocol_error", peer: session.peer, admitted: false, reason }]);
	expect(peer.closings).toEqual([reason]);
});

test("the bytes of an admitted peer are not counted", async () => {
	const [counting] = intervals.start.mock.results;
	peer.say(hello(SECRET));
	await turn();
	expect(session.admitted).toBe(true);
	expect(intervals.stop.mock.calls.flat()).toContain(counting?.value as never);
});

test("a goodbye before the hello counts for nothing", async () => {
	peer.say({ type: "bye", reason: "look at me" });
	await turn();
	await turn();
	expect(events.map(({ type }) => type)).toEqual(["protocol_error"]);
});

test("pings of a peer that is denied, or still waits for its welcome, are not answered", async () => {
	peer.say(hello(SECRET), { type: "ping", n: 1 });
	await turn();
	expect(peer.heard).toEqual([]);
	welcome.resolve(WELCOME);
	await turn();
	peer.say({ type: "ping", n: 2 });
	await turn();
	expect(peer.heard).toEqual([WELCOME, { type: "pong", n: 2 }]);
});

test("a goodbye counts once, however often it is sent", async () => {
	welcome.resolve(WELCOME);
	peer.say(hello(SECRET), ...Array.from({ length: 100 }, (): Message => ({ type: "bye", reason: "so long" })));
	await turn();
	expect(told("left")).toEqual([{ type: "left", reason: "so long" }]);
	expect(session.staying).toBe(false);
});

test("a stream over the limit is refused unread, and the connection goes on", async () => {
	welcome.resolve(WELCOME);
	peer.say(hello(SECRET));
	await turn();
	using _ = spyOn(quota, "take").mockReturnValue(false);
	const { send } = peer.open();
	await turn();
	expect([...send.written]).toEqual([REFUSED]);
	send.acknowledge();
	expect(told("stream_refused")).toEqual([
		{ type: "stream_refused", peer: session.peer, admitted: true, why: "quota" },
	]);
	expect(peer.closings).toEqual([]);
});

test("a peer without a valid ticket is denied, and the hub is told why", async () => {
	peer.say(hello(newSecret()));
	await turn();
	await turn();
	expect(events).toEqual([
		{
			type: "denied",
			peer: { id: peer.id, name: undefined },
			reason: "secret",
			message: "the ticket is not, or no longer, valid at this hub",
		},
	]);
});

test("a stream for a service between hello and welcome is refused; one after the welcome is served", async () => {
	peer.say(hello(SECRET));
	await turn();
	expect(session.admitted).toBe(true);
	const early = peer.open(encodeHeader(2));
	await turn();
	expect([...early.send.written]).toEqual([REFUSED]);
	expect(served).toEqual([]);
	expect(told("stream_refused")).toEqual([
		{ type: "stream_refused", peer: session.peer, admitted: true, why: "unwelcomed" },
	]);
	welcome.resolve(WELCOME);
	await turn();
	peer.open(encodeHeader(2));
	await turn();
	expect(served).toEqual([2]);
	expect(peer.closings).toEqual([]);
});

test("the answer waits for the service's first bytes if the peer has said hello; others may wait for the answer", async () => {
	welcome.resolve(WELCOME);
	peer.say(hello(SECRET));
	await turn();
	peer.open(encodeHeader(2));
	await turn();
	expect(holds).toEqual([ANSWER_HOLD_MS]);
	admission = new Admission(teamPolicy(undefined));
	const silent = new FarPeer();
	sessionOf(silent);
	silent.open(encodeHeader(1));
	await turn();
	expect(holds).toEqual([ANSWER_HOLD_MS, 0]);
	silent.leave("");
});

describe("an unexpected exception", () => {
	const bugs = () => told("bug").map((event) => (event.type === "bug" ? [event.where, event.error] : []));

	test("while a stream is served resets that stream and is reported; other streams and the connection go on", async () => {
		welcome.resolve(WELCOME);
		peer.say(hello(SECRET));
		await turn();
		fault = new TypeError("x is not a function");
		const broken = peer.open(encodeHeader(1));
		await turn();
		expect(bugs()).toEqual([["stream", fault]]);
		expect(broken.send.endings).toEqual(["reset 1"]);
		fault = undefined;
		peer.open(encodeHeader(2));
		await turn();
		expect(served).toEqual([1, 2]);
		expect(peer.closings).toEqual([]);
	});

	test("while a hello is handled closes that connection and is reported", async () => {
		const mistake = new TypeError("y is undefined");
		decisions.mockImplementation(() => {
			throw mistake;
		});
		peer.say(hello(SECRET));
		await turn();
		expect(bugs()).toEqual([["connection", mistake]]);
		expect(peer.closings).toEqual(["internal error at the hub"]);
		await turn();
		expect(session.admitted).toBe(false);
	});

	test("while the welcome is prepared closes the connection, and the peer is reported as left", async () => {
		const mistake = new RangeError("too far");
		peer.say(hello(SECRET));
		await turn();
		welcome.reject(mistake);
		await turn();
		await turn();
		expect(peer.closings).toEqual(["internal error at the hub"]);
		expect(events.map(({ type }) => type)).toEqual(["entered", "bug", "left", "closed"]);
	});

	test("in a connection's timer closes that connection", async () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		using _ = spyOn(peer, "pathlessFor").mockImplementation(() => {
			throw new TypeError("no path");
		});
		helloIsLate();
		look(1);
		await turn();
		expect(told("bug")).toHaveLength(1);
		expect(peer.closings).toEqual(["internal error at the hub"]);
	});
});

describe("a peer that sends no hello in time", () => {
	test("is admitted by an open hub and kept, as a peer of the original program that has no requests yet", () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		helloIsLate();
		expect(session.admitted).toBe(true);
		look(2 * SECONDS);
		expect(peer.closings).toEqual([]);
	});

	test("is disconnected by a hub that has a secret", () => {
		helloIsLate();
		expect(session.admitted).toBe(false);
		expect(peer.closings).toEqual(["no valid hello in time"]);
	});

	test("is not disconnected if it was admitted before", async () => {
		welcome.resolve(WELCOME);
		peer.say(hello(SECRET));
		await turn();
		helloIsLate();
		expect(peer.closings).toEqual([]);
	});
});

describe("a peer that disappears without a goodbye", () => {
	test("is disconnected when it has not answered for 45 seconds, not earlier", async () => {
		welcome.resolve(WELCOME);
		peer.say(hello(SECRET));
		await turn();
		look(SECONDS - 1);
		await answer();
		look(SECONDS);
		expect(peer.closings, "45 seconds since its last answer").toEqual([]);
		look(1);
		expect(peer.closings).toEqual(["silent for 45 s"]);
	});

	test("is not disconnected by a hub that was itself suspended", async () => {
		welcome.resolve(WELCOME);
		peer.say(hello(SECRET));
		await turn();
		now += Math.max(HUB_SILENCE_MS, STALL_MS);
		look(1);
		expect(peer.closings).toEqual([]);
		await answer();
		look(SECONDS);
		expect(peer.closings).toEqual([]);
	});

	test("is disconnected by an open hub 45 seconds after its last path, if it never sent a hello", async () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		peer.open(encodeHeader(1));
		await turn();
		expect(session.admitted, "as a peer of the original program").toBe(true);
		expect(served).toEqual([1]);
		look(2 * SECONDS);
		expect(peer.closings, "while there is a path, it need not send anything").toEqual([]);
		peer.reachable = false;
		look(SECONDS);
		peer.reachable = true;
		look(1);
		peer.reachable = false;
		look(SECONDS);
		expect(peer.closings).toEqual([]);
		look(1);
		expect(peer.closings).toEqual(["silent for 45 s"]);
	});
});

describe("a peer that takes another path", () => {
	const RELAY = { kind: "relay", address: "https://r/" } as const;
	const DIRECT = { kind: "direct", address: "203.0.113.7:1234" } as const;

	/** The peer is welcomed, through a relay. */
	async function welcomed(): Promise<void> {
		peer.way = RELAY;
		welcome.resolve(WELCOME);
		peer.say(hello(SECRET));
		await turn();
		await turn();
		expect(told("entered")).toEqual([{ type: "entered", path: RELAY }]);
	}

	/** So many seconds pass, and the peer answers its pings. */
	async function pass(seconds: number): Promise<void> {
		for (let i = 0; i < seconds; i++) {
			await answer();
			look(1);
		}
	}

	test("is reported, once, when the path has lasted", async () => {
		await welcomed();
		await pass(10);
		expect(told("path"), "nothing has changed").toEqual([]);
		peer.way = DIRECT;
		await pass(2);
		expect(told("path")).toEqual([]);
		await pass(10);
		expect(told("path")).toEqual([{ type: "path", peer: session.peer, change: "kind", path: DIRECT }]);
	});

	test("is not reported while it does not answer: it may have a better connection", async () => {
		await welcomed();
		look(GONE_MS / 1000 + 1);
		peer.way = DIRECT;
		look(10);
		expect(told("path")).toEqual([]);
		await pass(4);
		expect(told("path")).toHaveLength(1);
	});

	test("is reported also if it is the original program", async () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		peer.way = RELAY;
		peer.open(encodeHeader(1));
		await turn();
		peer.way = DIRECT;
		look(3);
		expect(told("path")).toHaveLength(1);
	});
});
