// A peer's snapshots while its events come in.
import { beforeEach, expect, test } from "bun:test";
import { Meter } from "../../../src/forward/meter.ts";
import type { LocalService, PeerView } from "../../../src/peer/events.ts";
import { PeerStatus } from "../../../src/peer/peer-status.ts";
import type { TimedEvent } from "../../../src/status/program-events.ts";
import { schemaError } from "../../support/event-schema.ts";

const local = { host: "localhost", port: 3000 };
const path = { kind: "direct", address: "203.0.113.7:4433" } as const;

let web: LocalService;
let hub: ReturnType<PeerView["hub"]>;
let meter: Meter;
let status: PeerStatus;
let events: TimedEvent[];

beforeEach(() => {
	web = { name: "web", scheme: "http", local, address: "127.0.0.1:5173", up: true };
	hub = undefined;
	meter = new Meter();
	status = new PeerStatus({ name: "me", process: () => ({ rss: 1, loopLagMs: 2, uptimeMs: 3 }) });
	events = [];
	status.subscribe((event) => events.push(event));
});

/** It has joined. */
function ready(): void {
	const [id, hubId] = ["1a".repeat(32), "2b".repeat(32)];
	status.attach({ id, hubId, services: () => [web], hub: () => hub, meter });
	hub = { name: "shop", path, rttMs: 23 };
	status.take({ type: "connected", path });
	status.take({ type: "ready", name: "me", hub: "shop", services: [web] });
}

test("before it has joined there is no hub and no service", () => {
	expect(status.snapshot()).toMatchObject({ role: "peer", state: "connecting", services: [], reconnects: 0 });
	expect(status.snapshot()).not.toHaveProperty("hub");
});

test("its services are where this machine reaches them, with what moves in them", () => {
	ready();
	Object.assign(meter.begin("web").traffic, { forth: 5, back: 7 });
	expect(status.snapshot()).toMatchObject({
		state: "connected",
		hub: { name: "shop", path: { ...path, rttMs: 23 } },
		services: [
			{
				name: "web",
				address: "127.0.0.1:5173",
				local: "localhost:3000",
				state: "up",
				open: 1,
				toService: 5,
				fromService: 7,
			},
		],
	});
});

test("a hub that is lost keeps its name, has no path, and counts when it is found again", () => {
	ready();
	status.snapshot();
	hub = undefined;
	status.take({ type: "lost", loss: { kind: "silent", silentMs: 3000 }, reconnecting: true });
	expect(status.snapshot()).toMatchObject({ state: "lost", hub: { name: "shop" } });
	expect(status.snapshot().hub).not.toHaveProperty("path");
	status.take({ type: "reconnected", connection: "new", afterMs: 5, path });
	expect(status.snapshot()).toMatchObject({ state: "connected", reconnects: 1 });
	expect(events.map(({ event }) => event)).toEqual(["ready", "lost", "reconnected"]);
	expect(events.map(schemaError)).toEqual([undefined, undefined, undefined]);
});

test("a service that is down is shown with since when, until it is up", () => {
	ready();
	web = { ...web, up: false };
	status.take({ type: "service", service: "web", up: false, address: "127.0.0.1:5173" });
	const down = status.snapshot().services[0]?.down;
	expect(down).toEqual({ since: expect.any(String) });
	web = { ...web, up: true };
	status.take({ type: "service", service: "web", up: true, address: "127.0.0.1:5173" });
	expect(status.snapshot().services[0]).not.toHaveProperty("down");
});

test("connections that fail are counted by their reason", () => {
	ready();
	const failed = { service: "web", local: "localhost:3000" };
	status.take({ type: "connection_failed", ...failed, why: "no_hub", reason: "gone" });
	status.take({ type: "refused", ...failed, state: "down", repeated: true });
	status.take({ type: "refused", ...failed, state: "down", repeated: true });
	expect(status.snapshot().refused).toEqual({ no_hub: 1, service_down: 2 });
});

test("statistics say whether there is a hub", () => {
	status.tellStats();
	ready();
	status.tellStats();
	expect(events.filter(({ event }) => event === "stats")).toMatchObject([
		{ peers: 0 },
		{ peers: 1, services: [{ name: "web" }] },
	]);
});
