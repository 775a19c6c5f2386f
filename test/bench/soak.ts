// `bun run soak`: moves 20,000 short connections and 2 GB through the executable, in rounds. The memory and descriptors of
// both sides must stay flat after the first round. Ends with status 1 if something grew or broke.
import { readdirSync } from "node:fs";
import { download, shortConnections, upload } from "./load.ts";
import type { Program } from "./programs.ts";
import { rss, startService, startTunnel } from "./tunnel.ts";

const ROUNDS = 5;
const CONNECTIONS = 20_000 / ROUNDS;
const BYTES = 2e9 / ROUNDS / 2;
/** Megabytes that the garbage collector may not have freed yet. */
const SLACK_MB = 25;
const SLACK_FDS = 4;

const descriptors = (program: Program): number => readdirSync(`/proc/${program.pid}/fd`).length;

const service = await startService();
const tunnel = await startTunnel(Number(service.match[1]));
const sides = [tunnel.hub, tunnel.peer];
const samples: { memory: number[]; files: number[] }[] = [];
for (let round = 1; round <= ROUNDS; round++) {
	await shortConnections(tunnel.port, CONNECTIONS, 16);
	await download(tunnel.port, BYTES);
	await upload(tunnel.port, BYTES);
	// Sockets that were reset at the end of a round are released a moment later.
	await Bun.sleep(2000);
	const memory = await Promise.all(sides.map(rss));
	const files = sides.map(descriptors);
	samples.push({ memory, files });
	console.log(
		`round ${round}: hub / peer ${memory.map((mb) => mb.toFixed(0)).join(" / ")} MB, ${files.join(" / ")} descriptors`,
	);
}
await tunnel.stop();
await service.stop();

const [first, last] = [samples[0], samples.at(-1)] as const;
const grown = sides.some(
	(_, i) =>
		(last?.memory[i] ?? 0) > (first?.memory[i] ?? 0) + SLACK_MB ||
		(last?.files[i] ?? 0) > (first?.files[i] ?? 0) + SLACK_FDS,
);
console.log(grown ? "Something grew." : "Flat: 20,000 connections and 2 GB left nothing behind.");
process.exit(grown ? 1 : 0);
