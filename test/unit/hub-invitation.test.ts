// Until when somebody new may come to a hub: its join codes are offered until then, and the screen says so. The clocks
// are the test's.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { HubWorld } from "../support/hub-world.ts";

const HOUR = 3_600_000;

let world: HubWorld;

beforeEach(() => {
	world = new HubWorld();
});

afterEach(() => world.end());

describe("an invitation", () => {
	test("for one peer ends when that is in, and is said to have", async () => {
		await world.openInstead({ once: true });
		world.stranger("b");
		expect(world.hub.closedToNewPeers.aborted).toBe(false);
		await world.inside("a");
		expect(world.hub.closedToNewPeers.aborted).toBe(true);
		expect(world.told("One peer is in: nobody else is let in, and no join code works any more.")).toBe(1);
		await world.inside("a");
		expect(world.told("One peer is in")).toBe(1);
	});

	test("that expires is offered until then, and its end is said", async () => {
		await world.openInstead({ expiresAt: Date.now() + HOUR });
		await world.inside("a");
		await world.clock.pass(HOUR - 1);
		expect(world.hub.closedToNewPeers.aborted).toBe(false);
		expect(world.told("expired")).toBe(0);
		await world.clock.pass(1);
		expect(world.hub.closedToNewPeers.aborted).toBe(true);
		expect(world.told("The invitation has expired: nobody else is let in, and no join code works any more.")).toBe(1);
	});

	test("does not expire for a hub that was stopped before", async () => {
		await world.openInstead({ expiresAt: Date.now() + HOUR });
		await world.hub.stop();
		await world.clock.pass(2 * HOUR);
		expect(world.told("expired")).toBe(0);
	});
});
