// What can happen to a hub and a peer, and what must be true after: the tunnel is usable again GOAL seconds after the
// repair. Used by chaos.ts (a table) and test/e2e/chaos.test.ts (a test of each).
import { namespacesRefused } from "./network.ts";
import { World } from "./world.ts";

/** Seconds from the repair to usable again, at most. */
export const GOAL = 5;

export interface Scenario {
	name: string;
	/** It needs wires of its own. Without: it hurts only programs, and loopback does where namespaces are refused. */
	wires: boolean;
	/** Hurts, and repairs; resolves with `performance.now()` at the repair and what else must be true in the end. */
	run(world: World): Promise<{ repaired: number; also?: () => Promise<void> }>;
	/** The path is never gone, so no request needs to fail. */
	gentle?: boolean;
	/** Addresses of the hub's host; one when not given. */
	addresses?: number;
}

export interface Outcome {
	/** Seconds to usable; undefined when it never was, or not for long enough. */
	seconds: number | undefined;
	/** Requests without an answer before the repair. */
	lost: number;
	/** What went wrong besides. */
	failure: string | undefined;
	/** The programs' lines with seconds since the repair, and the probe's answers. */
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
	// Whichever of two addresses is in use: one of each pair hurts.
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

/** Runs one in a world of its own. `limit` and `hold` are seconds: how long to wait, and how long it has to last. */
export async function play(
	scenario: Scenario,
	{ limit, hold }: { limit: number; hold: number },
	hosts: "namespaces" | "loopback" = namespacesRefused() === undefined ? "namespaces" : "loopback",
): Promise<Outcome> {
	await using world = await World.create(hosts, { addresses: scenario.addresses ?? 1 });
	const { repaired, also } = await scenario.run(world);
	const usable = await world.usable(repaired, limit * 1000, hold * 1000);
	let failure = usable ? undefined : `not usable within ${limit} s`;
	if (usable && usable.lost === 0 && !scenario.gentle) failure = "every request was answered: nothing was hurt";
	try {
		await also?.();
	} catch (error) {
		failure = `${failure ? `${failure}; ` : ""}${error instanceof Error ? error.message : error}`;
	}
	const report = `${world.report(repaired)}${world.picture(repaired)}\n`;
	return { seconds: usable?.seconds, lost: usable?.lost ?? 0, failure, report };
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
