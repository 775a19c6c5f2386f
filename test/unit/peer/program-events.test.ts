// What programs read of a peer's events: each is in the schema.
import { expect, test } from "bun:test";
import type { LocalService, PeerEvent } from "../../../src/peer/events.ts";
import { programEvent } from "../../../src/peer/program-events.ts";
import { schemaError } from "../../support/event-schema.ts";

const FACTS = { id: "1a".repeat(32), hubId: "2b".repeat(32) };
const path = { kind: "relay", address: "https://r.example/" } as const;
const at = (host: string, port: number) => ({ host, port });
const web: LocalService = { name: "web", scheme: "http", local: at("localhost", 3000), address: "a:1", up: true };
const shown = { name: "web", scheme: "http", address: "a:1", local: "localhost:3000", up: true };

test.each<[string, PeerEvent, object | undefined]>([
	[
		"a peer that is ready",
		{ type: "ready", name: "me", hub: "shop", services: [web] },
		{
			event: "ready",
			role: "peer",
			name: "me",
			id: FACTS.id,
			hub: { name: "shop", id: FACTS.hubId },
			services: [shown],
		},
	],
	[
		"a hub of the original program, which tells nothing",
		{ type: "ready", name: "me", hub: undefined, services: [{ ...web, address: undefined, up: undefined }] },
		{
			event: "ready",
			role: "peer",
			name: "me",
			id: FACTS.id,
			hub: { id: FACTS.hubId },
			services: [{ name: "web", scheme: "http", local: "localhost:3000" }],
		},
	],
	["a first connection", { type: "connected", path }, undefined],
	["another path", { type: "path", change: "kind", path }, { event: "path", path }],
	[
		"a service that is down",
		{ type: "service", service: "web", up: false, address: "a:1" },
		{ event: "service", service: "web", up: false, address: "a:1" },
	],
	["one more service", { type: "service_added", service: web }, { event: "service_added", service: shown }],
	[
		"one service less",
		{ type: "service_removed", service: "web", local: web.local },
		{ event: "service_removed", service: "web" },
	],
	[
		"a lost hub",
		{ type: "lost", loss: { kind: "ended", reason: "bye" }, reconnecting: true },
		{ event: "lost", reason: "The hub is gone: bye", reconnecting: true },
	],
	[
		"a hub that was found again",
		{ type: "reconnected", connection: "new", afterMs: 1234.5, path },
		{ event: "reconnected", afterMs: 1235, path },
	],
	["the end", { type: "stopping", interrupted: false }, { event: "stopping", interrupted: false }],
	[
		"a port that was replaced",
		{
			type: "port_replaced",
			service: "web",
			wanted: at("localhost", 80),
			local: at("localhost", 10080),
			why: "denied",
			owner: undefined,
		},
		{ event: "error", code: "listen", message: expect.stringContaining("10080"), fatal: false },
	],
	[
		"no descriptors",
		{ type: "descriptors", state: "full", open: 9, limit: 9 },
		{ event: "error", code: "listen", message: expect.stringContaining("ulimit"), fatal: false },
	],
	["descriptors again", { type: "descriptors", state: "room", open: 1, limit: 9 }, undefined],
	[
		"a bug",
		{ type: "bug", where: "a connection", error: new Error("oops") },
		{ event: "error", code: "internal", message: expect.stringContaining("oops"), fatal: false },
	],
	[
		"a connection's end",
		{ type: "connection_ended", service: "web", sent: 1, received: 2, error: undefined },
		undefined,
	],
])("%s", (_, event, expected) => {
	const found = programEvent(event, FACTS);
	expect(found).toEqual(expected as typeof found);
	if (found) expect(schemaError({ time: new Date().toISOString(), ...found })).toBeUndefined();
});
