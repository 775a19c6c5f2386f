// What peers may do at a hub before they are admitted and after they have said goodbye, over real sessions and with a
// clock that the test controls. Which connections are closed when there are too many: hub.test.ts.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { LEAVING_MS, PENDING_STREAMS_MAX } from "../../../src/hub/limits.ts";
import * as serving from "../../../src/hub/serve-stream.ts";
import { encodeHeader } from "../../../src/protocol/stream-header.ts";
import { CLOSE_DELAY_MS, PING_MS } from "../../../src/transport/limits.ts";
import type { FarPeer } from "../../support/far-peer.ts";
import { hello } from "../../support/far-peer.ts";
import { HubWorld } from "../../support/hub-world.ts";
import { turn } from "../../support/native-halves.ts";

const BYE = { type: "bye", reason: "the peer was stopped" } as const;

let world: HubWorld;

beforeEach(() => {
	world = new HubWorld();
});

afterEach(() => world.end());

/** Opens streams of a peer for a service, one after another. */
async function open(peer: FarPeer, count: number) {
	const streams = Array.from({ length: count }, () => peer.open(encodeHeader(1)));
	await turn();
	await turn();
	return streams;
}

describe("a peer that has said goodbye", () => {
	test("right after opening a stream is still served on it: what runs may finish", async () => {
		const peer = await world.admit("1");
		using served = spyOn(serving, "serveStream");
		peer.say(BYE);
		await turn();
		await open(peer, 1);
		expect(served).toHaveBeenCalledTimes(1);
	});

	test("is disconnected ten seconds later, not earlier, if it does not disconnect itself", async () => {
		const peer = await world.admit("1");
		peer.say(BYE);
		await world.clock.pass(LEAVING_MS - 1);
		expect(peer.closings).toEqual([]);
		await world.clock.pass(1);
		expect(peer.closings).toEqual(["it has said goodbye"]);
		expect(world.told("left: ")).toBe(1);
	});

	test("and comes back at once with the same identity is reported as joined again", async () => {
		const old = await world.admit("1");
		old.say(BYE);
		await turn();
		await world.admit("1");
		expect(world.told("connected (")).toBe(2);
	});

	test("on one of two connections is not reported as left", async () => {
		const [old, fresh] = [await world.admit("1"), await world.admit("1")];
		old.say(BYE);
		await turn();
		expect(world.told("left: ")).toBe(0);
		fresh.say(BYE);
		await turn();
		expect(world.told("left: ")).toBe(1);
	});
});

describe("the control stream of an admitted peer", () => {
	const pings = (peer: FarPeer) => peer.heard.flatMap((message) => (message.type === "ping" ? message.n : []));

	test("carries a ping every second after the welcome", async () => {
		const peer = await world.admit("1");
		await world.clock.pass(PING_MS - 1);
		expect(pings(peer)).toEqual([]);
		await world.clock.pass(2 * PING_MS + 1);
		expect(pings(peer)).toEqual([0, 1, 2]);
	});

	test("tells the peer about streams that the hub aborted, and the hub about those that the peer aborted", async () => {
		const peer = await world.admit("1");
		const aborted = spyOn(peer, "abortStream");
		peer.onStuckAbort("stream 7");
		await turn();
		expect(peer.heard.at(-1)).toEqual({ type: "reset", stream: "stream 7" });
		peer.say({ type: "reset", stream: "stream 8" });
		await turn();
		expect(aborted.mock.calls as unknown).toEqual([["stream 8"]]);
	});

	for (const [v, answer] of [
		[0, "denied"],
		[1, "welcome"],
		[2, "welcome"],
	] as const) {
		test(`begins with ${answer} when the hello has version ${v}`, async () => {
			const peer = world.connect("1");
			peer.say({ type: "hello", v, name: "me", program: "9", secret: world.secret });
			await turn();
			await turn();
			expect(peer.heard).toMatchObject([
				answer === "denied" ? { type: answer, reason: "version" } : { type: answer, v: 1 },
			]);
		});
	}
});

describe("streams before the hello", () => {
	test("are limited to a few: the handshake has granted more, and those are reset", async () => {
		const stranger = world.connect("1");
		const streams = await open(stranger, PENDING_STREAMS_MAX + 3);
		expect(streams.map(({ send }) => send.written.length > 0)).toEqual([
			...Array(PENDING_STREAMS_MAX).fill(true),
			false,
			false,
			false,
		]);
		expect(streams.at(-1)?.send.endings).toEqual(["reset 1"]);
		expect(world.told("too many before its welcome")).toBe(1);
	});

	test("are not limited at an open hub, because peers of the original program send no hello", async () => {
		await world.openInstead({ secret: undefined });
		const original = world.connect("1");
		const streams = await open(original, PENDING_STREAMS_MAX + 3);
		expect(streams.filter(({ send }) => send.endings.some((ending) => ending.startsWith("reset")))).toEqual([]);
		expect(world.told("connected (")).toBe(1);
	});
});

test("a flood of streams from one peer does not delay another peer's stream", async () => {
	const [hostile, honest] = [await world.admit("1"), await world.admit("2")];
	/** Turns of the event loop until the hub has answered a stream of the honest peer, for a service that it lacks. */
	const turns = async (): Promise<number> => {
		const { send } = honest.open(encodeHeader(9));
		for (let i = 1; i <= 20; i++) {
			await turn();
			if (send.written.length > 0) return i;
		}
		throw new Error("no answer");
	};
	const alone = await turns();
	for (let i = 0; i < 1000; i++) hostile.open(new Uint8Array(i % 64));
	expect(await turns()).toBe(alone);
});

test("a connection to an open hub that ends before its first stream is read admits nobody", async () => {
	await world.openInstead({ secret: undefined });
	const original = world.connect("1");
	const stream = original.open();
	// What it has sent can still be read after its end, before that end is reported.
	original.isOver = () => true;
	stream.receive.arrive(encodeHeader(1));
	await turn();
	await turn();
	expect(world.told("connected (")).toBe(0);
	expect(world.hub.connected().size).toBe(0);
});

test("a peer's name cannot close its quotes and pose as another line", async () => {
	const peer = world.connect("1");
	const name = "x' (0123456789) connected (direct 10.0.0.7:1). Peer 'y";
	peer.say({ type: "hello", v: 1, name, program: "1", secret: world.secret });
	await turn();
	await turn();
	expect(world.told("connected (")).toBe(2);
	expect(world.told("'x' (")).toBe(0);
	expect(world.told("Peer 'x’ (0123456789) connected (direct 10.0.0.7:1). Peer ’y' (0000000000)")).toBe(1);
});

test("a peer whose welcome has not been sent when the hub is stopped is told that, and is not welcomed", async () => {
	await world.openInstead({}, { probes: true });
	const peer = world.connect("1");
	peer.say(hello(world.secret));
	await turn();
	const stopping = world.hub.stop();
	await world.clock.pass(CLOSE_DELAY_MS);
	await stopping;
	expect(peer.closings).toEqual(["the hub was stopped"]);
	expect(peer.heard).toEqual([]);
});
