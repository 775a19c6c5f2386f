// The answer of /healthz: whether this hub can be joined, or this peer is connected. Whether the services run is
// another question, which the services themselves answer.
import type { Snapshot } from "./snapshot.ts";

/** Why the program is of no use at the moment; undefined when all is well. */
export function unhealthy(snapshot: Snapshot): string | undefined {
	return snapshot.role === "hub" ? HUB[snapshot.state] : PEER[snapshot.state];
}

// --- internal ---

const HUB = {
	open: undefined,
	starting: "the hub is starting",
	closed: "the hub admits no new peers any more (--once or --expires)",
	stopping: "the hub is stopping",
} as const;

const PEER = {
	connected: undefined,
	connecting: "the peer has not reached its hub yet",
	lost: "the peer has lost its hub and is looking for it",
	stopping: "the peer is stopping",
} as const;
