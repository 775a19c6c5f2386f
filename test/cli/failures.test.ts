// Failures after the command line was read: ports and addresses in use, a hub that is gone, another ALPN, a service that
// is down. Each message says what happened, where, and what to do; the program exits with a status of its own or goes on.
import { describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { run, start } from "../support/executable.ts";
import { Puppet } from "../support/puppet.ts";
import { DOWN, deadTicket, expectError, get, hub, joining, OFFLINE, peer, serve } from "./terminals.ts";

describe("a local TCP port that cannot be opened", () => {
	test.each([
		["frontend", "--frontend-addr"],
		["backend", "--backend-addr"],
		["websocket", "--ws-addr"],
	])("in use, for the %s: the error names it and its option, before the hub is contacted", async (service, option) => {
		await using busy = serve(() => new Response("mine"));
		await using sharing = await hub([]);
		const finished = await run(joining(sharing.ticket, option, busy.address));
		expectError(
			finished,
			"listen",
			new RegExp(
				`^error: Cannot listen on ${busy.address} for the ${service}: \\S+ \\(pid \\d+\\) listens there\\. .*${option}.*port 0`,
			),
		);
		sharing.program.signal("SIGTERM");
		expect(await sharing.program.exited).toMatchObject({ status: 0, stderr: "" });
	});

	test("in use on every interface", async () => {
		await using busy = serve(() => new Response("mine"), { hostname: "0.0.0.0", named: "127.0.0.1" });
		const finished = await run(joining(await deadTicket(), "--ws-addr", busy.address));
		expectError(
			finished,
			"listen",
			new RegExp(
				`Cannot listen on ${busy.address} for the websocket: \\S+ \\(pid ${process.pid}\\) listens on 0\\.0\\.0\\.0:`,
			),
		);
	});

	test("an address of another machine", async () => {
		const finished = await run(joining(await deadTicket(), "--backend-addr", "192.0.2.1:0"));
		expectError(
			finished,
			"listen",
			/Cannot listen on 192\.0\.2\.1:0 for the backend: this machine has no such address/,
		);
	});
});

describe("a UDP address that cannot be bound", () => {
	const binding: [command: string, args: (...more: string[]) => Promise<string[]>][] = [
		["share", async (...more) => ["share", DOWN, DOWN, DOWN, "my-hub", "--no-relay", ...more]],
		[
			"join",
			async (...more) => ["join", "my-peer", "--ticket", await deadTicket(), ...FREE_PORTS, "--no-relay", ...more],
		],
	];
	const FREE_PORTS = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];

	test.each(binding)("%s: IPv4, in use", async (_command, args) => {
		const busy = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
		const finished = await run(await args("--ipv4-addr", `127.0.0.1:${busy.port}`));
		busy.close();
		expectError(
			finished,
			"bind",
			new RegExp(`Cannot bind UDP 127\\.0\\.0\\.1:${busy.port}: the port is in use\\. .*--ipv4-addr`),
		);
	});

	test.each(binding)("%s: IPv6, in use", async (_command, args) => {
		const busy = await Bun.udpSocket({ hostname: "::1", port: 0 });
		const finished = await run(await args("--ipv6-addr", `[::1]:${busy.port}`));
		busy.close();
		expectError(
			finished,
			"bind",
			new RegExp(`Cannot bind UDP \\[::1\\]:${busy.port}: the port is in use\\. .*--ipv6-addr`),
		);
	});

	test.each(binding)("%s: an address of another machine", async (_command, args) => {
		const finished = await run(await args("--ipv4-addr", "192.0.2.1:0"));
		expectError(finished, "bind", /Cannot bind UDP 192\.0\.2\.1:0: this machine has no such address/);
	});
});

describe("a hub that cannot be reached", () => {
	test("no answer at the ticket's address: an error with what was tried; a waiting client is reset before that", async () => {
		await using puppet = new Puppet();
		const { port } = await puppet.listen();
		await using program = start(joining(await deadTicket(), "--frontend-addr", `127.0.0.2:${port}`));
		await program.line(/^Waiting for the hub/);
		const client = await puppet.connect(port, { host: "127.0.0.2" });
		expect(await client.closed()).toMatchObject({ received: 0, error: "ECONNRESET", ended: false });
		await program.line(
			new RegExp(
				`^error: No connection for the frontend \\(127\\.0\\.0\\.2:${port}\\): the hub was unreachable for 10 s\\.$`,
			),
		);
		const { status, stdout, stderr } = await program.exited;
		expect(stderr.split("\n").slice(2)).toEqual([
			expect.stringMatching(
				/^error: Cannot reach the hub: no answer within 15 s\. Tried .*127\.0\.0\.1:\d+.*\. Is the hub/,
			),
			"",
		]);
		expect({ status, stdout }).toEqual({ status: EXIT_STATUS.unreachable.status, stdout: "" });
	}, 40_000);

	test("another ALPN: the error names --alpn, and the hub goes on", async () => {
		await using frontend = serve(() => new Response("a page"));
		await using sharing = await hub([frontend.address]);
		const finished = await run(joining(sharing.ticket, "--alpn", "federated-hivemind"));
		expectError(finished, "alpn", /The hub speaks a protocol other than --alpn federated-hivemind\. .*same --alpn/);
		await using joined = await peer(sharing.ticket);
		expect(await get(joined.urls.frontend)).toBe("a page");
	});
});

describe("a service that is down", () => {
	test("the client's connection is reset, hub and peer name the service, and the other services go on", async () => {
		await using frontend = serve(() => new Response("a page"));
		await using sharing = await hub([frontend.address, DOWN]);
		await using joined = await peer(sharing.ticket);
		await using puppet = new Puppet();
		const local = new URL(joined.urls.backend).host;
		const client = await puppet.connect(Number(new URL(joined.urls.backend).port));
		await client.write("GET / HTTP/1.1\r\n\r\n");
		expect(await client.closed()).toMatchObject({ received: 0, error: "ECONNRESET", closed: true });
		await sharing.program.line(
			/^error: The backend is not running at 127\.0\.0\.1:1: connection refused \(asked for by 'my-peer'/,
		);
		await joined.program.line(
			new RegExp(
				`^error: The backend is not running on the hub \\(127\\.0\\.0\\.1:1\\)\\. A connection to ${local} was refused\\.$`,
			),
		);
		expect(await get(joined.urls.frontend)).toBe("a page");
	});

	test("a client that sends nothing is reset, too", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket);
		await using puppet = new Puppet();
		const client = await puppet.connect(Number(new URL(joined.urls.websocket).port));
		expect(await client.closed()).toMatchObject({ received: 0, error: "ECONNRESET", closed: true });
		await joined.program.line(
			/^error: The websocket is not running on the hub \(127\.0\.0\.1:1\)\. A connection to .+ was refused\.$/,
		);
	});

	test("the hub starts even if its services are down", async () => {
		await using program = start(["share", DOWN, DOWN, DOWN, "my-hub", ...OFFLINE]);
		await program.line(/^Ticket: endpoint/);
		expect(program.stderr).toBe("");
	});
});
