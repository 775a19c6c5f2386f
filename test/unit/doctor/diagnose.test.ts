// What doctor finds: over a real endpoint, a real mailbox server and a real hub on loopback.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type DiagnoseOptions, diagnose } from "../../../src/doctor/diagnose.ts";
import type { Finding } from "../../../src/doctor/finding.ts";
import type { EndpointOptions } from "../../../src/transport/endpoint.ts";
import { type MailboxServer, startMailbox } from "../../../src/wormhole/server/server.ts";
import { startHub } from "../../support/tunnel.ts";

const FREE = { host: "127.0.0.1", port: 0 };
const ENDPOINT: EndpointOptions = { alpn: "hivemind", relays: "none", ipv4: FREE };

let server: MailboxServer;

beforeEach(() => {
	server = startMailbox(FREE);
});
afterEach(() => server.stop());

async function examine(more: Partial<DiagnoseOptions> = {}): Promise<{ works: boolean; found: Map<string, Finding> }> {
	const found = new Map<string, Finding>();
	const options = { endpoint: ENDPOINT, mailbox: server.url, ...more };
	return { works: await diagnose(options, (finding) => found.set(finding.check, finding)), found };
}

test("where everything works, every check says so, or that it was not asked for", async () => {
	const { works, found } = await examine();
	expect(works).toBe(true);
	expect([...found.keys()]).toEqual([
		"descriptors",
		"local ports",
		"native library",
		"UDP",
		"relay",
		"mailbox server",
		"clock",
	]);
	const results = [...found.values()].map(({ check, result }) => [check, result]);
	expect(results.filter(([, result]) => result === "failed" || result === "warning")).toEqual([]);
	expect(found.get("UDP")?.text).toMatch(/^bound to 127\.0\.0\.1:\d+/);
});

describe("a ticket's hub", () => {
	test("that runs is reached, and nobody there notices", async () => {
		await using hub = await startHub([1, 1, 1]);
		const { works, found } = await examine({ ticket: hub.ticket });
		expect(works).toBe(true);
		expect(found.get("the ticket's hub")).toMatchObject({
			result: "ok",
			text: expect.stringMatching(/^directly: \d+ ms; no relay$/),
		});
	});

	test("that has gone is not reached, and then a tunnel would not work", async () => {
		let ticket: string;
		{
			await using hub = await startHub([1, 1, 1]);
			ticket = hub.ticket;
		}
		const { works, found } = await examine({ ticket });
		expect(works).toBe(false);
		expect(found.get("the ticket's hub")).toMatchObject({ result: "failed", text: "directly: no answer; no relay" });
	}, 20_000);

	test("whose ticket is damaged is a mistake, and not looked for", async () => {
		const error = await examine({ ticket: "endpointabc" }).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: "ticket" });
	});
});

test("a mailbox server that does not answer is a warning: tickets work without it", async () => {
	const { url } = server;
	await server.stop();
	const { works, found } = await examine({ mailbox: url });
	expect(works).toBe(true);
	expect(found.get("mailbox server")).toMatchObject({ result: "warning", hint: expect.stringContaining("Tickets do") });
	expect(found.get("clock")).toMatchObject({ result: "skipped" });
});

test("an address that cannot be bound is the end of it", async () => {
	const { works, found } = await examine({ endpoint: { ...ENDPOINT, ipv4: { host: "192.0.2.1", port: 0 } } });
	expect(works).toBe(false);
	expect(found.get("UDP")).toMatchObject({ result: "failed", text: expect.stringContaining("192.0.2.1") });
});
