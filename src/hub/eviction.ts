// Which connections end when a new one comes: a peer may have only so many, and so may all that await admission. Pure.
import { CONNECTIONS_PER_ID } from "../transport/limits.ts";
import { PENDING_CONNECTIONS_MAX } from "./limits.ts";
import type { PeerSession } from "./peer-session.ts";

type Session = Pick<PeerSession, "admitted"> & {
	readonly connection: Pick<PeerSession["connection"], "id" | "streams">;
};

/** What makes room for one more connection of the peer with this id. `sessions` are in the order in which they came. */
export function toEvict<S extends Session>(
	sessions: readonly S[],
	id: string,
): { session: S; why: "peer" | "pending" }[] {
	// Attempts that a peer has given up go first, then the connection with the fewest streams; of equals the older one.
	const same = sessions.filter(({ connection }) => connection.id === id);
	same.sort((a, b) => Number(a.admitted) - Number(b.admitted) || a.connection.streams - b.connection.streams);
	const ofPeer = same.slice(0, Math.max(0, same.length - CONNECTIONS_PER_ID + 1));
	const pending = sessions.filter((session) => !session.admitted && !ofPeer.includes(session));
	return [
		...ofPeer.map((session) => ({ session, why: "peer" as const })),
		...pending
			.slice(0, Math.max(0, pending.length - PENDING_CONNECTIONS_MAX + 1))
			.map((session) => ({ session, why: "pending" as const })),
	];
}
