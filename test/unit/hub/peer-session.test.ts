// One peer's connection at the hub, over native halves that the test moves: what is answered, in which order, and what
// is left when it ends in between.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { STALL_MS } from "../../../src/base/limits.ts";
import { Admission, teamPolicy } from "../../../src/hub/admission.ts";
import { HUB_SILENCE_MS } from "../../../src/hub/limits.ts";
import { type Host, PeerSession } from "../../../src/hub/peer-session.ts";
import { newSecret } from "../../../src/invite/secret.ts";
import type { Message, ServiceState } from "../../../src/protocol/control-messages.ts";
import { ACCEPTED, encodeHeader, REFUSED } from "../../../src/protocol/stream-header.ts";
import { HELLO_MS } from "../../../src/transport/limits.ts";
import { FarPeer, hello } from "../../support/far-peer.ts";
import { turn } from "../../support/native-halves.ts";

const SECRET = newSecret();

let peer: FarPeer;
let services: PromiseWithResolvers<ServiceState[]>;
let admission: Admission;
let decisions: Mock<Admission["decide"]>;
/** What performance.now says. */
let now: number;
let clock: Mock<() => number>;
let printed: Mock<typeof process.stderr.write>;
let timeouts: Mock<typeof setTimeout>;
let intervals: { start: Mock<typeof setInterval>; stop: Mock<typeof clearInterval> };
let complaints: { key: string; text: string; where?: string }[];
let mayHaveStreams: boolean;
/** Port ids of the streams that the hub took to its services. */
let served: (number | undefined)[];
let guest: PeerSession;

beforeEach(() => {
	peer = new FarPeer();
	services = Promise.withResolvers();
	mayHaveStreams = true;
	complaints = [];
	served = [];
	now = 5000;
	clock = spyOn(performance, "now").mockImplementation(() => now);
	admission = new Admission(teamPolicy(SECRET));
	decisions = spyOn(admission, "decide");
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
	timeouts = spyOn(globalThis, "setTimeout");
	intervals = { start: spyOn(globalThis, "setInterval"), stop: spyOn(globalThis, "clearInterval") };
	const host: Host = {
		name: "hub",
		run: "this one",
		get admission() {
			return admission;
		},
		connected: () => new Set(),
		hasAnother: () => false,
		services: () => services.promise,
		counts: () => mayHaveStreams,
		entered() {},
		serve: async (portId) => {
			served.push(portId);
		},
		complain: (key, text, where) => complaints.push({ key, text, ...(where && { where }) }),
	};
	guest = new PeerSession(peer.asConnection, host);
});

afterEach(async () => {
	services.resolve([]);
	peer.leave("");
	await turn();
	await turn();
	const running = new Set(intervals.start.mock.results.map(({ value }) => value as Timer));
	for (const [timer] of intervals.stop.mock.calls) running.delete(timer as Timer);
	for (const timer of running) clearInterval(timer);
	for (const mock of [clock, decisions, printed, timeouts, intervals.start, intervals.stop]) mock.mockRestore();
	expect(running.size, "intervals left running").toBe(0);
});

/** The hub looks once a second how long the peer has been silent: so many times from now. */
function look(times: number): void {
	const [tick] = intervals.start.mock.calls.at(-1) as unknown as [() => void];
	for (let i = 0; i < times; i++) {
		now += 1000;
		tick();
	}
}

/** The time that the hub gives it for its hello is over. */
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
const lines = () => printed.mock.calls.map(([text]) => String(text)).join("");

test("the answer to the control stream leaves before the first message, and one write at a time", async () => {
	const { send } = peer.say();
	send.block();
	peer.say(hello(newSecret()));
	await turn();
	await turn();
	expect(send.flights).toEqual([1]);
	send.unblock();
	await turn();
	await turn();
	expect(send.written[0]).toBe(ACCEPTED);
	expect(answers()).toContain("denied");
	expect(send.overlapped).toBe(false);
});

test("a hello that was denied is the last", async () => {
	peer.say(hello(newSecret()), hello(SECRET));
	await turn();
	await turn();
	expect(decisions).toHaveBeenCalledTimes(1);
	expect(guest.inside).toBe(false);
	expect(answers()).not.toContain("welcome");
	expect(peer.closings[0]).toContain("denied");
});

test("a second hello of one that is in changes nothing", async () => {
	services.resolve([]);
	peer.say(hello(SECRET), hello(newSecret()));
	await turn();
	await turn();
	expect(decisions).toHaveBeenCalledTimes(1);
	expect(guest.inside).toBe(true);
	expect(peer.closings).toEqual([]);
});

test("a connection that ends while the services are looked at leaves no timer behind", async () => {
	peer.say(hello(SECRET));
	await turn();
	expect(guest.inside).toBe(true);
	peer.leave("it left");
	await turn();
	services.resolve([]);
	await turn();
	// The check is afterEach's.
});

test("a connection that ends after the welcome leaves no timer behind", async () => {
	services.resolve([]);
	peer.say(hello(SECRET));
	await turn();
	expect(answers()).toContain("welcome");
});

test("whoever is not in writes nothing on the hub's screen", async () => {
	peer.say(...Array.from({ length: 100 }, (): Message => ({ type: "bye", reason: "look at me" })));
	await turn();
	expect(lines()).not.toContain("look at me");
});

test("a goodbye is printed once, however often it is said", async () => {
	services.resolve([]);
	peer.say(hello(SECRET), ...Array.from({ length: 100 }, (): Message => ({ type: "bye", reason: "so long" })));
	await turn();
	expect(lines().split("so long")).toHaveLength(2);
	expect(guest.leaving).toBe(true);
});

test("a stream over the limit is refused unread, and the connection goes on", async () => {
	services.resolve([]);
	peer.say(hello(SECRET));
	await turn();
	mayHaveStreams = false;
	const { send } = peer.open();
	await turn();
	expect([...send.written]).toEqual([REFUSED]);
	send.acknowledge();
	expect(complaints).toEqual([{ key: guest.name, text: expect.stringContaining("too many streams") }]);
	expect(peer.closings).toEqual([]);
});

test("who has no valid ticket is noted in the log only, in one line a second with all others like that", async () => {
	peer.say(hello(newSecret()));
	await turn();
	await turn();
	expect(complaints).toEqual([{ key: "denied: secret", text: expect.stringContaining("Denied"), where: "log" }]);
});

test("a service asked for between hello and welcome is refused, and one after it is not", async () => {
	peer.say(hello(SECRET));
	await turn();
	expect(guest.inside).toBe(true);
	const early = peer.open(encodeHeader(2));
	await turn();
	expect([...early.send.written]).toEqual([REFUSED]);
	expect(served).toEqual([]);
	expect(complaints).toEqual([{ key: guest.name, text: expect.stringContaining("it has not been welcomed") }]);
	services.resolve([]);
	await turn();
	peer.open(encodeHeader(2));
	await turn();
	expect(served).toEqual([2]);
	expect(peer.closings).toEqual([]);
});

describe("a peer that says nothing in time", () => {
	test("is let in by an open hub, and kept: one of the original program that has no work for it yet", () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		helloIsLate();
		expect(guest.inside).toBe(true);
		look(2 * SECONDS);
		expect(peer.closings).toEqual([]);
	});

	test("is turned away by a hub that has a secret", () => {
		helloIsLate();
		expect(guest.inside).toBe(false);
		expect(peer.closings).toEqual(["no valid hello in time"]);
	});

	test("once it is in, its time is over no more", async () => {
		services.resolve([]);
		peer.say(hello(SECRET));
		await turn();
		helloIsLate();
		expect(peer.closings).toEqual([]);
	});
});

describe("a peer that is gone without a word", () => {
	test("is given up when it has not answered for 45 seconds, not earlier", async () => {
		services.resolve([]);
		peer.say(hello(SECRET));
		await turn();
		look(SECONDS - 1);
		await answer();
		look(SECONDS);
		expect(peer.closings, "since its last answer").toEqual([]);
		look(1);
		expect(peer.closings).toEqual(["silent for 45 s"]);
	});

	test("is not given up by a hub that was suspended itself", async () => {
		services.resolve([]);
		peer.say(hello(SECRET));
		await turn();
		now += Math.max(HUB_SILENCE_MS, STALL_MS);
		look(1);
		expect(peer.closings).toEqual([]);
		await answer();
		look(SECONDS);
		expect(peer.closings).toEqual([]);
	});

	test("is given up by an open hub that it never said hello to, 45 seconds after its last path", async () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		peer.open(encodeHeader(1));
		await turn();
		expect(guest.inside, "one of the original program").toBe(true);
		expect(served).toEqual([1]);
		look(2 * SECONDS);
		expect(peer.closings, "a path leads to it, and it need not say anything").toEqual([]);
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
