// The events of a hub from its start to its end, in order, and that it leaves nothing behind in the process, over real
// iroh on loopback.
import { expect, test } from "bun:test";
import { teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { runHub } from "../../src/hub/run-hub.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { originalServices } from "../support/shared-services.ts";
import { LOOPBACK, startPeer } from "../support/tunnel.ts";

/** A hub whose services are not running. */
function hub() {
	const end = new AbortController();
	const events: HubEvent[] = [];
	const waiters = new Map<HubEvent["type"], (event: HubEvent) => void>();
	const emit = (event: HubEvent) => {
		events.push(event);
		waiters.get(event.type)?.(event);
	};
	const next = <T extends HubEvent["type"]>(type: T): Promise<Extract<HubEvent, { type: T }>> =>
		new Promise((resolve) => waiters.set(type, resolve as (event: HubEvent) => void));
	const services = originalServices(1, 1, 1);
	const start = () =>
		runHub({ name: "hub", services, endpoint: LOOPBACK, policy: teamPolicy(newSecret()) }, emit, end.signal);
	return { end, events, next, start };
}

test("a hub's events, from its first wait to its last: ready, a peer that joins and leaves, stopping", async () => {
	const hooks = process.listenerCount("exit");
	const { end, events, next, start } = hub();
	const ready = next("ready");
	const running = start();
	const { ticket } = await ready;
	expect(process.listenerCount("exit"), "a process that exits resets its running transfers").toBe(hooks + 1);
	const joined = next("peer_joined");
	const peer = await startPeer(ticket);
	const { peer: who, path } = await joined;
	expect(who).toEqual({ id: expect.stringMatching(/^[0-9a-f]{64}$/), name: "peer" });
	expect(path).toEqual({ kind: "direct", address: expect.stringMatching(/^(127\.0\.0\.1|\[::1\]):\d+$/) });
	const left = next("peer_left");
	await peer.stop();
	expect(await left).toEqual({ type: "peer_left", peer: who, reason: "the peer was stopped" });
	end.abort();
	await running;
	const address = "127.0.0.1:1";
	const services = [
		{ name: "frontend", scheme: "http", address, up: false },
		{ name: "backend", scheme: "http", address, up: false },
		{ name: "websocket", scheme: "ws", address, up: false },
	];
	// They were looked at once, all at the same time.
	const looked = events.filter(({ type }) => type === "service");
	expect(looked).toHaveLength(services.length);
	expect<unknown[]>(events.filter((event) => !looked.includes(event))).toEqual([
		{ type: "waiting", what: "relay" },
		{ type: "waiting", what: undefined },
		{ type: "ready", name: "hub", ticket, codes: false, services },
		{ type: "peer_joined", peer: who, path },
		{ type: "peer_left", peer: who, reason: "the peer was stopped" },
		{ type: "stopping", interrupted: false },
		{ type: "waiting", what: "transfers" },
		{ type: "waiting", what: undefined },
	]);
	expect(process.listenerCount("exit")).toBe(hooks);
});

test("a hub that is stopped before it is ready emits no ticket", async () => {
	const { end, events, start } = hub();
	end.abort();
	await start();
	expect(events.map(({ type }) => type)).not.toContain("ready");
});
