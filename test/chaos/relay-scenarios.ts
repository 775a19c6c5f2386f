// What can happen where a relay is: beside the direct path, or instead of it. Played by scenarios.ts.
import type { Scenario } from "./scenarios.ts";
import type { World } from "./world.ts";

/** The goal, in seconds, where the relay was away that all packets go through: both sides have to notice that it is back. */
const RELAY_GOAL = 8;

/** And until a direct path is used that was not there before. */
const DIRECT_GOAL = 30;

const now = (): number => performance.now();

export const RELAY_SCENARIOS: readonly Scenario[] = [
	{
		name: "direct path cut, the relay stays",
		wires: true,
		relay: "beside",
		gentle: true,
		async run({ network }) {
			const repaired = now();
			await network?.cutDirectPath();
			return { repaired };
		},
	},
	{
		name: "direct path appears beside the relay, and both sides say so",
		wires: true,
		relay: "only",
		gentle: true,
		goal: DIRECT_GOAL,
		async run({ network, hub, peer }) {
			await peer.line(/Connected: relay/);
			await network?.mendDirectPath();
			const until = () =>
				Promise.all([peer.line(/The connection to the hub is now direct/), hub.line(/is now connected directly/)]);
			return { repaired: now(), until };
		},
	},
	{
		name: "peer's address changed, a relay and no direct path",
		wires: true,
		relay: "only",
		gentle: true,
		async run({ network }) {
			const repaired = now();
			await network?.changeAddress();
			return { repaired };
		},
	},
	{
		name: "hub's address changed, beside a relay",
		wires: true,
		relay: "beside",
		gentle: true,
		addresses: 2,
		async run({ network }) {
			const repaired = now();
			await network?.changeHubAddress();
			return { repaired };
		},
	},
	{
		name: "joined by a code, a relay and no direct path",
		wires: true,
		relay: "only",
		gentle: true,
		async run(world) {
			const code = await world.code();
			return { repaired: now(), until: () => world.join("newcomer", code) };
		},
	},
	...[5, 30, 45].map((seconds) => ({
		name: `relay away for ${seconds} s, no direct path`,
		wires: true,
		relay: "only" as const,
		goal: RELAY_GOAL,
		run: (world: World) => relayAway(world, seconds),
	})),
	{
		name: "relay unreachable for 30 s, no direct path",
		wires: true,
		relay: "only",
		goal: RELAY_GOAL,
		async run({ network }) {
			await network?.routerAddress(false);
			await Bun.sleep(30_000);
			await network?.routerAddress(true);
			return { repaired: now() };
		},
	},
];

// --- internal ---

async function relayAway(world: World, seconds: number): Promise<{ repaired: number }> {
	world.relay.signal("SIGKILL");
	await world.relay.exited;
	await Bun.sleep(seconds * 1000);
	await world.startRelay();
	return { repaired: now() };
}
