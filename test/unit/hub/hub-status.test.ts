// A hub's snapshots while its events come in.
import { afterEach, expect, test } from "bun:test";
import { Meter } from "../../../src/forward/meter.ts";
import type { HubEvent, HubView } from "../../../src/hub/events.ts";
import { HubStatus } from "../../../src/hub/hub-status.ts";
import { RECENT_EVENTS } from "../../../src/status/limits.ts";
import type { TimedEvent } from "../../../src/status/program-events.ts";
import { schemaError } from "../../support/event-schema.ts";
import { originalServices } from "../../support/shared-services.ts";

const ID = "1a".repeat(32);
const peer = { id: "2b".repeat(32), name: "alice" };
const path = { kind: "direct", address: "203.0.113.7:4433" } as const;

const services = originalServices(3000, 8000).map((service) => ({ ...service }));
let up = [true, true];
let peers: ReturnType<HubView["peers"]> = [];
const meter = new Meter();
const view: HubView = {
	id: ID,
	meter,
	peers: () => peers,
	services: () =>
		services.map(({ portId, name, scheme, address }, i) => ({
			port: portId,
			name,
			scheme,
			address: `${address.host}:${address.port}`,
			up: up[i] === true,
		})),
};

function start(): { status: HubStatus; events: TimedEvent[] } {
	const status = new HubStatus({ name: "hub", services, process: () => ({ rss: 1, loopLagMs: 2, uptimeMs: 3 }) });
	const events: TimedEvent[] = [];
	status.subscribe((event) => events.push(event));
	return { status, events };
}

afterEach(() => {
	up = [true, true];
	peers = [];
});

test("before it runs there is nothing but its name and its services", () => {
	expect(start().status.snapshot()).toMatchObject({
		role: "hub",
		name: "hub",
		state: "starting",
		peers: [],
		services: [
			{ name: "frontend", state: "unknown", address: "127.0.0.1:3000", open: 0 },
			{ name: "backend", state: "unknown" },
		],
	});
});

test("the ticket and the code are shown while they can be used, and no longer", () => {
	const { status } = start();
	const seen = () => {
		const { ticket, code, state } = status.snapshot();
		return { state, ticket, code: code?.code };
	};
	status.attach(view);
	status.take({ type: "ready", name: "hub", ticket: "endpointa", codes: true, services: [] });
	status.take({ type: "code", code: "5-a-b", mailbox: undefined, unused: false });
	expect(seen()).toEqual({ state: "open", ticket: "endpointa", code: "5-a-b" });
	status.take({ type: "code_taken" });
	expect(seen()).toEqual({ state: "open", ticket: "endpointa", code: undefined });
	status.take({ type: "closed_to_new_peers", why: "once" });
	expect(seen()).toEqual({ state: "closed", ticket: undefined, code: undefined });
	status.take({ type: "stopping", interrupted: true });
	expect(seen().state).toBe("stopping");
});

test("a peer is shown with its path and since when it is there", () => {
	const { status } = start();
	status.attach(view);
	status.take({ type: "peer_joined", peer, path });
	peers = [{ ...peer, path, rttMs: 23 }];
	const [shown] = status.snapshot().peers;
	expect(shown).toEqual({ ...peer, since: expect.stringMatching(/^\d{4}-/), path: { ...path, rttMs: 23 } });
});

test("a service that is down is shown with since when and why, until it is up", () => {
	const { status } = start();
	status.attach(view);
	const refused = { kind: "refused", reason: "connection refused", peer, news: true } as const;
	up = [true, false];
	status.take({ type: "service", service: "backend", up: false, address: "127.0.0.1:8000" });
	status.take({ type: "service_unreachable", service: "backend", address: "127.0.0.1:8000", ...refused });
	const down = status.snapshot().services[1]?.down;
	expect(down).toEqual({ since: expect.any(String), reason: "connection refused" });
	status.take({ type: "service_unreachable", service: "backend", address: "127.0.0.1:8000", ...refused });
	expect(status.snapshot().services[1]?.down?.since, "since the first time").toBe(down?.since as string);
	up = [true, true];
	status.take({ type: "service", service: "backend", up: true, address: "127.0.0.1:8000" });
	expect(status.snapshot().services[1]).not.toHaveProperty("down");
});

test("strangers who are denied again and again are counted, and told of once a second", () => {
	const { status, events } = start();
	const denied: HubEvent = { type: "denied", peer: { ...peer, name: undefined }, reason: "secret", message: "no" };
	for (let i = 0; i < 100; i++) status.take(denied);
	expect(events).toHaveLength(1);
	expect(status.snapshot().refused).toEqual({ secret: 100 });
});

test("statistics go to those who listen, and leave the recent events alone", () => {
	const { status, events } = start();
	status.attach(view);
	meter.begin("frontend").traffic.forth = 7;
	status.tellStats();
	expect(events.map(schemaError)).toEqual([undefined]);
	expect(events[0]).toMatchObject({ event: "stats", services: [{ name: "frontend", open: 1, toService: 7 }, {}] });
	expect(status.recent()).toEqual([]);
	for (let i = 0; i < RECENT_EVENTS + 5; i++)
		status.take({ type: "service", service: "backend", up: false, address: `a:${i}` });
	expect(status.recent()).toHaveLength(RECENT_EVENTS);
	expect(status.recent().at(-1)).toMatchObject({ address: `a:${RECENT_EVENTS + 4}` });
});
