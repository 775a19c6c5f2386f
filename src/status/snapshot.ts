// What a running hub or peer looks like at one moment: the panel, the page, /status and /metrics are made from it. It is
// served as JSON as it is, so its field names are an interface. Sizes are bytes, times milliseconds or RFC 3339.
import type { Scheme } from "../protocol/services.ts";

export type Snapshot = HubSnapshot | PeerSnapshot;

interface Common {
	/** The version of the program. */
	version: string;
	/** Its own name. */
	name: string;
	/** Its public id. */
	id: string;
	/** When it was started. */
	started: string;
	services: ServiceSnapshot[];
	process: ProcessSnapshot;
}

export interface HubSnapshot extends Common {
	role: "hub";
	/** `starting`: not yet ready for peers. `closed`: admits no new ones (`--once`, `--expires`). */
	state: "starting" | "open" | "closed" | "stopping";
	/** What a peer needs to join, while the hub is open. Both are secrets. */
	ticket?: string;
	code?: { code: string; mailbox?: string };
	/** The command with one of the two. The status server adds it for those who may see them. */
	joinCommand?: string;
	peers: RemoteSnapshot[];
	/** Why peers and streams were turned away, and how often. */
	refused: Record<string, number>;
}

export interface PeerSnapshot extends Common {
	role: "peer";
	state: "connecting" | "connected" | "lost" | "stopping";
	/** The hub, once it has been reached. */
	hub?: RemoteSnapshot;
	/** How often the hub was found again. */
	reconnects: number;
	/** Why local connections failed, and how often. */
	refused: Record<string, number>;
}

/** The other side of a connection. */
export interface RemoteSnapshot {
	/** What it calls itself, if it has said so. */
	name?: string;
	id: string;
	/** When it joined, or was reached. */
	since: string;
	/** The path in use, while one is known. `address`: an IP address and port, or the relay's URL. */
	path?: { kind: "direct" | "relay"; address: string; rttMs: number };
}

export interface ServiceSnapshot extends TrafficSnapshot {
	name: string;
	scheme: Scheme;
	/** Where the hub reaches it, if it says so. */
	address?: string;
	/** Where this peer listens for it; only at a peer. */
	local?: string;
	state: "up" | "down" | "unknown";
	/** Since when it is down, and why, as far as that is known. */
	down?: { since: string; reason?: string };
}

/** Connections to a service, and the bytes in them. */
export interface TrafficSnapshot {
	open: number;
	/** All there have been, the open ones included. */
	total: number;
	toService: number;
	fromService: number;
}

export interface ProcessSnapshot {
	/** Resident memory. */
	rss: number;
	/** The longest time in the last 10 s that the event loop took for something else. */
	loopLagMs: number;
	uptimeMs: number;
}
