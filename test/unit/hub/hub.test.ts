// All guests of a hub together, over connections that the test moves and a clock that it holds: who is closed when they
// become too many, what they share, and what each is told.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { setVerbosity } from "../../../src/base/output.ts";
import { Transfers } from "../../../src/forward/transfers.ts";
import { HEALTH_MS, STRANGER_STREAMS, STRANGERS_MAX, STREAM_CREDIT, STREAMS_MAX } from "../../../src/hub/limits.ts";
import { ServiceHealth } from "../../../src/hub/service-health.ts";
import { encodeHeader, REFUSED } from "../../../src/protocol/stream-header.ts";
import { CONNECTIONS_PER_ID } from "../../../src/transport/limits.ts";
import { type FarPeer, hello } from "../../support/far-peer.ts";
import { HubWorld } from "../../support/hub-world.ts";
import { settled, turn } from "../../support/native-halves.ts";

let world: HubWorld;
let clock: HubWorld["clock"];

beforeEach(() => {
	world = new HubWorld();
	({ clock } = world);
});

afterEach(() => world.end());

const stranger = (id: string) => world.stranger(id);
const inside = (id: string) => world.inside(id);
const told = (words: string) => world.told(words);
const closed = (some: FarPeer[]) => some.map(({ closings }) => closings.length > 0);
const heard = (peer: FarPeer) => peer.heard.filter(({ type }) => type !== "ping" && type !== "welcome");

describe("one peer with more than four connections", () => {
	test("loses an attempt without a hello before one in use", async () => {
		const first = await inside("a");
		const attempts = [stranger("a"), stranger("a")];
		const fourth = await inside("a");
		expect(closed([first, ...attempts, fourth])).toEqual([false, false, false, false]);
		const fifth = stranger("a");
		expect(closed([first, ...attempts, fourth, fifth])).toEqual([false, true, false, false, false]);
		expect(attempts[0]?.closings).toEqual(["too many connections at once"]);
	});

	test("loses the one in use that carries least, of equals the older", async () => {
		const four = [await inside("a"), await inside("a"), await inside("a"), await inside("a")];
		for (const [i, carries] of [3, 1, 1, 2].entries()) (four[i] as FarPeer).carries = carries;
		(await inside("a")).carries = 4;
		expect(closed(four)).toEqual([false, true, false, false]);
		await inside("a");
		expect(closed(four)).toEqual([false, true, true, false]);
	});

	test("takes no other peer's place", async () => {
		const others = [await inside("b"), stranger("c")];
		const many = Array.from({ length: CONNECTIONS_PER_ID + 3 }, () => stranger("a"));
		expect(closed(many)).toEqual([true, true, true, false, false, false, false]);
		expect(closed(others)).toEqual([false, false]);
	});
});

describe("a flood of connections without a hello", () => {
	const flood = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => stranger(`e${from + i}`));

	test("pushes out its own oldest and nobody who is in", async () => {
		const known = [await inside("a"), await inside("b")];
		const first = flood(0, STRANGERS_MAX);
		expect(closed(first)).toEqual(first.map(() => false));
		const more = flood(STRANGERS_MAX, STRANGERS_MAX + 2);
		expect(closed(first)).toEqual(first.map((_, i) => i < 2));
		expect(closed([...more, ...known])).toEqual([false, false, false, false]);
	});

	test("does not keep out who says hello", async () => {
		flood(0, 2 * STRANGERS_MAX);
		const peer = await inside("a");
		const more = flood(2 * STRANGERS_MAX, 4 * STRANGERS_MAX);
		expect(closed([peer, ...more]).filter((gone) => !gone)).toHaveLength(1 + STRANGERS_MAX);
		expect(closed([peer])).toEqual([false]);
	});

	test("is one line a second in the log, at warn, and none on the screen", async () => {
		flood(0, STRANGERS_MAX + 50);
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

test("a connection may have few streams until its peer is in", async () => {
	const peer = stranger("a");
	expect(peer.allowed).toBe(STRANGER_STREAMS);
	peer.say(hello(world.secret));
	await turn();
	expect(peer.allowed).toBe(STREAM_CREDIT);
});

test("whoever was let in is known by id and host from then on, also when it has left; a stranger is not", async () => {
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
	test("has come once, and has left with the last of them", async () => {
		const [one, other] = [await inside("a"), await inside("a")];
		expect(told("connected (direct)")).toBe(1);
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

	test("that said goodbye is not said to have left again when they end", async () => {
		const peer = await inside("a");
		peer.say({ type: "bye", reason: "it was stopped" });
		await turn();
		peer.leave("closed");
		await turn();
		expect(told("left")).toBe(1);
		expect(told("left: it was stopped")).toBe(1);
	});
});

test("the services are looked at while a peer is in, and not for strangers", async () => {
	await world.openInstead({}, { look: true });
	using looking = spyOn(ServiceHealth.prototype, "look").mockResolvedValue();
	const unknown = stranger("b");
	await clock.pass(HEALTH_MS - 1);
	unknown.leave("gone");
	await clock.pass(HEALTH_MS);
	expect(looking).toHaveBeenCalledTimes(0);
	const one = await inside("a");
	looking.mockClear();
	await clock.pass(2 * HEALTH_MS);
	expect(looking).toHaveBeenCalledTimes(2);
	const other = await inside("a");
	one.leave("gone");
	looking.mockClear();
	await clock.pass(2 * HEALTH_MS);
	expect(looking).toHaveBeenCalledTimes(2);
	other.leave("gone");
	await clock.pass(2 * HEALTH_MS);
	expect(looking).toHaveBeenCalledTimes(2);
});

test("a service that was found to be down is told to everybody who is in, and no stranger", async () => {
	using _ = spyOn(Bun, "connect").mockRejectedValue(new Error("nobody listens"));
	const [one, other, unknown] = [await inside("a"), await inside("b"), stranger("c")];
	unknown.say();
	one.open(encodeHeader(2)).send.acknowledge();
	await turn();
	const states = [1, 2, 3].map((port) => expect.objectContaining({ port, up: port !== 2 }));
	for (const peer of [one, other]) expect(heard(peer)).toEqual([{ type: "services", services: states }]);
	expect(unknown.heard).toEqual([]);
});

test("somebody who was never in is not said to have left", async () => {
	stranger("a").leave("lost interest");
	await turn();
	expect(told("left")).toBe(0);
});

test("a peer that has all the hub's streams gets no more, others still get theirs, and what ends is free again", async () => {
	const [greedy, other] = [await inside("a"), await inside("b")];
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
	// Their peers take them back before the hub has read a header.
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

test("a hub whose network part starts again tells everybody who is in, and no stranger", async () => {
	const known = [await inside("a"), await inside("b")];
	const unknown = stranger("c");
	unknown.say();
	world.hub.restarting();
	await turn();
	for (const peer of known) expect(heard(peer)).toEqual([{ type: "bye", reason: "it starts its network part again" }]);
	expect(unknown.heard).toEqual([]);
	expect(closed([...known, unknown]), "they end with the endpoint").toEqual([false, false, false]);
});

describe("a hub that is stopped", () => {
	test("says goodbye to everybody who is in, serves nothing new, and closes them when what runs is over", async () => {
		const running = Promise.withResolvers<void>();
		using _ = spyOn(Transfers.prototype, "drain").mockReturnValue(running.promise);
		const peer = await inside("a");
		const stopping = world.hub.stop();
		const late = peer.open(encodeHeader(1));
		expect(await settled(stopping)).toBe(false);
		expect(heard(peer)).toEqual([{ type: "bye", reason: "the hub was stopped" }]);
		expect([...late.send.written]).toEqual([REFUSED]);
		expect(peer.closings).toEqual([]);
		running.resolve();
		await stopping;
		expect(peer.closings).toEqual(["the hub was stopped"]);
		await turn();
		expect(told("left"), "it is the hub that goes").toBe(0);
	});

	test("closes strangers at once, and whoever comes after", async () => {
		const before = stranger("a");
		const stopping = world.hub.stop();
		const after = stranger("b");
		expect([before, after].map(({ closings }) => closings)).toEqual([["the hub was stopped"], ["the hub was stopped"]]);
		expect(after.allowed, "it is no guest").toBeUndefined();
		await stopping;
	});
});
