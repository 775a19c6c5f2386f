// How long new peers are admitted and join codes offered, and that the end is reported. The test controls the clocks.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { SWEEP_MS } from "../../../src/transport/limits.ts";
import { HubWorld } from "../../support/hub-world.ts";

const HOUR = 3_600_000;

let world: HubWorld;

beforeEach(() => {
	world = new HubWorld();
});

afterEach(() => world.end());

describe("an invitation", () => {
	test("for one peer ends when a peer has joined, and that is reported", async () => {
		await world.openInstead({ once: true });
		world.connect("b");
		expect(world.hub.closedToNewPeers.aborted).toBe(false);
		await world.admit("a");
		expect(world.hub.closedToNewPeers.aborted).toBe(true);
		expect(world.told("One peer has joined: nobody else is admitted, by ticket or join code.")).toBe(1);
		await world.admit("a");
		expect(world.told("One peer has joined")).toBe(1);
	});

	test("that expires ends then, and that is reported", async () => {
		await world.openInstead({ expiresAt: Date.now() + HOUR });
		await world.admit("a");
		await world.clock.pass(HOUR - 1);
		expect(world.hub.closedToNewPeers.aborted).toBe(false);
		expect(world.told("expired")).toBe(0);
		await world.clock.pass(1);
		expect(world.hub.closedToNewPeers.aborted).toBe(true);
		expect(world.told("The invitation has expired: nobody else is admitted, by ticket or join code.")).toBe(1);
	});

	test("ends when the clock says so, even if the clock was set back in between", async () => {
		await world.openInstead({ expiresAt: Date.now() + HOUR });
		world.epoch -= HOUR / 2;
		await world.clock.pass(HOUR);
		expect(world.hub.closedToNewPeers.aborted, "a peer is still admitted").toBe(false);
		expect(world.told("expired")).toBe(0);
		await world.clock.pass(HOUR / 2 - 1);
		expect(world.hub.closedToNewPeers.aborted).toBe(false);
		await world.clock.pass(1);
		expect(world.hub.closedToNewPeers.aborted).toBe(true);
		expect(world.told("The invitation has expired")).toBe(1);
	});

	test("that expires while the machine sleeps or by a clock set forward ends within a minute", async () => {
		await world.openInstead({ expiresAt: Date.now() + HOUR });
		await world.admit("a");
		world.epoch += HOUR;
		await world.clock.pass(SWEEP_MS);
		expect(world.hub.closedToNewPeers.aborted).toBe(true);
		expect(world.told("The invitation has expired")).toBe(1);
		await world.clock.pass(2 * HOUR);
		expect(world.told("The invitation has expired")).toBe(1);
	});

	test("is not reported as expired by a hub that was stopped before", async () => {
		await world.openInstead({ expiresAt: Date.now() + HOUR });
		await world.hub.stop();
		await world.clock.pass(2 * HOUR);
		expect(world.told("expired")).toBe(0);
	});
});
