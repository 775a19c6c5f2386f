// The lines for a peer's events: on which output, at which level of -v, and how often.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { SILENCE_MS } from "../../../src/base/limits.ts";
import { setVerbosity } from "../../../src/base/output.ts";
import type { EmitPeerEvent, LocalService, PeerEvent } from "../../../src/peer/events.ts";
import { peerReporter } from "../../../src/peer/reporter.ts";
import type { Scheme } from "../../../src/protocol/services.ts";
import { REPORT_EVERY_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";

const local = (port: number, host = "localhost") => ({ host, port });
const service = (name: string, scheme: Scheme, port: number, up = true): LocalService => {
	return { name, scheme, local: local(port), address: `127.0.0.1:${port}`, up };
};
const READY: PeerEvent = {
	type: "ready",
	name: "me",
	hub: "my-hub",
	services: [service("web", "http", 3000), service("db-2", "tcp", 5433, false)],
};
const replaced = { type: "port_replaced", service: "db", wanted: local(5432), local: local(5433) } as const;
const LOCAL = "127.0.0.1:8000";
const ADDRESS = "10.0.0.1:80";
const DIRECT = { kind: "direct", address: "203.0.113.7:1234" } as const;

let clock: Clock;
let report: EmitPeerEvent;
let streams: Mock<typeof process.stderr.write>[];

beforeEach(() => {
	clock = new Clock();
	streams = [process.stdout, process.stderr].map((stream) => spyOn(stream, "write").mockReturnValue(true));
	report = peerReporter();
});

afterEach(() => {
	report({ type: "waited" });
	setVerbosity(0);
	for (const stream of streams) stream.mockRestore();
	clock.restore();
});

/** What was printed since the last call. */
function printed() {
	const [stdout = "", stderr = ""] = streams.map(({ mock }) => mock.calls.splice(0).map(String).join(""));
	return { stdout: stdout.replaceAll(",", ""), stderr };
}

/** The first verbosity at which a reporter prints the event, and the line on stderr. */
function line(event: PeerEvent): { verbosity: number; text: string } | undefined {
	for (let verbosity = 0; verbosity <= 4; verbosity++) {
		setVerbosity(verbosity);
		peerReporter()(event);
		const { stdout, stderr } = printed();
		expect(stdout).toBe("");
		if (stderr !== "") return { verbosity, text: stderr.split("\n")[0] ?? "" };
	}
	return undefined;
}

const [ALWAYS, WARN, INFO, DEBUG] = [0, 1, 2, 3];
const lost = { type: "lost", loss: { kind: "ended", reason: "it was stopped" } } as const;
const refused = { type: "refused", service: "backend", local: LOCAL, address: ADDRESS, repeated: false } as const;
const ended = { type: "connection_ended", service: "backend", sent: 5, received: 7 } as const;

test.each<[PeerEvent, number, string]>([
	[{ type: "motd", text: "hello" }, ALWAYS, "The mailbox server says: hello"],
	[
		{ type: "connected", path: { kind: "direct", address: "127.0.0.1:1" } },
		INFO,
		"info: Connected: direct 127.0.0.1:1",
	],
	[
		{ type: "path", change: "kind", path: DIRECT },
		ALWAYS,
		"The connection to the hub is now direct (direct 203.0.113.7:1234).",
	],
	[
		{ type: "path", change: "kind", path: { kind: "relay", address: "https://r/" } },
		ALWAYS,
		"The connection to the hub now goes through a relay (relay https://r/).",
	],
	[
		{ type: "path", change: "address", path: DIRECT },
		INFO,
		"info: The hub has another address (direct 203.0.113.7:1234).",
	],
	[{ ...lost, reconnecting: true }, ALWAYS, "The hub is gone: it was stopped. Looking for it again …"],
	[
		{ ...lost, loss: { kind: "silent", silentMs: 3000 }, reconnecting: true },
		ALWAYS,
		"The hub has not answered for 3 s. Looking for it again …",
	],
	[
		{ ...lost, loss: { kind: "suspended", suspendedMs: 52_400 }, reconnecting: true },
		ALWAYS,
		"The connection to the hub was lost: this program was suspended for 52 s. Looking for it again …",
	],
	[
		{ type: "still_lost", lostMs: 20_000 },
		ALWAYS,
		"Still no hub. If it was restarted without --identity, it has a new ticket: ask for that one.",
	],
	[
		{ ...replaced, why: "busy", owner: { address: local(5432, "::"), pid: 4711, program: "postgres" } },
		ALWAYS,
		"Port 5432 is in use here by postgres (pid 4711): the service 'db' is at localhost:5433 instead.",
	],
	[
		{ ...replaced, service: "backend", why: "busy", owner: undefined },
		ALWAYS,
		"Port 5432 is in use here: the backend is at localhost:5433 instead.",
	],
	[
		{ ...replaced, why: "busy", owner: { address: local(5432, "::1"), pid: process.pid, program: "hivemind-p2p" } },
		ALWAYS,
		"Port 5432 is taken by another service of this hub: the service 'db' is at localhost:5433 instead.",
	],
	[
		{ ...replaced, wanted: local(80), local: local(10080), why: "denied", owner: undefined },
		ALWAYS,
		"Port 80 may not be opened without root: the service 'db' is at localhost:10080 instead.",
	],
	[
		{ ...replaced, why: "denied", owner: undefined },
		ALWAYS,
		"Port 5432 may not be opened here: the service 'db' is at localhost:5433 instead.",
	],
	[{ type: "port_failed", reason: "why" }, ALWAYS, "error: why"],
	[
		{ type: "unknown_services", option: "--bind", names: ["dbb", "x"], shared: ["web", "db"] },
		ALWAYS,
		"--bind: the hub does not share 'dbb', 'x'. Did you mean 'db'? It shares web, db.",
	],
	[
		{ type: "unknown_services", option: "--bind", names: ["frontend"], shared: [] },
		ALWAYS,
		"--bind or --frontend-addr: the hub does not share 'frontend'. It shares nothing.",
	],
	[
		{ type: "unknown_services", option: "--only", names: ["backend", "wbe"], shared: ["web", "db"] },
		ALWAYS,
		"--only: the hub does not share 'backend', 'wbe'. Did you mean 'web'? It shares web, db.",
	],
	[
		{ type: "service_added", service: service("db", "tcp", 5432) },
		ALWAYS,
		"The hub now shares the service 'db': tcp://localhost:5432 -> 127.0.0.1:5432",
	],
	[
		{ type: "service_added", service: { ...service("db", "tcp", 5432), up: false } },
		ALWAYS,
		"The hub now shares the service 'db': tcp://localhost:5432 -> 127.0.0.1:5432 (down)",
	],
	[
		{
			type: "service_moved",
			service: service("db", "tcp", 5432),
			from: { scheme: "tcp", address: "127.0.0.1:1" },
		},
		ALWAYS,
		"The service 'db' is now at 127.0.0.1:5432 on the hub; here it stays at tcp://localhost:5432",
	],
	[
		{
			type: "service_moved",
			service: service("db", "tcp", 5432),
			from: { scheme: "http", address: "127.0.0.1:5432" },
		},
		ALWAYS,
		"The service 'db' is now tcp, not http: tcp://localhost:5432",
	],
	[{ type: "hub_renamed", name: "other" }, ALWAYS, "The hub is now called 'other'."],
	[
		{ type: "service_removed", service: "db", local: local(5432) },
		ALWAYS,
		"The hub no longer shares the service 'db': localhost:5432 is closed.",
	],
	[
		{
			type: "connection_failed",
			service: "db",
			local: LOCAL,
			why: "not_shared",
			reason: "the hub does not share it",
		},
		ALWAYS,
		`error: No connection for the service 'db' (${LOCAL}): the hub does not share it.`,
	],
	[{ type: "attempt_failed", reason: "no answer" }, DEBUG, "debug: An attempt to reach the hub failed: no answer"],
	[
		{ type: "reconnected", connection: "new", afterMs: 1234, path: { kind: "relay", address: "r" } },
		ALWAYS,
		"Connected again after 1.2 s (relay r).",
	],
	[
		{ type: "reconnected", connection: "old", afterMs: 1234, path: { kind: "relay", address: "r" } },
		ALWAYS,
		"The hub answers again after 1.2 s.",
	],
	[{ type: "reset", connections: 1, reason: "why" }, ALWAYS, "One connection was reset: why."],
	[{ type: "reset", connections: 2, reason: "why" }, ALWAYS, "2 connections were reset: why."],
	[
		{ type: "idle_reset", connections: 2 },
		WARN,
		"warn: Reset 2 half-closed connections that moved nothing for half an hour.",
	],
	[
		{ type: "service", service: "backend", up: false, address: ADDRESS },
		ALWAYS,
		`The backend is not running on the hub (${ADDRESS}).`,
	],
	[{ type: "service", service: "backend", up: true, address: ADDRESS }, ALWAYS, "The backend is running again."],
	[
		{ ...refused, state: "down" },
		ALWAYS,
		`error: The backend is not running on the hub (${ADDRESS}). A connection to ${LOCAL} was refused.`,
	],
	[
		{ ...refused, state: "down", repeated: true },
		INFO,
		`info: The backend is not running on the hub (${ADDRESS}). A connection to ${LOCAL} was refused.`,
	],
	[{ ...refused, state: "up" }, ALWAYS, `error: The hub refused a connection to the backend (${LOCAL}).`],
	[
		{ type: "refused", service: "backend", local: LOCAL, state: "unknown", repeated: false },
		ALWAYS,
		`error: The backend is not running on the hub. A connection to ${LOCAL} was refused.`,
	],
	[
		{ type: "connection_failed", service: "backend", local: LOCAL, why: "no_stream", reason: "why" },
		ALWAYS,
		`error: No connection for the backend (${LOCAL}): why.`,
	],
	[
		{ type: "descriptors", state: "full", open: 1000, limit: 1024 },
		ALWAYS,
		"error: 1,000 file descriptors are in use, the limit is 1,024: no new local connections until some have ended. Raise it with ulimit -n.",
	],
	[
		{ type: "descriptors", state: "room", open: 900, limit: 1024 },
		ALWAYS,
		"There is room for new local connections again.",
	],
	[{ ...ended, error: undefined }, DEBUG, "debug: backend: 5 bytes out, 7 in, closed"],
	[{ ...ended, error: new Error("reset\n  at") }, DEBUG, "debug: backend: 5 bytes out, 7 in, reset"],
	[
		{ type: "bug", where: "a connection to the backend", error: new TypeError("x is not a function\n  at") },
		ALWAYS,
		"error: Unexpected (a bug, please report it), in a connection to the backend: x is not a function",
	],
])("%j", (event, verbosity, text) => {
	expect(line(event)).toEqual({ verbosity, text });
});

test.each<PeerEvent>([
	{ ...lost, reconnecting: false },
	{ type: "stopping", interrupted: true },
])("%j prints nothing", (event) => {
	expect(line(event)).toBeUndefined();
});

test("the list of services goes to stdout, and nothing else does", () => {
	report(READY);
	expect(printed()).toEqual({
		stdout: `Peer 'me' connected to hub 'my-hub'

  web    http://localhost:3000   -> my-hub 127.0.0.1:3000   up
  db-2   tcp://localhost:5433    -> my-hub 127.0.0.1:5433   down

Press Ctrl+C to stop.

`,
		stderr: "",
	});
});

test("a service at every address is shown with one that opens in a browser", () => {
	const at = (host: string) => ({ ...service("web", "http", 8026), local: { host, port: 8026 } });
	report({ type: "ready", name: "me", hub: "h", services: [at("0.0.0.0"), at("::")] });
	expect(printed().stdout.split("http://localhost:8026 (all addresses)")).toHaveLength(3);
});

test("of a hub of the original program only the local addresses are known", () => {
	const services = ["frontend", "backend"].map((name) => {
		return { ...service(name, "http", 8000), address: undefined, up: undefined };
	});
	report({ type: "ready", name: "me", hub: undefined, services });
	expect(printed().stdout).toBe(`Peer 'me' connected to hub

  frontend   http://localhost:8000   -> hub
  backend    http://localhost:8000   -> hub

Press Ctrl+C to stop.

`);
});

test("a hub may share nothing", () => {
	report({ type: "ready", name: "me", hub: "my-hub", services: [] });
	expect(printed().stdout).toContain("It shares nothing just now.");
});

test("wide characters in the hub's name do not shift the columns", () => {
	report({ ...READY, hub: "東京" } as PeerEvent);
	expect(printed().stdout).toContain("-> 東京 127.0.0.1:3000   up\n");
});

describe("what may happen often is one line a second:", () => {
	const LINES = [
		{ type: "connection_failed", service: "backend", local: LOCAL, why: "no_stream", reason: "why" },
		{ type: "bug", where: "a connection to the backend", error: new Error("why") },
	] as const;

	for (const event of LINES)
		test(event.type, async () => {
			for (let i = 0; i < 10; i++) report(event);
			expect(printed().stderr.split("\n")).toHaveLength(2);
			await clock.pass(REPORT_EVERY_MS);
			report(event);
			expect(printed().stderr.split("\n")).toHaveLength(2);
		});

	test("each service is limited by itself", () => {
		for (const service of ["backend", "frontend"]) report({ ...LINES[0], service });
		expect(printed().stderr.split("\n")).toHaveLength(3);
	});
});

describe("an outage of the hub", () => {
	const noHub = (service: string): PeerEvent => ({
		type: "connection_failed",
		service,
		local: LOCAL,
		why: "no_hub",
		reason: "the hub was unreachable for 10 s",
	});
	const back = {
		type: "reconnected",
		connection: "new",
		afterMs: 20_000,
		path: { kind: "direct", address: "a:1" },
	} as const;
	const LINE = (service: string) =>
		`error: No connection for the ${service} (${LOCAL}): the hub was unreachable for 10 s.`;

	/** A connection to each of these services fails, a second after the one before. */
	async function fail(...services: string[]): Promise<void> {
		for (const service of services) {
			report(noHub(service));
			await clock.pass(REPORT_EVERY_MS);
		}
	}

	const lines = () => printed().stderr.split("\n").slice(0, -1);

	test("of which a browser retries every second is one line for each service, and a count when it is over", async () => {
		report(READY);
		report({ ...lost, reconnecting: true });
		lines();
		await fail("backend", "frontend", ...Array(11).fill("backend"), "frontend", "frontend");
		expect(lines()).toEqual([LINE("backend"), LINE("frontend")]);
		report(back);
		expect(lines().slice(1)).toEqual(["3 connections to the frontend and 12 to the backend were reset meanwhile."]);
	});

	test("that is not the first one is reported like it", async () => {
		for (let i = 0; i < 2; i++) {
			report({ ...lost, reconnecting: true });
			lines();
			await fail("backend", "backend");
			expect(lines()).toEqual([LINE("backend")]);
			report(back);
			expect(lines().slice(1)).toEqual(["2 connections to the backend were reset meanwhile."]);
		}
	});

	test("before the hub was ever reached is one, too", async () => {
		await fail("websocket", "backend", "websocket", "websocket");
		expect(lines()).toEqual([LINE("websocket"), LINE("backend")]);
		report(READY);
		expect(lines()).toEqual(["1 connection to the backend and 3 to the websocket were reset meanwhile."]);
	});

	test("that lasts until the peer is stopped ends with the count, too", async () => {
		await fail("backend", "backend");
		lines();
		report({ type: "stopping", interrupted: true });
		expect(lines()).toEqual(["2 connections to the backend were reset meanwhile."]);
	});

	test("that every line has told of has no count", async () => {
		report(READY);
		report(back);
		report({ ...lost, reconnecting: true });
		lines();
		await fail("backend", "frontend");
		expect(lines()).toEqual([LINE("backend"), LINE("frontend")]);
		report(back);
		expect(lines()).toHaveLength(1);
	});

	test("hides no failure for another reason, and none that comes after it", async () => {
		report({ ...lost, reconnecting: true });
		await fail("backend");
		lines();
		report({ ...noHub("backend"), why: "hub_lost", reason: "the hub was lost" } as PeerEvent);
		expect(lines(), "has the same cause").toEqual([]);
		report({ ...noHub("backend"), why: "no_stream", reason: "all streams are busy" } as PeerEvent);
		expect(lines()).toEqual([`error: No connection for the backend (${LOCAL}): all streams are busy.`]);
		report(back);
		expect(lines().slice(1)).toEqual(["2 connections to the backend were reset meanwhile."]);
		await clock.pass(REPORT_EVERY_MS);
		report({ ...noHub("backend"), why: "hub_lost", reason: "the hub was lost" } as PeerEvent);
		expect(lines()).toEqual([`error: No connection for the backend (${LOCAL}): the hub was lost.`]);
	});
});

describe("a wait", () => {
	test("is reported when it takes longer than half a second, each step by itself", async () => {
		report({ type: "waiting", what: "the mailbox server" });
		await clock.pass(SILENCE_MS - 1);
		report({ type: "waiting", what: "the hub" });
		await clock.pass(SILENCE_MS - 1);
		expect(printed().stderr).toBe("");
		await clock.pass(1);
		expect(printed().stderr).toBe("Waiting for the hub …\n");
	});

	test("that is over is not reported", async () => {
		report({ type: "waiting", what: "the hub" });
		report({ type: "waited" });
		report({ type: "waited" });
		await clock.pass(10 * SILENCE_MS);
		expect(printed().stderr).toBe("");
		expect(clock.pending).toBe(0);
	});

	test("for the same thing is reported again the next time", async () => {
		for (let i = 0; i < 2; i++) {
			report({ type: "waiting", what: "the hub" });
			await clock.pass(SILENCE_MS);
			expect(printed().stderr).toBe("Waiting for the hub …\n");
			report({ type: "waited" });
		}
	});

	test("for running transfers says how to stop at once", async () => {
		report({ type: "stopping", interrupted: true });
		report({ type: "waiting", what: "running transfers" });
		await clock.pass(SILENCE_MS);
		expect(printed().stderr).toBe("Waiting for running transfers; Ctrl+C again stops at once …\n");
	});

	test("for running transfers says nothing of Ctrl+C when nobody has pressed it", async () => {
		report({ type: "stopping", interrupted: false });
		report({ type: "waiting", what: "running transfers" });
		await clock.pass(SILENCE_MS);
		expect(printed().stderr).toBe("Waiting for running transfers …\n");
	});
});
