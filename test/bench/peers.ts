// Many peers in one process, each with an endpoint and a key of its own. Usage: bun peers.ts TICKET leave COUNT: the
// peers connect and leave, a few at a time; prints `left` for each. bun peers.ts TICKET stay COUNT: they stay; prints
// `in` whenever one has connected or is back, and `all` when all have done so once more. It lives until its stdin ends
// or a peer fails.

import type { PeerEvent } from "../../src/peer/events.ts";
import { runPeer } from "../../src/peer/run-peer.ts";
import { originalsAt } from "../support/port-choices.ts";

const [ticket = "", what, count] = process.argv.slice(2);
const FREE = { host: "127.0.0.1", port: 0 };
/** Peers that come and go at the same time. */
const AT_ONCE = 4;

const names = Array.from({ length: Number(count) }, (_, i) => `peer-${i}`);
/** How often each of those that stay has connected, and how often all have. */
const arrivals = new Map(names.map((name) => [name, 0]));
let rounds = 0;

const lanes = what === "stay" ? names.map(stay) : Array.from({ length: AT_ONCE }, comeAndGo);
lanes.forEach((lane) => {
	lane.catch((error: Error) => {
		console.log(`failed: ${error.message}`);
		process.exit(1);
	});
});
for await (const _ of process.stdin);
process.exit(0);

function stay(name: string): Promise<void> {
	return peer(name, ({ type }) => {
		if (!isIn(type)) return;
		console.log("in");
		arrivals.set(name, (arrivals.get(name) ?? 0) + 1);
		if (Math.min(...arrivals.values()) === rounds) return;
		rounds++;
		console.log("all");
	});
}

async function comeAndGo(): Promise<void> {
	for (let name = names.pop(); name; name = names.pop()) {
		await peer(name, ({ type }, leave) => isIn(type) && leave());
		console.log("left");
	}
}

function isIn(type: PeerEvent["type"]): boolean {
	return type === "ready" || type === "reconnected";
}

/** Resolves when the peer has left. */
async function peer(name: string, onEvent: (event: PeerEvent, leave: () => void) => void): Promise<void> {
	const end = new AbortController();
	await runPeer(
		{
			name,
			invitation: { ticket },
			ports: originalsAt(FREE, FREE, FREE),
			endpoint: { alpn: "hivemind", ipv4: FREE, relays: "none" },
		},
		(event) => onEvent(event, () => end.abort()),
		end.signal,
	);
}
