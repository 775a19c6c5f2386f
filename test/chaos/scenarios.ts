// What can happen to a hub, a peer and the network between them. GOAL seconds after the repair the tunnel must be usable
// again. `bun run chaos` makes a table of them; each is also a test (test/e2e/chaos.test.ts).
import { namespacesRefused } from "./network.ts";
import { RELAY_SCENARIOS } from "./relay-scenarios.ts";
import { RELAY, World } from "./world.ts";

/** Seconds from the repair until the tunnel is usable again, at most. */
export const GOAL = 5;

export interface Scenario {
	name: string;
	/** It breaks the network, so it needs namespaces. Otherwise it only hurts programs, and loopback will do. */
	wires: boolean;
	/** Breaks something and repairs it. */
	run(world: World): Promise<Played>;
	/** A path is always left, so it is no fault of the scenario if no request fails. */
	gentle?: boolean;
	/** How many addresses the hub's host has; 1 by default. */
	addresses?: number;
	/** The router runs a relay; `only`: hub and peer have no direct path. */
	relay?: "beside" | "only";
	/** Seconds, where it is not {@link GOAL}. */
	goal?: number;
}

interface Played {
	/** `performance.now()` at the repair. */
	repaired: number;
	/** What it takes that time to, where that is not a request that is answered. */
	until?: () => Promise<unknown>;
	/** What else must hold in the end. */
	also?: () => Promise<void>;
}

export interface Outcome {
	/** Seconds until usable; undefined if it never was, or not for long enough. */
	seconds: number | undefined;
	/** Requests from before the repair that were not answered. */
	lost: number;
	/** What else went wrong. */
	failure: string | undefined;
	/** The programs' lines, with seconds since the repair, and the probe's answers. */
	report: string;
}

const now = (): number => performance.now();

export const SCENARIOS: readonly Scenario[] = [
	{ name: "hub killed -9, started again after 1 s", wires: false, run: (world) => killHub(world, 1) },
	{ name: "hub killed -9, started again after 8 s", wires: false, run: (world) => killHub(world, 8) },
	{
		name: "hub stopped for 20 s (SIGSTOP)",
		wires: false,
		async run({ hub }) {
			hub.signal("SIGSTOP");
			await Bun.sleep(20_000);
			hub.signal("SIGCONT");
			return { repaired: now() };
		},
	},
	...[3, 9, 12, 20, 40].map((seconds) => ({
		name: `link down for ${seconds} s`,
		wires: true,
		run: (world: World) => linkDown(world, seconds),
	})),
	{
		name: "peer's address changed",
		wires: true,
		gentle: true,
		async run({ network }) {
			const repaired = now();
			await network?.changeAddress();
			return { repaired };
		},
	},
	{
		name: "silent black hole of 12 s, transfers go on",
		wires: true,
		async run(world) {
			const transfer = await world.transfer(60_000_000);
			await world.network?.blackHole(true);
			await Bun.sleep(12_000);
			await world.network?.blackHole(false);
			const repaired = now();
			return { repaired, also: () => transfer.exact(repaired, 60_000) };
		},
	},
	{
		name: "hub stopped for 20 s (SIGSTOP), transfers go on",
		wires: false,
		async run(world) {
			const transfer = await world.transfer(200_000_000);
			world.hub.signal("SIGSTOP");
			await Bun.sleep(20_000);
			world.hub.signal("SIGCONT");
			const repaired = now();
			return { repaired, also: () => transfer.exact(repaired, 90_000) };
		},
	},
	...RELAY_SCENARIOS,
	// Either of the two addresses may be in use, so one scenario of each pair hurts.
	...[false, true].flatMap((oneWay) =>
		([1, 2] as const).map((which) => ({
			name: `hub's address ${which} of 2 lost ${oneWay ? "(one way only)" : ""}`.trim(),
			wires: true,
			gentle: true,
			addresses: 2,
			async run({ network }: World) {
				const repaired = now();
				await network?.loseAddress(which, oneWay);
				return { repaired };
			},
		})),
	),
];

/** Why a scenario cannot be played here; undefined if it can. */
export function unplayable({ wires, relay }: Scenario): string | undefined {
	const refused = wires ? namespacesRefused() : undefined;
	return refused ?? (relay && !RELAY ? "no iroh-relay in PATH or IROH_RELAY" : undefined);
}

/** Plays one in a world of its own. `limit` and `hold` are seconds: how long to wait, and how long it has to last. */
export async function play(
	scenario: Scenario,
	{ limit, hold }: { limit: number; hold: number },
	hosts: "namespaces" | "loopback" = namespacesRefused() === undefined ? "namespaces" : "loopback",
): Promise<Outcome> {
	await using world = await World.create(hosts, { addresses: scenario.addresses ?? 1, relay: scenario.relay });
	const { repaired, until, also } = await scenario.run(world);
	let reached: number | undefined;
	const reaching = until?.().then(() => {
		reached = (now() - repaired) / 1000;
	});
	const usable = await world.usable(repaired, limit * 1000, hold * 1000);
	let failure = usable ? undefined : `not usable within ${limit} s`;
	if (usable && usable.lost === 0 && !scenario.gentle) failure = "every request was answered, so nothing was broken";
	try {
		await reaching;
		await also?.();
	} catch (error) {
		failure = `${failure ? `${failure}; ` : ""}${error instanceof Error ? error.message : error}`;
	}
	const report = `${world.report(repaired)}${world.picture(repaired)}\n`;
	return { seconds: until ? reached : usable?.seconds, lost: usable?.lost ?? 0, failure, report };
}

// --- internal ---

async function killHub(world: World, seconds: number): Promise<{ repaired: number }> {
	world.hub.signal("SIGKILL");
	await world.hub.exited;
	await Bun.sleep(seconds * 1000);
	const repaired = now();
	await world.startHub();
	return { repaired };
}

async function linkDown({ network }: World, seconds: number): Promise<{ repaired: number }> {
	await network?.linkDown();
	await Bun.sleep(seconds * 1000);
	await network?.linkUp();
	return { repaired: now() };
}
