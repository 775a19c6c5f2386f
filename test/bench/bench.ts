// `bun run bench`: compares a direct connection, our tunnel, the raw binding, `ssh -L` and dumbpipe on this machine, in one
// run (docs/benchmarks.md). It asserts nothing. Nothing leaves the machine, and every loop is bounded. `--against FILE`
// adds another executable of ours, `--quick` is for trying it.
import { cpus, release } from "node:os";
import { join } from "node:path";
import { type Flood, flood, type Requests } from "../chaos/flood.ts";
import { type Executables, makeExecutables } from "./executables.ts";
import * as load from "./load.ts";
import { startSsh } from "./others.ts";
import { type Program, startProgram } from "./programs.ts";
import { median, print } from "./tables.ts";
import { EXECUTABLE, joinsByCode, rss, startPeer, startService, startTunnel } from "./tunnel.ts";
import { measureWeb } from "./web.ts";

const here = import.meta.dir;
const bun = process.execPath;
const quick = process.argv.includes("--quick");
const against = process.argv.indexOf("--against");
const BULK = quick ? 20e6 : 100e6;
const MS = quick ? 500 : 3000;
const ROUNDS = quick ? 1 : 3;

const programs: Program[] = [];
let executables: Executables | undefined;
try {
	await main();
} finally {
	for (const program of programs.reverse()) await program.stop();
	executables?.remove();
}
process.exit(0);

async function main(): Promise<void> {
	console.log(
		`${cpus().length} × ${cpus()[0]?.model}, ${process.platform} ${release()}, Bun ${Bun.version}, loopback\n`,
	);
	executables = await makeExecutables(against < 0 ? undefined : process.argv[against + 1]);
	const { others, empty } = executables;
	await starts(
		[empty, EXECUTABLE, ...others.map(({ executable }) => executable)],
		["an empty program", "hivemind-p2p", ...others.map(({ name }) => name)],
	);
	await measureWeb({ bulk: BULK, ms: MS, rounds: ROUNDS, others });
	const service = await startService();
	programs.push(service);
	const port = Number(service.match[1]);
	await rawBinding();
	await besideBulk(port);
	await memory(port);
	// Everything else is stopped first, so that the flood has the machine to itself.
	for (const program of programs.splice(0).reverse()) await program.stop();
	await floods();
}

/** How long each takes to say its version. The empty program says nothing. */
async function starts(commands: readonly string[], names: readonly string[]): Promise<void> {
	const times = commands.map((): number[] => []);
	for (let i = 0; i < (quick ? 5 : 21); i++) {
		for (const [c, command] of commands.entries()) {
			const begun = performance.now();
			await Bun.spawn([command, "--version"], { stdout: "ignore" }).exited;
			times[c]?.push(performance.now() - begun);
		}
	}
	print(names, { "--version, ms": times.map((each) => median(each).toFixed(1)) });
}

/** One stream of the binding between two processes, without TCP: what no program that is built on it can exceed. */
async function rawBinding(): Promise<void> {
	const raw = await startProgram([bun, join(here, "raw.ts")], /(endpoint\S+)/);
	programs.push(raw);
	const bulk = async (direction: string) => {
		const speeds: number[] = [];
		for (let i = 0; i < ROUNDS; i++) {
			const run = Bun.spawn([bun, join(here, "raw.ts"), raw.match[1] as string, direction, String(BULK)]);
			speeds.push(Number(await new Response(run.stdout).text()));
		}
		return median(speeds).toFixed(1);
	};
	print(["down", "up"], { "raw binding, bulk, MB/s": [await bulk("down"), await bulk("up")] });
}

/** What small things wait for while a bulk transfer runs beside them. */
async function besideBulk(port: number): Promise<void> {
	const tunnel = await startTunnel(port);
	programs.push(tunnel.hub, tunnel.peer);
	const ssh = await startSsh(port).catch(() => undefined);
	if (ssh) programs.push(ssh.sshd, ssh.client);
	const ways = { direct: port, "hivemind-p2p": tunnel.port, ...(ssh && { "ssh -L": ssh.port }) };
	const rows: Record<string, string[]> = { small: [], fresh: [] };
	const shown = ({ p50, p99 }: load.Latency) => `${p50.toFixed(2)} / ${p99.toFixed(2)}`;
	for (const way of Object.values(ways)) {
		const stop = await load.background(way);
		rows.small?.push(shown(await load.requests(way, 16, MS)));
		rows.fresh?.push(shown(await load.connections(way, 1, MS)));
		stop();
	}
	print(Object.keys(ways), {
		"64 bytes on 16 connections, beside a bulk download, p50 / p99, ms": rows.small as string[],
		"a new connection beside a bulk download, p50 / p99, ms": rows.fresh as string[],
	});
}

async function memory(port: number): Promise<void> {
	const toTicket: number[] = [];
	const toUsable: number[] = [];
	for (let i = 0; i < 5; i++) {
		const tunnel = await startTunnel(port);
		toTicket.push(tunnel.hub.readyMs);
		toUsable.push(tunnel.peer.readyMs);
		await tunnel.stop();
	}
	// Memory is measured on new processes: what the bulk transfers above left behind would hide the rest.
	const fresh = await startTunnel(port);
	const sides = [fresh.hub, fresh.peer];
	// By then the garbage collector has run.
	await Bun.sleep(1500);
	const idleRss = await Promise.all(sides.map(rss));
	const close = await load.idle(fresh.port, 1000);
	// One peer has at most 1,024.
	const second = await startPeer(fresh.hub.match[1] as string);
	const closeMore = await load.idle(Number(second.match[1]), 1000);
	await Bun.sleep(1500);
	const openRss = await Promise.all(sides.map(rss));
	close();
	closeMore();
	await second.stop();
	await load.download(fresh.port, BULK);
	await Bun.sleep(1500);
	const before = await Promise.all(sides.map(rss));
	const unstall = await load.stalledReader(fresh.port);
	await Bun.sleep(3000);
	const stalledRss = await Promise.all(sides.map(rss));
	unstall();
	await fresh.stop();
	const mb = (values: number[]) => values.map((value) => value.toFixed(0)).join(" / ");
	print(["value"], {
		"share to ticket, ms": [median(toTicket).toFixed(0)],
		"join to usable, ms": [median(toUsable).toFixed(0)],
		"join by code to usable, ms": [median(await joinsByCode(port, 5)).toFixed(0)],
		"RSS hub / peer idle, MB": [mb(idleRss)],
		"… with 1,000 idle connections of each of two peers, MB": [mb(openRss)],
		"… after a bulk download, MB": [mb(before)],
		"… and then with a stalled reader, MB": [mb(stalledRss)],
	});
}

async function floods(): Promise<void> {
	const all: Flood[] = [];
	for (const insider of [false, true]) all.push(await flood({ insider, rounds: 1, settle: 0, idle: true }));
	const worst = ({ p50, p99 }: Requests) => `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
	print(["nobody else", "strangers", "insiders"], {
		"a new connection + request while the hub is flooded, p50 / p99, ms": [
			worst((all[0] as Flood).quiet),
			...all.map(({ flooded }) => worst(flooded)),
		],
		"… of them failed": [(all[0] as Flood).quiet.failed, ...all.map(({ flooded }) => flooded.failed)],
		"… the hub's memory at worst, MB": [(all[0] as Flood).before.rss, ...all.map(({ worst }) => worst.rss)],
	});
}
