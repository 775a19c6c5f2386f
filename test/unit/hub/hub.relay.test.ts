// What a hub concludes about its relay from its peers, with a clock that the test controls.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { GONE_MS } from "../../../src/hub/limits.ts";
import { PING_MS } from "../../../src/transport/limits.ts";
import type { Path } from "../../../src/transport/path-watch.ts";
import { type FarPeer, hello } from "../../support/far-peer.ts";
import { HubWorld } from "../../support/hub-world.ts";
import { turn } from "../../support/native-halves.ts";

const RELAY = { kind: "relay", address: "https://r/" } as const;

let world: HubWorld;
let clock: HubWorld["clock"];

beforeEach(() => {
	world = new HubWorld();
	({ clock } = world);
});

afterEach(() => world.end());

describe("a hub's relay is suspected", () => {
	let suspicions: number;

	/** An admitted peer whose packets go this way. */
	async function by(way: Path): Promise<FarPeer> {
		suspicions = 0;
		world.hub.onRelaySilent = () => void suspicions++;
		const peer = world.connect("a");
		peer.way = way;
		peer.say(hello(world.secret));
		await turn();
		return peer;
	}

	test("when a peer that comes through it does not answer for three seconds: once", async () => {
		const peer = await by(RELAY);
		await clock.pass(GONE_MS);
		expect(suspicions).toBe(0);
		await clock.pass(2 * PING_MS);
		expect(suspicions).toBe(1);
		await clock.pass(20 * PING_MS);
		expect(suspicions).toBe(1);
		expect(peer.closings).toEqual([]);
	});

	test("not when the peer answers, has said goodbye, or is connected directly", async () => {
		const answering = await by(RELAY);
		for (let i = 0; i < 10; i++) {
			answering.say({ type: "pong", n: i });
			await clock.pass(PING_MS);
		}
		expect(suspicions).toBe(0);
		answering.say({ type: "bye", reason: "it was stopped" });
		await clock.pass(5 * PING_MS);
		expect(suspicions).toBe(0);
		await by({ kind: "direct", address: "10.0.0.7:1" });
		await clock.pass(5 * PING_MS);
		expect(suspicions).toBe(0);
	});
});

describe("a hub is in use", () => {
	test("while a peer that answers has a stream besides its control stream", async () => {
		expect(world.hub.inUse()).toBe(false);
		const peer = await world.admit("a");
		expect(world.hub.inUse()).toBe(false);
		peer.carries = 1;
		expect(world.hub.inUse()).toBe(true);
		await clock.pass(GONE_MS + PING_MS);
		expect(world.hub.inUse(), "by a peer that does not answer").toBe(false);
		peer.say({ type: "pong", n: 0 });
		await turn();
		expect(world.hub.inUse()).toBe(true);
		peer.leave("gone");
		await turn();
		expect(world.hub.inUse()).toBe(false);
	});

	test("while a peer that answers comes through a relay", async () => {
		const peer = world.connect("a");
		peer.way = RELAY;
		expect(world.hub.inUse(), "by a stranger").toBe(false);
		peer.say(hello(world.secret));
		await turn();
		expect(world.hub.inUse()).toBe(true);
		await clock.pass(GONE_MS + PING_MS);
		expect(world.hub.inUse(), "by a peer that does not answer").toBe(false);
	});
});
