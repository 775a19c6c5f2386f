// Hubs and peers of the original program's wire, in Rust, on the original's version of iroh and on the current one
// (original.rs), with ours on the other side (docs/interoperation.md). `bun run original` builds them with cargo.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Process } from "../chaos/process.ts";
import { RELAY } from "../chaos/world.ts";
import { DOWN, hub, joining, peer } from "../cli/terminals.ts";
import { start } from "../support/executable.ts";
import { Puppet, type PuppetSocket } from "../support/puppet.ts";
import { startScript } from "../support/servers/tools.ts";

const BYTES = 10_000_000;
const CONNECTIONS = 200;
const NO_RELAY = "-";

const executable = (version: string) =>
	join(import.meta.dir, `../../dist/original/${version}/debug/original-iroh-${version}`);
if (!RELAY)
	console.log("Left out: hubs and peers of the original through a relay: no iroh-relay in PATH or IROH_RELAY");

const echoServer = () => startScript(["node"], "echo.mjs");

/** A relay on loopback, and its URL. */
async function startRelay(): Promise<AsyncDisposable & { url: string }> {
	const relay = new Process("relay", ["env", "RUST_LOG=info", "NO_COLOR=1"], [RELAY as string, "--dev"]);
	await relay.line(/relay: serving on/);
	return { url: "http://127.0.0.1:3340", [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

async function originalHub(
	version: string,
	relay: string,
	service: number,
): Promise<AsyncDisposable & { ticket: string }> {
	const services = [`127.0.0.1:${service}`, DOWN, DOWN];
	const program = new Process("original hub", [], [executable(version), "hub", relay, ...services]);
	const [, ticket = ""] = await program.line(/^ticket (\S+)$/);
	return { ticket, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** Sends all, then the FIN, and gets all back. */
async function echoed(client: PuppetSocket, sha256: string): Promise<void> {
	await client.send(BYTES);
	await client.end();
	expect(await client.closed()).toMatchObject({ received: BYTES, sha256, ended: true, error: null });
}

async function small(puppet: Puppet, port: number, text: string): Promise<void> {
	const client = await puppet.connect(port);
	await client.write(text);
	await client.end();
	expect(await client.closed()).toMatchObject({ head: text, ended: true, error: null });
}

/** What a tunnel has to carry: bulk both ways over a connection that is half closed, and many connections at once. */
async function carries(port: number): Promise<void> {
	await using puppet = new Puppet();
	await echoed(await puppet.connect(port), await puppet.hash(BYTES));
	await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => small(puppet, port, `connection ${i}`)));
}

for (const version of ["0_95", "1"]) {
	const built = existsSync(executable(version));
	if (!built)
		console.log(`Left out: the original on iroh ${version}: 'bun run original' builds it where there is cargo`);

	describe.skipIf(!built)(`the original's wire on iroh ${version}`, () => {
		/** Its peer's three ports. */
		async function joinHub(relay: string, ticket: string) {
			const program = new Process("original peer", [], [executable(version), "peer", relay, ticket]);
			const [, ...ports] = await program.line(/^ports (\d+) (\d+) (\d+)$/);
			return { program, ports: ports.map(Number), [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
		}

		test("its peer is served by our open hub, and a service that is down is refused", async () => {
			await using server = await echoServer();
			await using sharing = await hub([`127.0.0.1:${server.port}`], ["--open"]);
			await using joined = await joinHub(NO_RELAY, sharing.ticket);
			await carries(joined.ports[0] as number);
			await using puppet = new Puppet();
			const refused = await puppet.connect(joined.ports[1] as number);
			expect(await refused.ended()).toMatchObject({ received: 0 });
			await joined.program.line(/^refused$/);
		});

		test("its peer is kept out by a hub with a secret", async () => {
			await using sharing = await hub([]);
			const [ticket = ""] = sharing.ticket.split(".");
			await using joined = await joinHub(NO_RELAY, ticket);
			await joined.program.line(/^the hub has gone$/);
		});

		if (version === "1") {
			test("its hub is joined by our peer", async () => {
				await using server = await echoServer();
				await using sharing = await originalHub(version, NO_RELAY, server.port);
				await using joined = await peer(sharing.ticket);
				await carries(Number(new URL(joined.urls.frontend).port));
			});
		} else {
			test("its hub does not answer without a relay, and our error says that", async () => {
				await using sharing = await originalHub(version, NO_RELAY, 1);
				await using joined = start(joining(sharing.ticket));
				const { status, stderr } = await joined.exited;
				expect(stderr).toMatch(
					/^error: Cannot reach the hub: .* If the hub is the original hivemind-p2p, it needs a relay/m,
				);
				expect(status).toBeGreaterThan(0);
			});
		}

		test.skipIf(!RELAY)("its hub is joined by our peer through a relay", async () => {
			await using relay = await startRelay();
			await using server = await echoServer();
			await using sharing = await originalHub(version, relay.url, server.port);
			const options = joining(sharing.ticket).filter((option) => option !== "--no-relay");
			await using joined = start([...options, "--relay-url", relay.url]);
			const [, port] = await joined.line(/frontend\s+http:\/\/127\.0\.0\.1:(\d+)/);
			await carries(Number(port));
		});
	});
}
