// `bun run chaos`: plays every scenario of scenarios.ts, and prints how long each tunnel took to be usable again. Then
// strangers send a flood of pings, and it prints how long an admitted peer's requests take meanwhile.
// Usage: bun test/chaos/chaos.ts [--at-once N] [--times N] [--logs] [WORDS of names].
// Exits with status 1 if a goal is missed.
import { parseArgs } from "node:util";
import { floodOfPings, PINGS_GOAL, type Requests } from "./flood.ts";
import { namespacesRefused } from "./network.ts";
import { GOAL, type Outcome, play, SCENARIOS, unplayable } from "./scenarios.ts";

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		"at-once": { type: "string", default: "4" },
		times: { type: "string", default: "1" },
		logs: { type: "boolean", default: false },
	},
});

/** Seconds. We wait longer than the goal, so that the table shows by how much it was missed; then it has to last. */
const PATIENCE = { limit: 60, hold: 10 };

const refused = namespacesRefused();
const chosen = SCENARIOS.filter(({ name }) => positionals.every((word) => name.includes(word)));
const jobs = chosen.filter((scenario) => unplayable(scenario) === undefined);
const times = Number(values.times);
const queue = jobs.flatMap((scenario) => Array.from({ length: times }, () => scenario));
const outcomes = new Map(jobs.map((scenario) => [scenario, [] as Outcome[]]));

console.log(
	refused === undefined
		? "Hub, router and peer are network namespaces of their own; nothing leaves them."
		: `Hub and peer are on loopback: ${refused}.`,
);

await Promise.all(
	Array.from({ length: Number(values["at-once"]) }, async () => {
		for (let next = queue.shift(); next; next = queue.shift()) {
			const outcome = await play(next, PATIENCE);
			outcomes.get(next)?.push(outcome);
			if (values.logs || outcome.failure) console.log(`\n${next.name}\n${outcome.report}`);
		}
	}),
);

const width = Math.max(...chosen.map(({ name }) => name.length));
console.log(`\n${"".padEnd(width)}  usable after (goal: ${GOAL} s unless another one is given)`);
let missed = false;
for (const scenario of chosen) {
	const results = outcomes.get(scenario);
	if (!results) {
		console.log(`${scenario.name.padEnd(width)}  skipped: ${unplayable(scenario)}`);
		continue;
	}
	const worst = Math.max(...results.map(({ seconds }) => seconds ?? Number.POSITIVE_INFINITY));
	const failures = [...new Set(results.flatMap(({ failure }) => failure ?? []))];
	const shown = results.map(({ seconds }) => (seconds === undefined ? "never" : `${seconds.toFixed(1)} s`)).join(", ");
	const { name, goal } = scenario;
	const ok = worst <= (goal ?? GOAL) && failures.length === 0;
	missed ||= !ok;
	const of = goal === undefined ? "" : ` (goal: ${goal} s)`;
	console.log(`${name.padEnd(width)}  ${shown}${of}${ok ? "" : `  MISSED ${failures.join("; ")}`}`);
}

const PINGS = "strangers send pings";
if (positionals.every((word) => PINGS.includes(word))) {
	// Alone, because the times are compared.
	const { quiet, flooded } = await floodOfPings();
	const ok = flooded.p99 <= PINGS_GOAL * quiet.p99 && flooded.failed === 0;
	missed ||= !ok;
	const times = ({ p50, p99 }: Requests) => `${p50.toFixed(1)} / ${p99.toFixed(1)} ms`;
	console.log(
		`${PINGS}: requests p50 / p99 ${times(flooded)}, without them ${times(quiet)} ` +
			`(goal: a p99 of ${PINGS_GOAL} times that)${ok ? "" : "  MISSED"}`,
	);
}
process.exit(missed ? 1 : 0);
