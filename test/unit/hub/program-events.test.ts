// What programs read of a hub's events: each is in the schema, and has no secret that it should not have.
import { expect, test } from "bun:test";
import type { HubEvent, PeerLabel } from "../../../src/hub/events.ts";
import { programEvent } from "../../../src/hub/program-events.ts";
import { schemaError } from "../../support/event-schema.ts";

const ID = "1a".repeat(32);
const peer: PeerLabel = { id: ID, name: "alice" };
const stranger: PeerLabel = { id: ID, name: undefined };
const path = { kind: "direct", address: "203.0.113.7:4433" } as const;
const web = { name: "web", scheme: "http", address: "127.0.0.1:3000" } as const;

const told = (event: HubEvent) => programEvent(event, ID);

test.each<[string, HubEvent, object | undefined]>([
	[
		"a hub that can be joined",
		{ type: "ready", name: "hub", ticket: "endpointa", codes: false, services: [{ ...web, up: false }] },
		{ event: "ready", role: "hub", name: "hub", ticket: "endpointa", id: ID, services: [{ ...web, up: false }] },
	],
	[
		"a hub that does not know yet whether its service runs",
		{ type: "ready", name: "hub", ticket: "endpointa", codes: false, services: [{ ...web, up: undefined }] },
		{ event: "ready", role: "hub", name: "hub", ticket: "endpointa", id: ID, services: [web] },
	],
	["a code", { type: "code", code: "5-a-b", mailbox: undefined, unused: false }, { event: "code", code: "5-a-b" }],
	[
		"a code elsewhere",
		{ type: "code", code: "5-a-b", mailbox: "ws://m", unused: true },
		{ event: "code", code: "5-a-b", mailbox: "ws://m" },
	],
	["a peer", { type: "peer_joined", peer, path }, { event: "peer_joined", peer: { name: "alice", id: ID }, path }],
	[
		"a nameless peer",
		{ type: "peer_joined", peer: stranger, path: undefined },
		{ event: "peer_joined", peer: { id: ID } },
	],
	["a second connection", { type: "connection_joined", peer, path }, undefined],
	[
		"a peer that leaves",
		{ type: "peer_left", peer, reason: "bye" },
		{ event: "peer_left", peer: { name: "alice", id: ID }, reason: "bye" },
	],
	[
		"another path",
		{ type: "path", peer, change: "kind", path },
		{ event: "path", peer: { name: "alice", id: ID }, path },
	],
	[
		"a service",
		{ type: "service", service: "web", up: false, address: "a:1" },
		{ event: "service", service: "web", up: false, address: "a:1" },
	],
	[
		"a denial",
		{ type: "denied", peer: stranger, reason: "secret", message: "no" },
		{ event: "denied", peer: { id: ID }, reason: "secret", message: "no" },
	],
	["a wait", { type: "waiting", what: "relay" }, undefined],
	["the end", { type: "stopping", interrupted: true }, { event: "stopping", interrupted: true }],
	[
		"a wrong code",
		{ type: "wrong_code", waitMs: 0 },
		{ event: "error", code: "code", message: expect.stringContaining("wrong code"), fatal: false },
	],
	[
		"a mailbox server out of reach",
		{ type: "mailbox_unreachable", url: "ws://m", reason: "refused" },
		{ event: "error", code: "mailbox", message: expect.stringContaining("ws://m"), fatal: false },
	],
	[
		"a bug",
		{ type: "bug", where: "stream", error: new Error("oops") },
		{ event: "error", code: "internal", message: expect.stringContaining("oops"), fatal: false },
	],
	["a stream's end", { type: "stream_closed", service: "web", peer, received: 1, sent: 2 }, undefined],
])("%s", (_, event, expected) => {
	const found = told(event);
	expect(found).toEqual(expected as typeof found);
	if (found) expect(schemaError({ time: new Date().toISOString(), ...found })).toBeUndefined();
});
