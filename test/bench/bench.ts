// `bun run bench`: compares a direct connection, our tunnel, the raw binding and `ssh -L` on this machine, in one run
// (docs/benchmarks.md). It asserts nothing. Everything runs on loopback, and every loop is bounded.
import { cpus, release } from "node:os";
import { join } from "node:path";
import { type Flood, flood, type Requests } from "../chaos/flood.ts";
import * as load from "./load.ts";
import { type Program, startProgram, startSsh } from "./programs.ts";
import { EXECUTABLE, joinsByCode, rss, startService, startTunnel } from "./tunnel.ts";

const here = import.meta.dir;
const bun = process.execPath;
const quick = process.argv.includes("--quick");
const BULK = quick ? 50e6 : 300e6;
const MS = quick ? 1000 : 4000;
const ROUNDS = quick ? 1 : 3;

const programs: Program[] = [];
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
try {
	await main();
} finally {
	for (const program of programs.reverse()) await program.stop();
}
process.exit(0);

async function main(): Promise<void> {
	console.log(
		`${cpus().length} × ${cpus()[0]?.model}, ${process.platform} ${release()}, Bun ${Bun.version}, loopback\n`,
	);
	const version: number[] = [];
	for (let i = 0; i < 11; i++) {
		const begun = performance.now();
		await Bun.spawn([EXECUTABLE, "--version"], { stdout: "ignore" }).exited;
		version.push(performance.now() - begun);
	}

	const service = await startService();
	programs.push(service);
	const port = Number(service.match[1]);
	const toTicket: number[] = [];
	const toUsable: number[] = [];
	let tunnel = await startTunnel(port);
	for (let i = 0; i < 5; i++) {
		toTicket.push(tunnel.hub.readyMs);
		toUsable.push(tunnel.peer.readyMs);
		await tunnel.stop();
		tunnel = await startTunnel(port);
	}
	const { hub, peer } = tunnel;
	programs.push(hub, peer);
	// By then the garbage collector has run.
	await Bun.sleep(1500);
	const idleRss = [await rss(hub), await rss(peer)];
	const raw = await startProgram([bun, join(here, "raw.ts")], /(endpoint\S+)/);
	programs.push(raw);
	const ssh = await startSsh(port).catch((error: Error) => {
		console.log(`ssh -L is left out: ${error.message}\n`);
		return undefined;
	});
	if (ssh) programs.push(ssh.sshd, ssh.client);

	const ways: [string, number | undefined][] = [
		["direct", port],
		["hivemind-p2p", tunnel.port],
		["raw binding", undefined],
		["ssh -L", ssh?.port],
	];
	const rows: Record<string, (string | number)[]> = {};
	const cell = (row: string, way: number, value: string) => {
		rows[row] ??= ways.map(() => "–");
		(rows[row] as string[])[way] = value;
	};
	const rawBulk = async (direction: string) => {
		const run = Bun.spawn([bun, join(here, "raw.ts"), raw.match[1] as string, direction, String(BULK)]);
		return Number(await new Response(run.stdout).text());
	};

	for (const [direction, measure] of [
		["down", load.download],
		["up", load.upload],
	] as const) {
		const results = ways.map((): number[] => []);
		for (let round = 0; round < ROUNDS; round++) {
			for (const [i, [way, way_port]] of ways.entries()) {
				if (way === "raw binding") results[i]?.push(await rawBulk(direction));
				else if (way_port) results[i]?.push(await measure(way_port, BULK));
			}
		}
		for (const [i, values] of results.entries())
			if (values.length > 0) cell(`bulk ${direction}, MB/s`, i, median(values).toFixed(1));
	}
	for (const [i, [, way]] of ways.entries()) {
		if (!way) continue;
		const fresh = await load.connections(way, 8, MS);
		cell("new connection + request, per s (8 at once)", i, fresh.perSecond.toFixed(0));
		const alone = await load.requests(way, 16, MS);
		cell("requests on 16 connections, per s", i, alone.perSecond.toFixed(0));
		cell("… p50 / p99, ms", i, `${alone.p50.toFixed(2)} / ${alone.p99.toFixed(2)}`);
		const stop = await load.background(way);
		const beside = await load.requests(way, 16, MS);
		cell("… beside a bulk download, p50 / p99, ms", i, `${beside.p50.toFixed(2)} / ${beside.p99.toFixed(2)}`);
		const besideFresh = await load.connections(way, 1, MS);
		cell(
			"new connection beside a bulk download, p50 / p99, ms",
			i,
			`${besideFresh.p50.toFixed(2)} / ${besideFresh.p99.toFixed(2)}`,
		);
		stop();
	}
	print(
		ways.map(([name]) => name),
		rows,
	);

	// Memory is measured on new processes: what the bulk transfers above left behind would hide the rest.
	const fresh = await startTunnel(port);
	const sides = [fresh.hub, fresh.peer];
	const close = await load.idle(fresh.port, 1000);
	await Bun.sleep(1500);
	const openRss = await Promise.all(sides.map(rss));
	close();
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
		"--version, ms": [median(version).toFixed(1)],
		"share to ticket, ms": [median(toTicket).toFixed(0)],
		"join to usable, ms": [median(toUsable).toFixed(0)],
		"join by code to usable, ms": [median(await joinsByCode(port, 5)).toFixed(0)],
		"RSS hub / peer idle, MB": [mb(idleRss)],
		"… with 1,000 open connections, MB": [mb(openRss)],
		"… after a bulk download, MB": [mb(before)],
		"… and then with a stalled reader, MB": [mb(stalledRss)],
	});

	// Everything else is stopped first, so that the flood has the machine to itself.
	for (const program of programs.splice(0).reverse()) await program.stop();
	const floods = [];
	for (const insider of [false, true]) floods.push(await flood({ insider, rounds: 1, settle: 0, idle: true }));
	const worst = ({ p50, p99 }: Requests) => `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
	print(["nobody else", "strangers", "insiders"], {
		"a new connection + request while the hub is flooded, p50 / p99, ms": [
			worst((floods[0] as Flood).quiet),
			...floods.map(({ flooded }) => worst(flooded)),
		],
		"… of them failed": [(floods[0] as Flood).quiet.failed, ...floods.map(({ flooded }) => flooded.failed)],
		"… the hub's memory at worst, MB": [(floods[0] as Flood).before.rss, ...floods.map(({ worst }) => worst.rss)],
	});
}

function print(columns: string[], rows: Record<string, (string | number)[]>): void {
	console.log(`| | ${columns.join(" | ")} |\n|---|${columns.map(() => "---|").join("")}`);
	for (const [name, values] of Object.entries(rows)) console.log(`| ${name} | ${values.join(" | ")} |`);
	console.log();
}
