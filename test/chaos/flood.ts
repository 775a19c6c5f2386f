// Floods a hub with hostile connections and streams. Measures how long a known peer's requests take meanwhile, whether
// it or a new peer is ever kept out, and what the hub still holds afterwards. Usage: bun test/chaos/flood.ts [--insider]
// [--streams N] [--connections N] [--rounds N] [--pings] [--logs]; an insider knows the secret; with --pings, strangers send
// nothing but pings. Prints the numbers.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Process } from "./process.ts";
import { World } from "./world.ts";

const DEFAULTS: FloodOptions = {
	streams: 10_000,
	connections: 200,
	seconds: 8,
	rounds: 2,
	settle: 12,
	pingers: 0,
	insider: false,
	idle: false,
};

export interface Requests {
	count: number;
	failed: number;
	/** Milliseconds for one request, its TCP connection included. */
	p50: number;
	p99: number;
	max: number;
}

export interface Held {
	/** Resident megabytes of the hub. */
	rss: number;
	/** Its open files, most of them sockets. */
	files: number;
}

export interface Flood {
	quiet: Requests;
	flooded: Requests;
	/** Meanwhile, what the hub's status server took for /status. */
	status: Requests;
	/** Seconds until a peer that joined in the middle of the second flood had its services. */
	newcomer: number;
	/** What the hostile program did in each flood. */
	done: Done[];
	/** The hub before, at the worst moment, and after each flood. */
	before: Held;
	worst: Held;
	after: Held[];
	report: string;
}

export interface Done {
	/** Those it was granted, and those that the hub did not grant in time. */
	streams: number;
	refusedStreams: number;
	connections: number;
	refusedConnections: number;
	/** Lines that were sent without a hello. */
	pings: number;
}

export interface FloodOptions {
	streams: number;
	connections: number;
	/** How long the connections of one flood keep coming; streams keep coming until all have been tried. */
	seconds: number;
	/** How many floods; the first one is measured. */
	rounds: number;
	/** Seconds to wait after each, for what has to time out. */
	settle: number;
	/** Connections that send 2,000 pings a second each. */
	pingers: number;
	/** The hostile program knows the secret. */
	insider: boolean;
	/** It only gets the CPU time that nobody else wants, so that the measured times mean something. */
	idle: boolean;
}

export async function flood(options: Partial<FloodOptions> = {}): Promise<Flood> {
	const { streams, connections, seconds, rounds, settle, pingers, insider, idle } = { ...DEFAULTS, ...options };
	await using world = await World.create("loopback");
	const quiet = await requests(world, Bun.sleep(4000));
	const before = held(world.hub);
	let worst = before;
	const watcher = setInterval(() => {
		const { rss, files } = held(world.hub);
		worst = { rss: Math.max(rss, worst.rss), files: Math.max(files, worst.files) };
	}, 200);
	try {
		const after: Held[] = [];
		let flooded: Requests | undefined;
		let status: Requests | undefined;
		let newcomer = 0;
		const done: Done[] = [];
		for (let round = 0; round < rounds; round++) {
			const numbers = [streams, connections, seconds, pingers].map(String);
			const [ticket = ""] = insider ? [world.ticket] : world.ticket.split(".");
			const hostile = world.run(
				"hostile",
				"peer",
				...(idle ? IDLE : NICE),
				process.execPath,
				HOSTILE,
				ticket,
				...numbers,
			);
			await hostile.line(/^begun$/);
			const over = hostile.line(/^\{.*/, 90_000);
			const measuring = requests(world, over);
			const asking = statusRequests(`${world.status}status`, over);
			// Starting a program takes a whole core for a moment, so not while we measure.
			if (round === 1) {
				await Bun.sleep(seconds * 400);
				const came = performance.now();
				const peer = await world.join("newcomer");
				newcomer = (performance.now() - came) / 1000;
				peer.process.signal("SIGTERM");
				await peer.process.exited;
			}
			flooded ??= await measuring;
			await measuring;
			status ??= await asking;
			await asking;
			done.push(JSON.parse((await over)[0]));
			await hostile[Symbol.asyncDispose]();
			await Bun.sleep(settle * 1000);
			after.push(held(world.hub));
		}
		return {
			quiet,
			flooded: flooded as Requests,
			status: status as Requests,
			newcomer,
			done,
			before,
			worst,
			after,
			report: world.report(),
		};
	} finally {
		clearInterval(watcher);
	}
}

/** How much slower the slowest requests of an admitted peer may be while strangers send pings. */
export const PINGS_GOAL = 2;

/** Strangers that send nothing but pings: 60 connections with 2,000 lines a second each. */
export function floodOfPings(): Promise<Flood> {
	return flood({ streams: 0, connections: 0, pingers: 60, rounds: 1, settle: 0, idle: true });
}

// --- internal ---

/** For tests: the whole flood has to happen within its time, also on a busy machine. */
const NICE = ["nice", "-n", "5"];
/** For measurements: a real attacker has its own machine, so here it gets what the others leave of the cores. */
const IDLE = ["chrt", "--idle", "0"];
const HOSTILE = join(import.meta.dir, "hostile.ts");

/** The known peer's requests, one every 10 ms, each on a new connection, until `over`. Those that still hang then failed. */
async function requests(world: World, over: Promise<unknown>): Promise<Requests> {
	await using probe = new Process("probe", [], world.probing(10));
	const answers: string[][] = [];
	probe.onLine = (line) => answers.push(line.split(" "));
	await over;
	probe.signal("SIGTERM");
	await probe.exited;
	const failed = answers.filter(([ok]) => ok !== "ok").length;
	return summary(
		answers.map(([, took]) => Number(took)),
		failed,
	);
}

/** Asks for the hub's status every 50 ms, on a new connection each time, until `over`. */
async function statusRequests(url: string, over: Promise<unknown>): Promise<Requests> {
	let running = true;
	void over.finally(() => {
		running = false;
	});
	const times: number[] = [];
	let failed = 0;
	while (running) {
		const begun = performance.now();
		const answer = fetch(url, { headers: { connection: "close" }, proxy: "", signal: AbortSignal.timeout(5_000) });
		const ok = await answer.then((response) => response.json()).catch(() => undefined);
		if (ok === undefined) failed++;
		times.push(performance.now() - begun);
		await Bun.sleep(50);
	}
	return summary(times, failed);
}

function summary(all: readonly number[], failed: number): Requests {
	const times = [...all].sort((a, b) => a - b);
	const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? Number.NaN;
	return { count: times.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function held({ pid }: Process): Held {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
	return { rss: Math.round(rss), files: readdirSync(`/proc/${pid}/fd`).length };
}

if (import.meta.main) {
	const { values } = parseArgs({
		options: {
			insider: { type: "boolean", default: false },
			logs: { type: "boolean", default: false },
			pings: { type: "boolean", default: false },
			streams: { type: "string" },
			connections: { type: "string" },
			rounds: { type: "string" },
		},
	});
	const { insider, logs, pings, ...given } = values;
	const counts = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number(value)]));
	const { quiet, flooded, status, newcomer, done, before, worst, after, report } = await (pings
		? floodOfPings()
		: flood({ insider, idle: true, ...counts }));
	const row = (name: string, { count, failed, p50, p99, max }: Requests) =>
		console.log(
			`${name.padEnd(18)} ${`${count}`.padStart(5)} requests  ${failed} failed  ` +
				`p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  max ${max.toFixed(1)} ms`,
		);
	row("quiet", quiet);
	row("under the flood", flooded);
	row("/status meanwhile", status);
	if (!pings) console.log(`a new peer had its services after ${newcomer.toFixed(1)} s`);
	console.log(`${insider ? "insider" : "outsider"}: ${JSON.stringify(done.at(-1))}`);
	const hold = ({ rss, files }: Held) => `${rss} MB, ${files} files`;
	console.log(`the hub held ${hold(before)}; at worst ${hold(worst)}; after ${after.map(hold).join("; again ")}`);
	if (logs) console.log(report);
	process.exit(0);
}
