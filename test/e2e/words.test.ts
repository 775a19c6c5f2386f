// What a peer prints about the hub's services, and what happens to local clients that connect too early or too late:
// over real iroh, in this process. When the hub sends which message: test/unit/hub/hub.test.ts, service-health.test.ts.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import type { Address } from "../../src/base/address.ts";
import { peerReporter } from "../../src/peer/reporter.ts";
import { runPeer } from "../../src/peer/run-peer.ts";
import { originalsAt } from "../support/port-choices.ts";
import { Puppet } from "../support/puppet.ts";
import { LOOPBACK, startHub, startPeer } from "../support/tunnel.ts";

let printed: Mock<typeof process.stderr.write>;
/** Wake tests that wait for a line. */
let onLine: (() => void)[];

beforeEach(() => {
	onLine = [];
	printed = spyOn(process.stderr, "write").mockImplementation(() => {
		for (const wake of onLine) wake();
		return true;
	});
});

afterEach(() => printed.mockRestore());

const lines = (): string[] => printed.mock.calls.map(([text]) => String(text).trimEnd());

/** The line, once it has been printed. */
async function said(pattern: RegExp): Promise<string> {
	for (;;) {
		const found = lines().find((line) => pattern.test(line));
		if (found) return found;
		await new Promise<void>((resolve) => onLine.push(resolve));
	}
}

/** A service that a test can stop, and start again on the same port. */
function service(port = 0) {
	return Bun.listen({
		hostname: "127.0.0.1",
		port,
		socket: { open: (socket) => void socket.end("here"), data() {} },
	});
}

/** What a client of the local port gets: the service's answer, or undefined for a reset. */
async function ask(puppet: Puppet, port: number): Promise<string | undefined> {
	const client = await puppet.connect(port);
	const { head, error } = await client.received(4);
	if (error) return undefined;
	await client.end();
	await client.closed();
	return head;
}

test("a service that goes down and is started again within a second: both are reported, once each", async () => {
	await using puppet = new Puppet();
	const first = service();
	const { port } = first;
	await using hub = await startHub([port]);
	await using peer = await startPeer(hub.ticket);
	const local = peer.ports[0] as number;
	expect(await ask(puppet, local)).toBe("here");
	first.stop(true);
	expect(await ask(puppet, local)).toBeUndefined();
	await said(/^(error: )?The frontend is not running on the hub/);
	const second = service(port);
	try {
		expect(await ask(puppet, local)).toBe("here");
		await said(/^The frontend is running again\.$/);
		const about = lines().filter((line) => line.includes("on the hub") || line.includes("running again"));
		expect(about).toHaveLength(2);
		expect(about[0]).toContain(`The frontend is not running on the hub (127.0.0.1:${port}).`);
	} finally {
		second.stop(true);
	}
});

test("a client whose connection was not answered before the hub was lost is reported, not silently reset", async () => {
	await using puppet = new Puppet();
	const hanging = service();
	const connect = Bun.connect;
	const dialled = Promise.withResolvers<void>();
	const dial = spyOn(Bun, "connect").mockImplementation(((options: { port?: number }) => {
		if (options.port !== hanging.port) return connect(options as never);
		dialled.resolve();
		return new Promise(() => {});
	}) as typeof Bun.connect);
	try {
		const hub = await startHub([hanging.port]);
		await using peer = await startPeer(hub.ticket, LOOPBACK, { reconnect: true });
		const local = peer.ports[0] as number;
		const client = await puppet.connect(local);
		await dialled.promise;
		await hub.stop();
		expect(await client.closed()).toMatchObject({ error: "ECONNRESET", ended: false });
		const line = await said(/^error: No connection for the frontend/);
		expect(line).toContain(`(127.0.0.1:${local}): the hub was lost before it answered.`);
	} finally {
		dial.mockRestore();
		hanging.stop(true);
	}
});

test("a client that waits for a lost hub is reset when the peer is stopped, without an error line", async () => {
	await using puppet = new Puppet();
	const first = service();
	const hub = await startHub([first.port]);
	await using peer = await startPeer(hub.ticket, LOOPBACK, { reconnect: true });
	const local = peer.ports[0] as number;
	expect(await ask(puppet, local)).toBe("here");
	await hub.stop();
	first.stop(true);
	await said(/^The hub is gone: the hub was stopped\. Looking for it again/);
	const client = await puppet.connect(local);
	await peer.stop();
	expect(await client.closed()).toMatchObject({ error: "ECONNRESET", ended: false });
	expect(lines().filter((line) => line.includes("No connection"))).toEqual([]);
});

test("a client that connects before the hub was first reached is reset when the peer is stopped, without an error line", async () => {
	await using puppet = new Puppet();
	const hub = await startHub([]);
	await hub.stop();
	const probe = service();
	const address: Address = { host: "127.0.0.1", port: probe.port };
	probe.stop(true);
	const end = new AbortController();
	const joining = runPeer(
		{
			name: "early",
			invitation: { ticket: hub.ticket },
			ports: originalsAt(address),
			endpoint: LOOPBACK,
		},
		peerReporter(),
		end.signal,
	);
	const client = await puppet.connect(address.port);
	end.abort();
	await joining;
	const { error, ended } = await client.closed();
	expect({ error, ended }).toEqual({ error: "ECONNRESET", ended: false });
	expect(lines().filter((line) => line.includes("No connection"))).toEqual([]);
});
