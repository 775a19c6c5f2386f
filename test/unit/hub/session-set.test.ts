// Who counts as connected, and which connections end when there are too many.
import { describe, expect, test } from "bun:test";
import { PENDING_CONNECTIONS_MAX } from "../../../src/hub/limits.ts";
import type { PeerSession } from "../../../src/hub/peer-session.ts";
import { SessionSet } from "../../../src/hub/session-set.ts";
import { CONNECTIONS_PER_ID } from "../../../src/transport/limits.ts";

interface Given {
	id: string;
	admitted?: boolean;
	staying?: boolean;
	streams?: number;
}

function session({ id, admitted = true, staying = admitted, streams = 0 }: Given): PeerSession {
	const connection = { streams, path: () => undefined, rttMs: () => undefined };
	return { id, admitted, staying, connection, peer: { id, name: `the ${id}` } } as unknown as PeerSession;
}

const set = (...sessions: PeerSession[]) => new SessionSet(sessions);

test("a peer with two connections is one peer, and one that leaves is none", () => {
	const sessions = set(session({ id: "a" }), session({ id: "a" }), session({ id: "b", staying: false }));
	expect([...sessions.ids()]).toEqual(["a", "b"]);
	expect(sessions.peers().map(({ id }) => id)).toEqual(["a"]);
	const [one, , leaving] = [...sessions] as [PeerSession, PeerSession, PeerSession];
	expect(sessions.hasAnother(one)).toBe(true);
	expect(sessions.hasAnother(leaving)).toBe(false);
});

describe("one connection too many", () => {
	test("of one peer: ends the one that was not admitted, else the one with the fewest streams", () => {
		const many = Array.from({ length: CONNECTIONS_PER_ID - 1 }, (_, i) => session({ id: "a", streams: i + 2 }));
		const idle = session({ id: "a", streams: 1 });
		expect(set(session({ id: "b" }), ...many).excessOf("a")).toEqual([]);
		expect(set(...many, idle).excessOf("a")).toEqual([idle]);
		const given = session({ id: "a", admitted: false, streams: 9 });
		expect(set(...many, idle, given).excessOf("a")).toEqual([given, idle]);
		expect(set(...many, idle).excessOf("a", idle), "of the newest itself").toEqual([]);
	});

	test("of those that await admission: ends the oldest", () => {
		const waiting = Array.from({ length: PENDING_CONNECTIONS_MAX }, (_, i) => session({ id: `${i}`, admitted: false }));
		expect(set(session({ id: "in" }), ...waiting).excessPending()).toEqual([waiting[0] as PeerSession]);
		expect(set(...waiting.slice(1)).excessPending()).toEqual([]);
	});
});
