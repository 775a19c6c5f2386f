// The sessions of a hub, in the order in which they came: who is connected by them, and which end when there are too many.
import { CONNECTIONS_PER_ID } from "../transport/limits.ts";
import type { ConnectedPeer } from "./events.ts";
import { PENDING_CONNECTIONS_MAX } from "./limits.ts";
import type { PeerSession } from "./peer-session.ts";

export class SessionSet extends Set<PeerSession> {
	/** Ids of the peers that are connected now. */
	ids(): ReadonlySet<string> {
		return new Set([...this].filter(({ admitted }) => admitted).map(({ id }) => id));
	}

	/** The peers that are connected, each on its newest connection. */
	peers(): ConnectedPeer[] {
		const newest = new Map([...this].filter(({ staying }) => staying).map((session) => [session.id, session]));
		return [...newest.values()].map(({ peer, connection }) => ({
			...peer,
			path: connection.path(),
			rttMs: connection.rttMs(),
		}));
	}

	/** Whether the same peer has another connection that stays. */
	hasAnother(session: PeerSession): boolean {
		return [...this].some((other) => other !== session && other.staying && other.id === session.id);
	}

	/** What has to end for one more connection of the peer with this id: for `newest`, if that is a session already. */
	excessOf(id: string, newest?: PeerSession): PeerSession[] {
		const others = [...this].filter((session) => session !== newest && session.id === id);
		// Attempts that a peer has given up go first, then the connection with the fewest streams; of equals the older one.
		others.sort((a, b) => Number(a.admitted) - Number(b.admitted) || a.connection.streams - b.connection.streams);
		return others.slice(0, Math.max(0, others.length - CONNECTIONS_PER_ID + 1));
	}

	/** What has to end for one more connection that awaits admission. */
	excessPending(): PeerSession[] {
		const pending = [...this].filter(({ admitted }) => !admitted);
		return pending.slice(0, Math.max(0, pending.length - PENDING_CONNECTIONS_MAX + 1));
	}
}
