// What the hub prints for each event: on which output, at which level of -v, and how often.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { setVerbosity } from "../../../src/base/output.ts";
import type { HubEvent, ListedService } from "../../../src/hub/events.ts";
import { hubReporter } from "../../../src/hub/reporter.ts";
import { REPORT_EVERY_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";

const ID = "1a2b3c4d5e".padEnd(64, "0");
const peer = { id: ID, name: "my-peer" };
const stranger = { id: "f".repeat(64), name: undefined };

let clock: Clock;
let stdout: Mock<typeof process.stdout.write>;
let stderr: Mock<typeof process.stderr.write>;
let report: (event: HubEvent) => void;

beforeEach(() => {
	clock = new Clock();
	stdout = spyOn(process.stdout, "write").mockReturnValue(true);
	stderr = spyOn(process.stderr, "write").mockReturnValue(true);
	report = hubReporter();
});

afterEach(() => {
	setVerbosity(0);
	for (const mock of [stdout, stderr]) mock.mockRestore();
	clock.restore();
});

const textOf = (mock: Mock<typeof process.stdout.write>) => mock.mock.calls.map(([text]) => String(text)).join("");
const lines = () => textOf(stderr).split("\n").slice(0, -1);

/** What a new reporter prints for an event at -vvv. */
function shown(event: HubEvent): { out: string; err: string } {
	setVerbosity(3);
	for (const mock of [stdout, stderr]) mock.mockClear();
	hubReporter()(event);
	return { out: textOf(stdout), err: textOf(stderr) };
}

describe("messages, printed without -v", () => {
	const cases: [HubEvent, string][] = [
		[
			{ type: "no_relay" },
			"No relay answers: only peers that reach this machine directly can join (same machine, LAN, VPN).",
		],
		[
			{ type: "relay_returned" },
			"The relay is back, but does not lead here: restarting the network endpoint. Peers reconnect by themselves.",
		],
		[
			{ type: "peer_joined", peer, path: { kind: "direct", address: "10.0.0.7:1" } },
			"Peer 'my-peer' (1a2b3c4d5e) connected (direct 10.0.0.7:1).",
		],
		[
			{ type: "peer_joined", peer: stranger, path: { kind: "relay", address: "https://r" } },
			"Peer ffffffffff connected (relay https://r).",
		],
		[
			{ type: "path", peer, change: "kind", path: { kind: "direct", address: "203.0.113.7:1234" } },
			"Peer 'my-peer' (1a2b3c4d5e) is now connected directly (direct 203.0.113.7:1234).",
		],
		[
			{ type: "path", peer, change: "kind", path: { kind: "relay", address: "https://r/" } },
			"Peer 'my-peer' (1a2b3c4d5e) is now connected through a relay (relay https://r/).",
		],
		[
			{ type: "peer_left", peer, reason: "the peer was stopped" },
			"Peer 'my-peer' (1a2b3c4d5e) left: the peer was stopped.",
		],
		[
			{ type: "denied", peer: stranger, reason: "full", message: "the hub is full" },
			"Denied ffffffffff: the hub is full.",
		],
		[
			{ type: "closed_to_new_peers", why: "once" },
			"One peer has joined: nobody else is admitted, by ticket or join code.",
		],
		[
			{ type: "closed_to_new_peers", why: "expired" },
			"The invitation has expired: nobody else is admitted, by ticket or join code.",
		],
		[
			{ type: "wrong_code", waitMs: 0 },
			"Somebody tried a wrong code, or interfered. That code is dead; the next one follows.",
		],
		[
			{ type: "wrong_code", waitMs: 4100 },
			"Somebody tried a wrong code, or interfered. That code is dead; the next one follows in 5 s, as this was not the first time.",
		],
		[
			{ type: "wrong_code", waitMs: 0, reason: "the other side stopped answering" },
			"Somebody tried a wrong code, or interfered (the other side stopped answering). That code is dead; the next one follows.",
		],
		[
			{ type: "code_spoiled", reason: "it was cancelled", waitMs: 0 },
			"The code is dead: it was cancelled. The next one follows.",
		],
		[
			{ type: "code_spoiled", reason: "it was cancelled", waitMs: 1500 },
			"The code is dead: it was cancelled. The next one follows in 2 s, as this was not the first time.",
		],
		[
			{ type: "mailbox_unreachable", url: "ws://m/v1", reason: "no answer" },
			"The mailbox server ws://m/v1 cannot be reached: no answer. Join codes do not work for now, but the ticket does. Trying again …",
		],
		[
			{
				type: "mailbox_unreachable",
				url: "ws://m/v1",
				reason: "no answer",
				proxy: "http://p:1 (HTTP_PROXY)",
				hint: "Look at it.",
			},
			"The mailbox server ws://m/v1 cannot be reached through the proxy http://p:1 (HTTP_PROXY): no answer. Join codes do not work for now, but the ticket does. Look at it. Trying again …",
		],
		[{ type: "mailbox_says", text: "be kind" }, "The mailbox server says: be kind"],
		[
			{ type: "codes_ended", reason: "The mailbox refuses us.", hint: "Use another." },
			"error: The mailbox refuses us. Use another. Peers can still join with the ticket.",
		],
		[
			{ type: "codes_ended", reason: "The mailbox refuses us.", hint: undefined },
			"error: The mailbox refuses us. Peers can still join with the ticket.",
		],
		[
			{ type: "service_address", service: "frontend", stated: "127.0.0.1:3000", used: "[::1]:3000" },
			"The frontend answers at [::1]:3000, not at 127.0.0.1:3000: using it.",
		],
		[
			{ type: "service_address", service: "frontend", stated: "127.0.0.1:3000", used: "127.0.0.1:3000" },
			"The frontend answers at 127.0.0.1:3000 again.",
		],
		[
			{
				type: "loop",
				service: "websocket",
				address: "127.0.0.1:4000",
				owner: { ...peer, name: "x" },
				peer,
				news: true,
			},
			"error: The websocket at 127.0.0.1:4000 is the local port of the peer 'x' (1a2b3c4d5e) on this machine: a connection would go round in circles (asked for by 'my-peer' (1a2b3c4d5e)). Share the address where the websocket really runs, or give that peer another port: join --bind websocket=0.",
		],
		[
			{ type: "unanswered", service: "frontend", address: "127.0.0.1:3000", peer },
			"error: Refused a connection to the frontend for 'my-peer' (1a2b3c4d5e): 256 are open that 127.0.0.1:3000 has not answered with a byte. Probably they go round in circles, because a peer of another hub listens there: look for a 'join' on that port.",
		],
		[
			{
				type: "service_unreachable",
				service: "frontend",
				address: "127.0.0.1:3000",
				kind: "refused",
				reason: "connection refused",
				peer,
				news: true,
				elsewhere: { address: { host: "192.0.2.7", port: 3000 }, pid: 4711, program: "node" },
			},
			"error: The frontend is not running at 127.0.0.1:3000: connection refused (asked for by 'my-peer' (1a2b3c4d5e)). But node (pid 4711) listens at 192.0.2.7:3000: if that is the frontend, share that address.",
		],
		[
			{
				type: "service_unreachable",
				service: "frontend",
				address: "127.0.0.1:3000",
				kind: "descriptors",
				reason: "this program has too many open files",
				peer,
				news: true,
			},
			"error: Cannot connect to the frontend: this program has too many open files (asked for by 'my-peer' (1a2b3c4d5e)). Raise the limit: ulimit -n.",
		],
		[
			{ type: "bug", where: "stream", error: new TypeError("x is not a function\n  at y") },
			"error: Unexpected (a bug, please report it): x is not a function",
		],
	];
	for (const [event, line] of cases) {
		test(line, () => {
			report(event);
			expect(lines()).toEqual([line]);
			expect(stdout).not.toHaveBeenCalled();
		});
	}
});

describe("logs", () => {
	const cases: [number, HubEvent, string][] = [
		[1, { type: "attempt_failed", reason: "timed out" }, "A connection attempt failed: timed out"],
		[3, { type: "relay_probe_failed", reason: "why" }, "Cannot check whether the relay leads here: why"],
		[1, { type: "connection_evicted", peer, why: "peer" }, "Too many connections of 1a2b3c4d5e: closed one."],
		[
			1,
			{ type: "connection_evicted", peer: stranger, why: "pending" },
			"Too many connections without a hello: closed one.",
		],
		[
			2,
			{ type: "connection_joined", peer, path: undefined },
			"Peer 'my-peer' (1a2b3c4d5e) connected (path not known yet).",
		],
		[
			2,
			{ type: "path", peer, change: "address", path: { kind: "direct", address: "203.0.113.7:1234" } },
			"Peer 'my-peer' (1a2b3c4d5e) has another address (direct 203.0.113.7:1234).",
		],
		[
			3,
			{ type: "connection_left", peer, reason: "it moved" },
			"A connection of 'my-peer' (1a2b3c4d5e) ended: it moved.",
		],
		[1, { type: "denied", peer: stranger, reason: "secret", message: "no" }, "Denied ffffffffff: no."],
		[
			1,
			{ type: "stream_refused", peer, admitted: true, why: "port", portId: 9 },
			"Refused a stream of 'my-peer' (1a2b3c4d5e): unknown port id 9.",
		],
		[
			1,
			{ type: "stream_refused", peer: stranger, admitted: false, why: "early" },
			"Reset a stream of ffffffffff: too many before its welcome.",
		],
		[
			1,
			{ type: "protocol_error", peer: stranger, admitted: false, reason: "a control line is not JSON" },
			"ffffffffff broke the protocol: a control line is not JSON.",
		],
		[
			3,
			{ type: "stream_closed", service: "backend", peer, received: 3, sent: 4 },
			"backend for 'my-peer' (1a2b3c4d5e): 3 bytes in, 4 out, closed",
		],
		[1, { type: "transfers_reset", count: 1 }, "Reset 1 half-closed connection that moved nothing for half an hour."],
		[1, { type: "transfers_reset", count: 2 }, "Reset 2 half-closed connections that moved nothing for half an hour."],
	];
	for (const [verbosity, event, line] of cases) {
		test(`${line} from -${"v".repeat(verbosity)} on`, () => {
			const level = ["error", "warn", "info", "debug"][verbosity];
			setVerbosity(verbosity - 1);
			report(event);
			expect(lines()).toEqual([]);
			setVerbosity(verbosity);
			hubReporter()(event);
			expect(lines()).toEqual([`${level}: ${line}`]);
		});
	}
});

test("results go to stdout: the ticket, each code, and that a code was taken", () => {
	const services: ListedService[] = [
		{ name: "web", scheme: "http", address: "127.0.0.1:3000", up: true },
		{ name: "db-2", scheme: "tcp", address: "db:5432", up: undefined },
		{ name: "api", scheme: "http", address: "localhost:8000", up: false },
	];
	const ready = shown({ type: "ready", name: "my-hub", ticket: "endpointabc.secret", codes: false, services });
	expect(ready).toEqual({
		out: `Hub 'my-hub' is running

  web    http://127.0.0.1:3000   up
  db-2   tcp://db:5432
  api    http://localhost:8000   down

Ticket: endpointabc.secret

To connect, run:
  hivemind-p2p join --ticket endpointabc.secret

`,
		err: "",
	});
	expect(shown({ type: "ready", name: "h", ticket: "t", codes: true, services }).out).toStartWith(
		"Hub 'h' starting with Magic Wormhole\n",
	);
	const code = { type: "code", code: "5-hamburger-endorse", mailbox: undefined, unused: false } as const;
	expect(shown(code)).toEqual({
		out: `Join code: 5-hamburger-endorse
Waiting for peer to connect...

  hivemind-p2p join 5-hamburger-endorse

`,
		err: "",
	});
	expect(shown({ ...code, mailbox: "ws://m/v1" }).out).toContain(
		"join 5-hamburger-endorse --wormhole-relay ws://m/v1\n",
	);
	// Quotes only where a shell needs them, and those that cmd.exe takes off, too.
	expect(shown({ ...code, mailbox: "ws://[::1]:4000/?a&b" }).out).toContain(
		' --wormhole-relay "ws://[::1]:4000/?a&b"\n',
	);
	expect(shown({ ...code, unused: true }).err).toBe("The peer that took the ticket has not joined. Another code:\n");
	expect(shown({ type: "code_taken" })).toEqual({ out: "✓ Peer connected and received ticket\n", err: "" });
	expect(shown({ type: "code_taken", doubt: "it stopped answering" })).toEqual({
		out: "✓ Peer connected and received ticket\n",
		err: "It proved the code, but did not say that it has read the ticket: it stopped answering.\n",
	});
});

test("with --qr each join command is shown as a QR code, too", () => {
	report = hubReporter({ qr: true });
	report({ type: "code", code: "5-a-b", mailbox: undefined, unused: false });
	expect(textOf(stdout)).toMatch(/[█▀▄]{10}/);
});

describe("what a remote can repeat", () => {
	const refused = (who: typeof peer | typeof stranger, why: "quota" | "unwelcomed"): HubEvent => ({
		type: "stream_refused",
		peer: who,
		admitted: who === peer,
		why,
	});

	test("is one line a second for each admitted peer, and one for all others together", async () => {
		setVerbosity(1);
		const all = () => {
			for (const why of ["quota", "unwelcomed"] as const) {
				report(refused(peer, why));
				report(refused(stranger, why));
				report(refused({ ...stranger, id: "e".repeat(64) }, why));
			}
		};
		all();
		await clock.pass(REPORT_EVERY_MS - 1);
		all();
		expect(lines()).toHaveLength(2);
		await clock.pass(1);
		all();
		expect(lines()).toHaveLength(4);
	});

	test("is one line a second for each reason of a denial", () => {
		setVerbosity(1);
		for (const id of ["a", "b", "c"]) {
			const who = { id: id.repeat(64), name: undefined };
			report({ type: "denied", peer: who, reason: "secret", message: "no" });
			report({ type: "denied", peer: who, reason: "full", message: "the hub is full" });
		}
		expect(lines()).toEqual(["warn: Denied aaaaaaaaaa: no.", "Denied aaaaaaaaaa: the hub is full."]);
	});

	test("is one line a second for bugs, too", () => {
		for (let i = 0; i < 10; i++) report({ type: "bug", where: "connection", error: new Error(`bug ${i}`) });
		expect(lines()).toHaveLength(1);
	});
});

test("a service that is down is an error once, and afterwards one line a second in the log", async () => {
	const down = {
		type: "service_unreachable",
		service: "backend",
		address: "127.0.0.1:1",
		kind: "refused",
		reason: "refused",
		peer,
	} as const;
	report({ ...down, news: true });
	report({ ...down, news: false });
	const text = "The backend is not running at 127.0.0.1:1: refused (asked for by 'my-peer' (1a2b3c4d5e)).";
	expect(lines()).toEqual([`error: ${text}`]);
	setVerbosity(2);
	await clock.pass(REPORT_EVERY_MS);
	for (let i = 0; i < 3; i++) report({ ...down, news: false });
	expect(lines().slice(1)).toEqual([`info: ${text}`]);
});

test("a connection that would go round in circles is an error once, and after that in the log, a line a second", async () => {
	const event = { type: "loop", service: "frontend", address: "a", owner: peer, peer } as const;
	report({ ...event, news: true });
	for (let i = 0; i < 3; i++) report({ ...event, news: false });
	expect(lines()).toHaveLength(1);
	setVerbosity(2);
	await clock.pass(REPORT_EVERY_MS);
	for (let i = 0; i < 3; i++) report({ ...event, news: false });
	expect(lines()).toHaveLength(2);
});

test("what a loop through two hubs, or a lack of descriptors, causes again and again is one line a second", () => {
	for (let i = 0; i < 3; i++) {
		report({ type: "unanswered", service: "frontend", address: "a", peer });
		const failure = {
			service: "frontend",
			address: "a",
			kind: "descriptors",
			reason: "why",
			peer,
			news: i === 0,
		} as const;
		report({ type: "service_unreachable", ...failure });
	}
	expect(lines()).toHaveLength(2);
});

test("a wait is explained when it takes long, and only until it is over", async () => {
	report({ type: "waiting", what: "relay" });
	await clock.pass(499);
	expect(lines()).toEqual([]);
	await clock.pass(1);
	expect(lines()).toEqual(["Waiting for a relay …"]);
	report({ type: "waiting", what: undefined });
	report({ type: "stopping", interrupted: true });
	report({ type: "waiting", what: "transfers" });
	report({ type: "waiting", what: undefined });
	await clock.pass(10_000);
	expect(lines()).toHaveLength(1);
	expect(clock.pending).toBe(0);
});

test.each([
	[true, "Waiting for running transfers; Ctrl+C again stops at once …"],
	[false, "Waiting for running transfers …"],
])("a hub that stops (because of a signal: %p) says of Ctrl+C only what is true", async (interrupted, text) => {
	report({ type: "stopping", interrupted });
	report({ type: "waiting", what: "transfers" });
	await clock.pass(500);
	expect(lines()).toEqual([text]);
	report({ type: "waiting", what: undefined });
});
