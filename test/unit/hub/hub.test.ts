// All sessions of a hub together, over connections and a clock that the test controls: which are closed when there are
// too many, what they share, and what each is told.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { localMarks } from "../../../src/base/local-marks.ts";
import { setVerbosity } from "../../../src/base/output.ts";
import { DialError } from "../../../src/forward/dial-error.ts";
import * as sockets from "../../../src/forward/tcp.ts";
import { Transfers } from "../../../src/forward/transfers.ts";
import {
	GONE_MS,
	HEALTH_MAX_MS,
	PENDING_CONNECTIONS_MAX,
	PENDING_STREAMS_MAX,
	SERVICES_EVERY_MS,
	STREAM_CREDIT,
	STREAMS_MAX,
} from "../../../src/hub/limits.ts";
import * as looks from "../../../src/hub/look.ts";
import { ServiceHealth } from "../../../src/hub/service-health.ts";
import type { Message } from "../../../src/protocol/control-messages.ts";
import { encodeHeader, REFUSED } from "../../../src/protocol/stream-header.ts";
import { CONNECTIONS_PER_ID, SWEEP_MS } from "../../../src/transport/limits.ts";
import { FarPeer, hello } from "../../support/far-peer.ts";
import { HubWorld } from "../../support/hub-world.ts";
import { settled, turn } from "../../support/native-halves.ts";

let world: HubWorld;
let clock: HubWorld["clock"];

beforeEach(() => {
	world = new HubWorld();
	({ clock } = world);
});

afterEach(() => world.end());

const stranger = (id: string) => world.connect(id);
const admitted = (id: string) => world.admit(id);
const told = (words: string) => world.told(words);
const closed = (some: FarPeer[]) => some.map(({ closings }) => closings.length > 0);
const heard = (peer: FarPeer) => peer.heard.filter(({ type }) => type !== "ping" && type !== "welcome");

describe("one peer with more than four connections", () => {
	test("loses an attempt without a hello before one in use", async () => {
		const first = await admitted("a");
		const attempts = [stranger("a"), stranger("a")];
		const fourth = await admitted("a");
		expect(closed([first, ...attempts, fourth])).toEqual([false, false, false, false]);
		const fifth = stranger("a");
		expect(closed([first, ...attempts, fourth, fifth])).toEqual([false, true, false, false, false]);
		expect(attempts[0]?.closings).toEqual(["too many connections at once"]);
	});

	test("loses the one in use with the fewest streams, of equals the older", async () => {
		const four = [await admitted("a"), await admitted("a"), await admitted("a"), await admitted("a")];
		for (const [i, carries] of [3, 1, 1, 2].entries()) (four[i] as FarPeer).carries = carries;
		(await admitted("a")).carries = 4;
		expect(closed(four)).toEqual([false, true, false, false]);
		await admitted("a");
		expect(closed(four)).toEqual([false, true, true, false]);
	});

	test("costs no other peer its connection", async () => {
		const others = [await admitted("b"), stranger("c")];
		const many = Array.from({ length: CONNECTIONS_PER_ID + 3 }, () => stranger("a"));
		expect(closed(many)).toEqual([true, true, true, false, false, false, false]);
		expect(closed(others)).toEqual([false, false]);
	});
});

describe("a flood of connections without a hello", () => {
	const flood = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => stranger(`e${from + i}`));

	test("displaces its own oldest connections and no admitted peer", async () => {
		const known = [await admitted("a"), await admitted("b")];
		const first = flood(0, PENDING_CONNECTIONS_MAX);
		expect(closed(first)).toEqual(first.map(() => false));
		const more = flood(PENDING_CONNECTIONS_MAX, PENDING_CONNECTIONS_MAX + 2);
		expect(closed(first)).toEqual(first.map((_, i) => i < 2));
		expect(closed([...more, ...known])).toEqual([false, false, false, false]);
	});

	test("does not keep out a peer that sends a hello", async () => {
		flood(0, 2 * PENDING_CONNECTIONS_MAX);
		const peer = await admitted("a");
		const more = flood(2 * PENDING_CONNECTIONS_MAX, 4 * PENDING_CONNECTIONS_MAX);
		expect(closed([peer, ...more]).filter((gone) => !gone)).toHaveLength(1 + PENDING_CONNECTIONS_MAX);
		expect(closed([peer])).toEqual([false]);
	});

	test("is one warning a second in the log, and nothing without -v", async () => {
		flood(0, PENDING_CONNECTIONS_MAX + 50);
		expect(told("warn: Too many connections without a hello")).toBe(1);
		await clock.pass(999);
		flood(100, 200);
		expect(told("Too many")).toBe(1);
		await clock.pass(1);
		flood(200, 300);
		expect(told("Too many")).toBe(2);
		setVerbosity(0);
		await clock.pass(1000);
		flood(300, 400);
		expect(told("Too many")).toBe(2);
	});
});

test("a connection may have only a few streams until its peer is admitted", async () => {
	const peer = stranger("a");
	expect(peer.allowed).toBe(PENDING_STREAMS_MAX);
	peer.say(hello(world.secret));
	await turn();
	expect(peer.allowed).toBe(STREAM_CREDIT);
});

test("an admitted peer is known by id and host from then on, even after it has left; a stranger is not", async () => {
	const peer = stranger("a");
	peer.address = "192.0.2.1";
	const other = stranger("b");
	other.address = "192.0.2.2";
	expect(world.hub.knows(peer.id)).toBe(false);
	peer.say(hello(world.secret));
	await turn();
	peer.leave("gone");
	await turn();
	expect([peer.id, "192.0.2.1", other.id, "192.0.2.2"].map((name) => world.hub.knows(name))).toEqual([
		true,
		true,
		false,
		false,
	]);
});

describe("a peer with two connections", () => {
	test("is reported as joined once, and as left when the last of them ends", async () => {
		const [one, other] = [await admitted("a"), await admitted("a")];
		expect(told("connected (direct 10.0.0.7:1)")).toBe(1);
		one.leave("timed out");
		await turn();
		expect(told("left")).toBe(0);
		expect([...world.hub.connected()]).toEqual([other.id]);
		other.leave("the cable was pulled");
		await turn();
		expect(told("left: the cable was pulled")).toBe(1);
		expect(told("left")).toBe(1);
		expect(world.hub.connected().size).toBe(0);
	});

	test("that has said goodbye is not reported as left again when they end", async () => {
		const peer = await admitted("a");
		peer.say({ type: "bye", reason: "it was stopped" });
		await turn();
		peer.leave("closed");
		await turn();
		expect(told("left")).toBe(1);
		expect(told("left: it was stopped")).toBe(1);
	});
});

test("services that are not known to be up are looked at while a peer is connected, and not for strangers", async () => {
	await world.openInstead({}, { probes: true });
	using looking = spyOn(looks, "look").mockResolvedValue("unclear");
	const looked = () => looking.mock.calls.splice(0).length;
	const unknown = stranger("b");
	await clock.pass(HEALTH_MAX_MS);
	unknown.leave("gone");
	await clock.pass(HEALTH_MAX_MS);
	expect(looked()).toBe(0);
	const one = await admitted("a");
	expect(looked(), "for its welcome").toBe(3);
	await clock.pass(HEALTH_MAX_MS);
	expect(looked()).toBeGreaterThan(3);
	const other = await admitted("a");
	one.leave("gone");
	looked();
	await clock.pass(2 * HEALTH_MAX_MS);
	expect(looked()).toBeGreaterThan(3);
	other.leave("gone");
	looked();
	await clock.pass(10 * HEALTH_MAX_MS);
	expect(looked()).toBe(0);
});

describe("a peer on the hub's own machine that listens where a service is said to be", () => {
	const listens = localMarks({ host: "127.0.0.1", port: 2 }, "hub's id");
	const loops = () => world.events.filter(({ type }) => type === "loop").length;

	async function neighbour(): Promise<FarPeer> {
		const peer = stranger("a");
		peer.say({ ...hello(world.secret), listens } as Message);
		await turn();
		await turn();
		return peer;
	}

	test("is not dialled, for itself or for others, and the hub says why", async () => {
		using dialling = spyOn(sockets, "dial").mockRejectedValue(new DialError("refused", "connection refused"));
		const peer = await neighbour();
		for (const from of [peer, await admitted("b")]) {
			const { send } = from.open(encodeHeader(2));
			await turn();
			expect([...send.written]).toEqual([REFUSED]);
			send.acknowledge();
		}
		expect(
			dialling.mock.calls.map(([{ host }]) => host),
			"the other loopback address may be it",
		).toEqual(["::1", "::1"]);
		const event = { type: "loop", service: "backend", address: "127.0.0.1:2", owner: { id: peer.id, name: "me" } };
		const found = world.events.filter(({ type }) => type === "loop");
		expect(found).toMatchObject([
			{ ...event, news: true },
			{ ...event, news: false },
		]);
		expect(told("error: The backend at 127.0.0.1:2 is the local port of the peer 'me' (000000000")).toBe(1);
		expect([peer].flatMap(heard), "nothing is said about the service").toEqual([]);
	});

	test("no longer keeps it from being dialled when it has said goodbye, has left, or does not answer", async () => {
		using _ = spyOn(sockets, "dial").mockRejectedValue(new DialError("refused", "connection refused"));
		const asking = await admitted("b");
		const ask = async () => {
			asking.open(encodeHeader(2)).send.acknowledge();
			await turn();
			return loops();
		};
		const first = await neighbour();
		expect(await ask()).toBe(1);
		first.say({ type: "bye", reason: "it was stopped" });
		await turn();
		expect(await ask()).toBe(1);
		const second = await neighbour();
		expect(await ask()).toBe(2);
		await clock.pass(GONE_MS + 1000);
		expect(await ask()).toBe(2);
		second.leave("gone");
		const third = await neighbour();
		third.leave("gone");
		await turn();
		expect(await ask()).toBe(2);
	});
});

test("all admitted peers are told about a service that was found to be down, and no stranger is", async () => {
	using _ = spyOn(Bun, "connect").mockRejectedValue(new Error("nobody listens"));
	const [one, other, unknown] = [await admitted("a"), await admitted("b"), stranger("c")];
	unknown.say();
	one.open(encodeHeader(2)).send.acknowledge();
	await turn();
	const states = [1, 2, 3].map((port) => expect.objectContaining({ port, up: port !== 2 }));
	for (const peer of [one, other]) expect(heard(peer)).toEqual([{ type: "services", services: states }]);
	expect(unknown.heard).toEqual([]);
});

test("a service that goes up and down many times a second is told of ten times, and last as it is", async () => {
	const one = await admitted("a");
	const dialling = spyOn(Bun, "connect");
	const learn = spyOn(ServiceHealth.prototype, "learned");
	dialling.mockRejectedValue(new Error("nobody listens"));
	one.open(encodeHeader(2)).send.acknowledge();
	await turn();
	const health = learn.mock.contexts[0] as ServiceHealth;
	for (let i = 1; i <= 1000; i++) {
		health.learned(1, i % 2 === 1);
		await clock.pass(1);
	}
	await clock.pass(SERVICES_EVERY_MS);
	const said = heard(one).filter(({ type }) => type === "services");
	expect(said.length).toBeLessThanOrEqual(12);
	expect(said.at(-1)).toMatchObject({ services: [{}, { port: 2, up: health.states()[1]?.up }, {}] });
	dialling.mockRestore();
	learn.mockRestore();
});

test("a peer that was never admitted is not reported as left", async () => {
	stranger("a").leave("lost interest");
	await turn();
	expect(told("left")).toBe(0);
});

test("a peer that has all the hub's streams gets no more, others still get theirs, and ended ones are free again", async () => {
	const [greedy, other] = [await admitted("a"), await admitted("b")];
	// The control streams count too.
	const held = Array.from({ length: STREAMS_MAX - 2 }, () => greedy.open());
	await turn();
	const refused = greedy.open();
	await turn();
	expect([...refused.send.written]).toEqual([REFUSED]);
	expect(told("too many streams")).toBe(1);
	refused.send.acknowledge();
	const one = other.open();
	await turn();
	expect([...one.send.written]).toEqual([]);
	// The peers reset these before the hub has read a header.
	for (const { receive } of [...held.slice(0, 2), one]) receive.reset(1);
	await turn();
	await turn();
	const again = [greedy.open(), greedy.open()];
	await turn();
	expect(again.map(({ send }) => send.written.length)).toEqual([0, 0]);
	const beyond = greedy.open();
	await turn();
	expect([...beyond.send.written]).toEqual([REFUSED]);
});

test("a hub whose endpoint restarts tells all admitted peers, and no stranger", async () => {
	const known = [await admitted("a"), await admitted("b")];
	const unknown = stranger("c");
	unknown.say();
	world.hub.restarting();
	await turn();
	for (const peer of known)
		expect(heard(peer)).toEqual([{ type: "bye", reason: "its network endpoint is restarting" }]);
	expect(unknown.heard).toEqual([]);
	expect(closed([...known, unknown]), "they end only with the endpoint").toEqual([false, false, false]);
});

describe("an unexpected exception", () => {
	test("in a dial for one stream resets that stream, is reported, and affects nothing else", async () => {
		const [one, other] = [await admitted("a"), await admitted("b")];
		const mistake = new TypeError("dial is broken");
		const dialling = spyOn(sockets, "dial").mockRejectedValue(mistake);
		const { send } = one.open(encodeHeader(2));
		await turn();
		await turn();
		dialling.mockRestore();
		expect(send.endings).toEqual(["reset 1"]);
		expect(world.events.at(-1)).toEqual({ type: "bug", where: "stream", error: mistake });
		expect(told("error: Unexpected (a bug, please report it): dial is broken")).toBe(1);
		expect(closed([one, other])).toEqual([false, false]);
		expect([one, other].flatMap(heard), "the service is not reported as down").toEqual([]);
	});

	test("while a connection is taken closes that connection, and the hub takes the next one", async () => {
		const broken = new FarPeer("e".repeat(64));
		const mistake = new TypeError("no such function");
		spyOn(broken, "limitIncomingStreams").mockImplementation(() => {
			throw mistake;
		});
		world.hub.add(broken.asConnection);
		expect(broken.closings).toEqual(["internal error at the hub"]);
		expect(world.events.at(-1)).toEqual({ type: "bug", where: "connection", error: mistake });
		expect(closed([await admitted("a")])).toEqual([false]);
	});
});

test("a hub resets half-closed transfers that have been idle for long, and reports how many", async () => {
	using _ = spyOn(Transfers.prototype, "sweep").mockReturnValueOnce(0).mockReturnValueOnce(2);
	await clock.pass(SWEEP_MS);
	expect(told("Reset")).toBe(0);
	await clock.pass(SWEEP_MS);
	expect(told("warn: Reset 2 half-closed connections that moved nothing for half an hour.")).toBe(1);
});

describe("a hub that is stopped", () => {
	test("says goodbye to all admitted peers, serves nothing new, and closes the connections when transfers are over", async () => {
		const running = Promise.withResolvers<void>();
		using _ = spyOn(Transfers.prototype, "drain").mockReturnValue(running.promise);
		const peer = await admitted("a");
		using dialling = spyOn(sockets, "dial");
		const stopping = world.hub.stop();
		const late = peer.open(encodeHeader(1));
		expect(await settled(stopping)).toBe(false);
		expect(heard(peer)).toEqual([{ type: "bye", reason: "the hub was stopped" }]);
		expect([...late.send.written]).toEqual([REFUSED]);
		expect(told("stream"), "messages about the refused stream").toBe(0);
		expect(dialling).not.toHaveBeenCalled();
		expect(peer.closings).toEqual([]);
		running.resolve();
		await stopping;
		expect(peer.closings).toEqual(["the hub was stopped"]);
		await turn();
		expect(told("left"), "peers reported as left").toBe(0);
	});

	test("closes the connections of strangers at once, also of those that come later", async () => {
		const before = stranger("a");
		const stopping = world.hub.stop();
		const after = stranger("b");
		expect([before, after].map(({ closings }) => closings)).toEqual([["the hub was stopped"], ["the hub was stopped"]]);
		expect(after.allowed, "it has no session").toBeUndefined();
		await stopping;
	});
});
