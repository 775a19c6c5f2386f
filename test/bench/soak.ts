// `bun run soak`: what must not grow, and what must come back. Short connections and bulk data through one tunnel; peers
// that connect and leave; many peers whose hub is killed and started again. Memory and descriptors must stay flat. Ends
// with status 1 if something grew or broke. Usage: bun soak.ts [transfers|visits|return]
import { crowd, HubPlace } from "./crowd.ts";
import { download, shortConnections, upload } from "./load.ts";
import { startService, startTunnel } from "./tunnel.ts";
import { Watch } from "./watch.ts";

const ROUNDS = 5;
const CONNECTIONS = 20_000;
const BYTES = 2e9;
const VISITS = 600;
/** Peers that are connected at once. */
const PEERS = 100;
/** How often their hub is killed. */
const KILLS = 3;
/** The time for all of them to be back. They look for the hub every 5 s at least, and handshakes come 25 a second. */
const BACK_MS = 30_000;

const PARTS = { transfers, visits, return: comeBack };

const [only] = process.argv.slice(2);
let failed = false;
for (const [name, part] of Object.entries(PARTS)) {
	if (only !== undefined && only !== name) continue;
	console.log(`\n${name}`);
	try {
		console.log(await part());
	} catch (error) {
		failed = true;
		console.log(`Failed: ${(error as Error).message}`);
	}
}
process.exit(failed ? 1 : 0);

/** Short connections and bulk data through one tunnel. */
async function transfers(): Promise<string> {
	const service = await startService();
	const tunnel = await startTunnel(Number(service.match[1]));
	const watch = new Watch({ hub: tunnel.hub, peer: tunnel.peer });
	for (let round = 1; round <= ROUNDS; round++) {
		await shortConnections(tunnel.port, CONNECTIONS / ROUNDS, 16);
		await download(tunnel.port, BYTES / ROUNDS / 2);
		await upload(tunnel.port, BYTES / ROUNDS / 2);
		await watch.look(`round ${round}`);
	}
	await tunnel.stop();
	await service.stop();
	watch.expectFlat();
	return `Flat: ${CONNECTIONS} connections and ${BYTES / 1e9} GB left nothing behind.`;
}

/** Peers that connect and leave. */
async function visits(): Promise<string> {
	await using place = await HubPlace.make(PEERS);
	const hub = await place.start();
	await using visitors = crowd(place.ticket, "leave", VISITS);
	const watch = new Watch({ hub, visitors: visitors.process });
	for (let round = 1; round <= ROUNDS; round++) {
		const count = (VISITS / ROUNDS) * round;
		await visitors.reach("left", count);
		await watch.look(`${count} visits`);
	}
	watch.expectFlat();
	return `Flat: ${VISITS} peers came, left, and left nothing behind.`;
}

/** Many peers that look for their hub at the same moment, because it was killed. */
async function comeBack(): Promise<string> {
	await using place = await HubPlace.make(PEERS);
	let hub = await place.start();
	await using all = crowd(place.ticket, "stay", PEERS);
	await all.reach("all", 1);
	// What is left of a connection, 100 kB, is collected late, because little happens in these peers (measured: no more of it
	// after the fourth kill).
	const watch = new Watch({ hub, peers: all.process }, 60);
	await watch.look(`${PEERS} peers`);
	for (let kill = 1; kill <= KILLS; kill++) {
		await hub[Symbol.asyncDispose]();
		hub = await place.start();
		const begun = performance.now();
		await all.reach("all", kill + 1, BACK_MS);
		const times = await all.reach("in", PEERS * (kill + 1));
		const seconds = times.slice(-PEERS).map((at) => ((at - begun) / 1000).toFixed(1));
		watch.programs.hub = hub;
		await watch.look(
			`back after kill ${kill}: the first in ${seconds[0]} s, half in ${seconds[PEERS / 2]} s, all in ${seconds.at(-1)} s`,
		);
	}
	watch.expectFlat();
	return `All ${PEERS} peers came back, ${KILLS} times.`;
}
