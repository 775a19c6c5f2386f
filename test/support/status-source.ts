// A running hub and a running peer, as the status server sees them, without either: snapshots that a test can change,
// and events that it makes.
import type { ProgramEvent, TimedEvent } from "../../src/status/program-events.ts";
import type { HubSnapshot, PeerSnapshot, ServiceSnapshot, Snapshot } from "../../src/status/snapshot.ts";
import { EventLog, type StatusSource } from "../../src/status/source.ts";

export const HUB_ID = "5f2b".repeat(16);
export const PEER_ID = "a1c9".repeat(16);
/** Recognizable in any answer. */
export const TICKET = `endpoint${"ticketsecret".repeat(12)}`;
export const CODE = "5-hamburger-endorse";

export class FakeSource implements StatusSource {
	state: Snapshot;
	/** Called before each snapshot. */
	onSnapshot: () => void = () => {};
	snapshots = 0;
	readonly #log = new EventLog();

	constructor(state: Snapshot) {
		this.state = state;
	}

	snapshot(): Snapshot {
		this.snapshots++;
		this.onSnapshot();
		return structuredClone(this.state);
	}

	recent(): readonly TimedEvent[] {
		return this.#log.recent();
	}

	subscribe(listener: (event: TimedEvent) => void): () => void {
		return this.#log.subscribe(listener);
	}

	tellStats(): void {
		this.emit({ event: "stats", peers: 0, services: [] });
	}

	emit(...events: ProgramEvent[]): void {
		for (const event of events) this.#log.add(event);
	}
}

export const service = (name: string, more: Partial<ServiceSnapshot> = {}): ServiceSnapshot => ({
	name,
	scheme: "http",
	address: "127.0.0.1:3000",
	state: "up",
	open: 0,
	total: 0,
	toService: 0,
	fromService: 0,
	...more,
});

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

const common = () => ({
	version: "1.1.0",
	started: ago(8_040),
	process: { rss: 84_300_000, loopLagMs: 3.2, uptimeMs: 8_040_000 },
	refused: {},
});

export const hubSnapshot = (more: Partial<HubSnapshot> = {}): HubSnapshot => ({
	...common(),
	role: "hub",
	state: "open",
	name: "my-hub",
	id: HUB_ID,
	ticket: TICKET,
	code: { code: CODE },
	services: [
		service("frontend", { open: 3, total: 128, toService: 1_200_000, fromService: 48_000_000 }),
		service("backend", {
			address: "127.0.0.1:8000",
			state: "down",
			down: { since: ago(12), reason: "connection refused" },
		}),
		service("websocket", { scheme: "ws", address: "127.0.0.1:4000", state: "unknown" }),
	],
	peers: [
		{
			id: PEER_ID,
			name: "alice",
			since: ago(600),
			path: { kind: "direct", address: "203.0.113.7:51820", rttMs: 23.4 },
		},
		{
			id: "07de".repeat(16),
			name: "bob",
			since: ago(60),
			path: { kind: "relay", address: "https://eu-1.relay.example/", rttMs: 81 },
		},
	],
	...more,
});

export const peerSnapshot = (more: Partial<PeerSnapshot> = {}): PeerSnapshot => ({
	...common(),
	role: "peer",
	state: "connected",
	name: "my-peer",
	id: PEER_ID,
	reconnects: 1,
	hub: {
		id: HUB_ID,
		name: "my-hub",
		since: ago(600),
		path: { kind: "direct", address: "198.51.100.4:4433", rttMs: 18.2 },
	},
	services: [
		service("frontend", { local: "localhost:3000", open: 2, total: 41, fromService: 9_000_000, toService: 80_000 }),
		service("websocket", { scheme: "ws", address: "127.0.0.1:4000", local: "localhost:4000", open: 1, total: 1 }),
	],
	...more,
});
