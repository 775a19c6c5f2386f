// What `status` prints for a person.
import { expect, test } from "bun:test";
import { statusText } from "../../../src/cli/status-text.ts";
import { visibleSnapshot } from "../../../src/status/secrets.ts";
import { hubSnapshot, peerSnapshot, service } from "../../support/status-source.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

test("a hub", () => {
	const { services, peers } = hubSnapshot();
	const snapshot = hubSnapshot({
		services: services.map((one) => ({ ...one, ...(one.down && { down: { ...one.down, since: before(12) } }) })),
		peers: peers.map((peer, i) => ({ ...peer, since: before(600 + i) })),
		refused: { secret: 3, full: 1 },
	});
	expect(statusText(visibleSnapshot(snapshot, false), NOW)).toBe(
		`Hub 'my-hub' is open to peers

  frontend    http://127.0.0.1:3000   up                                   3 open, 128 in all   48 MB from it, 1.2 MB to it
  backend     http://127.0.0.1:8000   DOWN for 12 s (connection refused)   0 open, 0 in all     0 B from it, 0 B to it
  websocket   ws://127.0.0.1:4000     not tried yet                        0 open, 0 in all     0 B from it, 0 B to it

  alice (a1c9a1c9a1)   direct 203.0.113.7:51820            RTT 23 ms   for 10 min
  bob (07de07de07)     relay https://eu-1.relay.example/   RTT 81 ms   for 10 min

Turned away: 3 secret, 1 full
Running for 2 h, 84 MB of memory, longest stall 3 ms (1.1.0)`,
	);
	expect(statusText(visibleSnapshot(snapshot, true), NOW)).toContain("\nJoin: hivemind-p2p join ");
});

test("a peer, connected and not yet", () => {
	const hub = peerSnapshot().hub as NonNullable<ReturnType<typeof peerSnapshot>["hub"]>;
	const text = statusText(peerSnapshot({ hub: { ...hub, since: before(5) } }), NOW);
	expect(text).toStartWith(
		"Peer 'my-peer' is connected\n\n  frontend    http://localhost:3000   up   2 open, 41 in all",
	);
	expect(text).toContain("  my-hub (5f2b5f2b5f)   direct 198.51.100.4:4433   RTT 18 ms   for 5 s\n\nReconnects: 1\n");
	const { hub: _, ...alone } = peerSnapshot({ state: "connecting", services: [] });
	expect(statusText(alone, NOW)).toStartWith("Peer 'my-peer' has not reached its hub yet\n\nReconnects: 1\n");
});

test("names of remotes are one line each, without control characters, and whole columns", () => {
	const text = statusText(
		hubSnapshot({
			name: "a\x1b[31m\nb",
			peers: [{ id: "x\n\x1b[2Jyz", name: "日本\u202e", since: before(1) }],
			services: [service("web", { state: "down", down: { since: before(1), reason: "a\r\nb" } })],
		}),
		NOW,
	);
	expect(text).not.toMatch(/[^\P{C}\n]/u);
	expect(text.split("\n")).toHaveLength(7);
	expect(text).toContain("  日本 (x [2Jyz)   path not known yet      for 1 s");
});
