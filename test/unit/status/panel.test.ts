// The panel of a hub and of a peer, line by line.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Panel } from "../../../src/status/panel.ts";
import type { HubSnapshot, PeerSnapshot, RemoteSnapshot, ServiceSnapshot } from "../../../src/status/snapshot.ts";

const PLAIN = { utf8: true, paint: (_: number, text: string) => text };
const NOW = Date.parse("2026-11-26T12:00:12Z");

const service = (more: Partial<ServiceSnapshot> = {}): ServiceSnapshot => ({
	name: "web",
	scheme: "http",
	address: "127.0.0.1:3000",
	state: "up",
	open: 3,
	total: 9,
	toService: 0,
	fromService: 0,
	...more,
});

const common = {
	version: "1",
	name: "me",
	id: "a".repeat(64),
	started: "2026-11-26T12:00:00Z",
	process: { rss: 1, loopLagMs: 0, uptimeMs: 1 },
	refused: {},
};
const hub = (more: Partial<HubSnapshot> = {}): HubSnapshot => ({
	...common,
	role: "hub",
	state: "open",
	services: [service()],
	peers: [],
	...more,
});
const peer = (more: Partial<PeerSnapshot> = {}): PeerSnapshot => ({
	...common,
	role: "peer",
	state: "connected",
	services: [service({ local: "localhost:3000" })],
	reconnects: 0,
	...more,
});
const remote = (name: string, more: Partial<RemoteSnapshot> = {}): RemoteSnapshot => ({
	name,
	id: "b".repeat(64),
	since: "2026-11-26T12:00:00Z",
	path: { kind: "direct", address: "203.0.113.7:4433", rttMs: 23.4 },
	...more,
});
const lines = (snapshot: HubSnapshot | PeerSnapshot, columns = 100, panel = new Panel(PLAIN)) =>
	panel.lines(snapshot, columns, NOW);

test("a hub: services, who is connected and how, and the code that is valid now", () => {
	const relay = { kind: "relay" as const, address: "https://eu-1.example.org/", rttMs: 81 };
	const down = { since: "2026-11-26T12:00:00Z", reason: "connection refused" };
	const services = [service(), service({ name: "api", address: "localhost:8000", state: "down", down })];
	const peers = [remote("bob", { path: relay }), remote("alice")];
	expect(lines(hub({ services, peers, code: { code: "5-hamburger-endorse" } }))).toEqual([
		" web  http://127.0.0.1:3000  up      3 open      0 B/s ↓      0 B/s ↑",
		" api  http://localhost:8000  DOWN  since 12 s (connection refused)",
		" peers  alice  direct 203.0.113.7  RTT 23 ms   ·   bob  relay eu-1.example.org  RTT 81 ms",
		" code   5-hamburger-endorse",
	]);
});

test("a hub without peers says so", () => {
	expect(lines(hub()).at(-1)).toBe(" peers  none yet");
});

test("peers that have no room are counted", () => {
	const peers = ["a", "b", "c", "d"].map((name) => remote(name));
	expect(lines(hub({ peers }), 80).at(-1)).toBe(" peers  d  direct 203.0.113.7  RTT 23 ms   ·   3 more");
});

test("a peer: its own ports, the hub and the path to it", () => {
	expect(lines(peer({ hub: remote("my-hub") }))).toEqual([
		" web  http://localhost:3000  up      3 open      0 B/s ↓      0 B/s ↑",
		" hub  my-hub  direct 203.0.113.7  RTT 23 ms",
	]);
	expect(lines(peer({ state: "lost", hub: remote("my-hub") })).at(-1)).toBe(" hub  my-hub  LOST, looking for it");
});

test("down is what this machine receives, at a peer and at a hub", () => {
	for (const [make, moved] of [
		[peer, { fromService: 2_400_000, toService: 28_000 }],
		[hub, { toService: 2_400_000, fromService: 28_000 }],
	] as const) {
		const panel = new Panel(PLAIN);
		panel.lines(make(), 100, NOW);
		const [first] = panel.lines(make({ services: [service(moved)] }), 100, NOW + 2000);
		expect(first).toEndWith(" 1.2 MB/s ↓    14 kB/s ↑");
	}
});

test("a terminal without UTF-8 gets words instead of arrows", () => {
	const [first] = lines(hub(), 100, new Panel({ ...PLAIN, utf8: false }));
	expect(first).toEndWith("0 B/s in      0 B/s out");
});

describe("whatever it shows", () => {
	const text = fc.oneof(fc.string(), fc.constantFrom("名前".repeat(20), "👩‍👩‍👧".repeat(9), "x".repeat(300)));
	const coloured = { utf8: true, paint: (code: number, text: string) => `\x1b[${code}m${text}\x1b[0m` };

	test("no line is wider than the window", () => {
		const down = fc.record({ since: fc.constant(common.started), reason: text });
		const one = fc.record({ name: text, address: text, state: fc.constantFrom("up" as const, "down" as const), down });
		fc.assert(
			fc.property(
				fc.array(one, { maxLength: 5 }),
				fc.array(text, { maxLength: 9 }),
				fc.integer({ min: 10, max: 200 }),
				(services, names, columns) => {
					const snapshot = hub({ services: services.map(service), peers: names.map((name) => remote(name)) });
					for (const line of lines(snapshot, columns, new Panel(coloured))) {
						expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
					}
				},
			),
		);
	});
});
