// What a browser feels, for each way: requests, new connections and bulk data on one machine, with the processor time
// they take, and two pages over a slow link. Prints tables; asserts nothing.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds } from "./cpu.ts";
import { HomeUplink, HUB_HOST, MBIT, ROUND_TRIP_MS } from "./home-uplink.ts";
import { writePages } from "./pages.ts";
import { ONE_MACHINE, type Sides } from "./sides.ts";
import { median, print } from "./tables.ts";
import { type Other, startWays, type Way } from "./ways.ts";
import type { Measured } from "./web-client.ts";
import { startWebServer } from "./web-server.ts";

export interface WebOptions {
	/** Bytes of a bulk transfer. */
	bulk: number;
	/** How long the small requests of a round take, in milliseconds. */
	ms: number;
	rounds: number;
	others: readonly Other[];
}

/** A measurement: its row, and the arguments of web-client.ts. */
interface Case {
	row: string;
	args: readonly string[];
	/** What is shown of it. */
	unit: "requests" | "MB/s";
}

/** Both parts, with files of their own. */
export async function measureWeb(options: WebOptions): Promise<void> {
	const directory = mkdtempSync(join(tmpdir(), "bench-web-"));
	try {
		writePages(directory, options.bulk);
		await onOneMachine(directory, options);
		await onSlowLink(directory, options);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

// --- internal ---

const cases = (ms: number): Case[] => [
	{ row: "1 KB, 1 connection kept open", args: ["keep", "/1k", "1", `${ms}`], unit: "requests" },
	{ row: "1 KB, 16 connections kept open", args: ["keep", "/1k", "16", `${ms}`], unit: "requests" },
	{ row: "1 KB, a new connection each, 8 at once", args: ["fresh", "/1k", "8", `${ms}`], unit: "requests" },
	{ row: "64 KB, 6 connections kept open", args: ["keep", "/64k", "6", `${ms}`], unit: "requests" },
	{ row: "bulk, random bytes, 1 connection", args: ["bulk", "/random", "1"], unit: "MB/s" },
	{ row: "bulk, random bytes, 4 connections", args: ["bulk", "/random", "4"], unit: "MB/s" },
	{ row: "bulk, text, 1 connection", args: ["bulk", "/text", "1"], unit: "MB/s" },
	{ row: "bulk, text, 4 connections", args: ["bulk", "/text", "4"], unit: "MB/s" },
];

async function client(port: number, args: readonly string[], inside: readonly string[] = []): Promise<Measured> {
	const [kind = "", ...rest] = args;
	const command = [...inside, process.execPath, join(import.meta.dir, "web-client.ts"), String(port), kind, ...rest];
	const run = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
	return JSON.parse(await new Response(run.stdout).text()) as Measured;
}

interface Round extends Measured {
	/** Seconds of processor time, by process. */
	cpu: Readonly<Record<string, number>>;
}

async function round(way: Way, { args }: Case): Promise<Round> {
	const before = Object.entries(way.processes).map(([, pid]) => cpuSeconds([pid]));
	const measured = await client(way.port, args);
	const cpu = Object.entries(way.processes).map(([name, pid], i) => [name, cpuSeconds([pid]) - (before[i] as number)]);
	return { ...measured, cpu: Object.fromEntries(cpu) };
}

async function onOneMachine(directory: string, { ms, rounds, others }: WebOptions): Promise<void> {
	const server = await startWebServer(directory);
	const direct: Way = { name: "direct", port: server.port, processes: {}, stop: async () => {} };
	const ways = [direct, ...(await startWays(server.port, ONE_MACHINE, others))];
	const speed: Record<string, string[]> = {};
	const cost: Record<string, string[]> = {};
	try {
		for (const one of cases(ms)) {
			const results = ways.map((): Round[] => []);
			for (let i = 0; i < rounds; i++) {
				for (const [w, way] of ways.entries()) results[w]?.push(await round(way, one));
			}
			speed[`${one.row}, ${one.unit === "requests" ? "requests/s (p50 / p99 ms)" : "MB/s"}`] = results.map(shown(one));
			const unit = one.unit === "requests" ? "CPU s per 1,000 requests" : "CPU s per GB";
			cost[`${one.row}: ${unit}`] = results.slice(1).map(costs(one));
		}
	} finally {
		for (const way of ways) await way.stop();
		await server.program.stop();
	}
	console.log(`Behind ${server.name}, on one machine:\n`);
	print(
		ways.map(({ name }) => name),
		speed,
	);
	print(
		ways.slice(1).map(({ name, processes }) => `${name}: ${Object.keys(processes).join(" + ")}`),
		cost,
	);
}

const shown = (one: Case) => (all: readonly Round[]) => {
	if (one.unit === "MB/s") return median(all.map(({ bytes, seconds }) => bytes / 1e6 / seconds)).toFixed(0);
	const perSecond = median(all.map(({ requests, seconds }) => requests / seconds)).toFixed(0);
	return `${perSecond} (${median(all.map(({ p50 }) => p50)).toFixed(2)} / ${median(all.map(({ p99 }) => p99)).toFixed(2)})`;
};

/** By process, in the order of the way's heading. */
const costs = (one: Case) => (all: readonly Round[]) =>
	Object.keys(all[0]?.cpu ?? {})
		.map((name) => {
			const each = all.map(({ cpu, requests, bytes }) => {
				return (cpu[name] as number) / (one.unit === "requests" ? requests / 1000 : bytes / 1e9);
			});
			return median(each).toFixed(2);
		})
		.join(" + ");

async function onSlowLink(directory: string, { rounds, others }: WebOptions): Promise<void> {
	let link: HomeUplink;
	try {
		link = await HomeUplink.create();
	} catch (error) {
		console.log(`Left out: pages over a slow link. ${(error as Error).message}\n`);
		return;
	}
	const sides: Sides = { hub: link.at("hub"), peer: link.at("peer"), address: HUB_HOST };
	const server = await startWebServer(directory, sides.hub);
	const ways = await startWays(server.port, sides, others);
	const rows: Record<string, string[]> = {};
	try {
		for (const [row, path] of [
			["page A: 900 modules, 3 MB, s", "/a/index.html"],
			["page B: 20 files, 8 MB, s", "/b/index.html"],
		] as const) {
			const results = ways.map((): number[] => []);
			for (let i = 0; i < rounds; i++) {
				for (const [w, way] of ways.entries()) {
					results[w]?.push((await client(way.port, ["page", path, "6"], sides.peer)).seconds);
				}
			}
			rows[row] = results.map((seconds) => median(seconds).toFixed(2));
		}
	} finally {
		for (const way of ways) await way.stop();
		await server.program.stop();
		await link.stop();
	}
	console.log(`Pages over ${MBIT} Mbit/s with a round trip of ${ROUND_TRIP_MS} ms, six connections:\n`);
	print(
		ways.map(({ name }) => name),
		rows,
	);
}
