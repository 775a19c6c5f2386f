// Who sees a ticket or a join code, in snapshots and in events.
import { expect, test } from "bun:test";
import type { TimedEvent } from "../../../src/status/program-events.ts";
import { visibleEvent, visibleSnapshot } from "../../../src/status/secrets.ts";
import { CODE, HUB_ID, hubSnapshot, PEER_ID, peerSnapshot, TICKET } from "../../support/status-source.ts";

const time = "2026-01-01T00:00:00.000Z";
const READY: TimedEvent = { time, event: "ready", role: "hub", name: "h", id: HUB_ID, ticket: TICKET, services: [] };
const EVENTS: TimedEvent[] = [
	READY,
	{ time, event: "code", code: CODE },
	{ time, event: "peer_joined", peer: { id: PEER_ID } },
	{ time, event: "ready", role: "mailbox", url: "ws://127.0.0.1:14400/v1" },
];

test("without secrets, no ticket and no code is anywhere; everything else is", () => {
	const snapshot = hubSnapshot({ joinCommand: `join ${CODE}` });
	const { ticket: _, code: __, joinCommand: ___, ...rest } = snapshot;
	expect(visibleSnapshot(snapshot, false)).toEqual(rest);
	const events = EVENTS.map((event) => visibleEvent(event, false));
	expect(JSON.stringify(events)).not.toMatch(new RegExp(`${TICKET}|${CODE}`));
	expect(events).toEqual([{ ...READY, ticket: "" }, undefined, EVENTS[2], EVENTS[3]] as typeof events);
});

test("with secrets, the join command is added, and events are as they are", () => {
	const snapshot = hubSnapshot();
	expect(visibleSnapshot(snapshot, true)).toEqual({
		...snapshot,
		joinCommand: `hivemind-p2p join ${CODE}`,
	});
	expect(EVENTS.map((event) => visibleEvent(event, true))).toEqual(EVENTS);
	const { ticket: _, code: __, ...closed } = hubSnapshot({ state: "closed" });
	expect(visibleSnapshot(closed, true)).toEqual(closed);
});

test("a peer has no secrets", () => {
	const snapshot = peerSnapshot();
	expect(visibleSnapshot(snapshot, false)).toBe(snapshot);
	expect(visibleSnapshot(snapshot, true)).toBe(snapshot);
});
