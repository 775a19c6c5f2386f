// Our mailbox server's sockets: frames of both kinds, malformed frames, bounds, and how it stops.
import { expect, spyOn, test } from "bun:test";
import { MAILBOX_MESSAGE_MAX } from "../../src/wormhole/limits.ts";
import {
	SERVER_CLAIMS_BURST,
	SERVER_CONNECTIONS_PER_NETWORK,
	SERVER_ERRORS_MAX,
} from "../../src/wormhole/server/limits.ts";
import { Mailboxes } from "../../src/wormhole/server/mailboxes.ts";
import { trustedProxies } from "../../src/wormhole/server/proxies.ts";
import { type MailboxServerOptions, startMailbox } from "../../src/wormhole/server/server.ts";
import { raw, STRANGE, strangeRequest } from "../support/strangers.ts";
import { mailboxProcess, RawClient } from "../support/wormhole.ts";

function server(options: Partial<MailboxServerOptions> = {}) {
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0, ...options });
	return { ...mailbox, [Symbol.asyncDispose]: () => mailbox.stop() };
}

const portOf = (url: string) => Number(new URL(url).port);

test("text and binary frames are treated alike", async () => {
	await using mailbox = server();
	await using client = new RawClient(mailbox.url);
	await client.next("welcome");
	const ping = JSON.stringify({ type: "ping", ping: 3 });
	for (const frame of [ping, new TextEncoder().encode(ping)]) {
		await client.send(frame);
		expect(await client.next()).toEqual({ type: "pong", pong: 3 });
	}
});

test("malformed frames get an error and do not affect other clients", async () => {
	await using mailbox = server();
	await using bystander = new RawClient(mailbox.url);
	await using client = new RawClient(mailbox.url);
	await client.next("welcome");
	const frames = [
		"",
		"x",
		"null",
		"[]",
		"{",
		'{"type":{}}',
		new Uint8Array([0xff, 0xfe]),
		"x".repeat(MAILBOX_MESSAGE_MAX),
	];
	for (const frame of frames) {
		await client.send(frame);
		expect((await client.next()).type).toBe("error");
	}
	for (let i = frames.length; i < SERVER_ERRORS_MAX; i++) await client.send("x");
	expect(await client.closed).toBe(1008);
	await bystander.send({ type: "ping", ping: 1 });
	await bystander.next("pong");
});

test("a message that is too long ends that connection only, also in fragments that never end", async () => {
	await using mailbox = server();
	await using bystander = new RawClient(mailbox.url);
	await using client = new RawClient(mailbox.url);
	await client.send("x".repeat(MAILBOX_MESSAGE_MAX + 1));
	await client.closed;
	const half = fragment(0x01, MAILBOX_MESSAGE_MAX / 2);
	const more = fragment(0x00, MAILBOX_MESSAGE_MAX / 2 + 1);
	expect(await raw(portOf(mailbox.url), `GET /v1 HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`, half, more)).toContain("101");
	await bystander.send({ type: "ping", ping: 1 });
	await bystander.next("pong");
});

/** A masked fragment of a text message. */
function fragment(opcode: number, length: number): Buffer {
	const head = Buffer.alloc(14);
	head[0] = opcode;
	head[1] = 0x80 | 127;
	head.writeBigUInt64BE(BigInt(length), 2);
	return Buffer.concat([head, Buffer.alloc(length, "a")]);
}

const UPGRADE =
	"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

test.each(Object.entries(STRANGE))("a request with %s gets a short answer", async (_, head) => {
	const faults: string[] = [];
	await using mailbox = server({ onFault: (reason) => faults.push(reason) });
	const answer = await strangeRequest(portOf(mailbox.url), head);
	expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
	expect(answer.length).toBeLessThan(300);
	expect(faults).toEqual([]);
});

test("what strangers send prints nothing", async () => {
	const mailbox = await mailboxProcess();
	for (const head of Object.values(STRANGE)) await strangeRequest(portOf(mailbox.url), head);
	expect(await mailbox.kill()).toBe("");
});

test("an exception ends its socket and is reported on one line, without control characters", async () => {
	const faults: string[] = [];
	await using mailbox = server({ onFault: (reason) => faults.push(reason) });
	await using bystander = new RawClient(mailbox.url);
	await using client = await new RawClient(mailbox.url).bind("a");
	const bug = spyOn(Mailboxes.prototype, "list").mockImplementation(() => {
		throw new Error("a \u009bbug\nat y");
	});
	await client.send({ type: "list" });
	await client.closed;
	bug.mockRestore();
	expect(faults).toEqual(["a bug"]);
	await bystander.send({ type: "ping", ping: 1 });
	await bystander.next("pong");
});

test("a web page cannot connect, unless its origin is named", async () => {
	await using mailbox = server({ origins: ["https://good.example"] });
	for (const [origin, expected] of [
		["http://evil.example", false],
		["null", false],
		["https://good.example.evil.example", false],
		[new URL(mailbox.url.replace("ws:", "http:")).origin, false],
		["https://good.example", true],
	] as const) {
		await using client = new RawClient(mailbox.url, { Origin: origin });
		expect(await client.accepted()).toBe(expected);
	}
	const http = mailbox.url.replace("ws:", "http:");
	const answer = await fetch(http, { headers: { Origin: "http://evil.example" } });
	expect(answer.status).toBe(403);
	expect(await answer.text()).toContain("--allow-origin");
});

test("behind a trusted proxy each client counts for itself, and nobody else's X-Forwarded-For counts", async () => {
	for (const [trusted, expected] of [
		["loopback", true],
		["192.0.2.0/24", false],
	] as const) {
		await using mailbox = server({ proxies: trustedProxies([trusted]) });
		// The last claim of a burst is refused where both clients are the same one.
		for (let i = 0; i < SERVER_CLAIMS_BURST; i++) await claims(mailbox.url, `busy${i}`, "203.0.113.1");
		expect(await claims(mailbox.url, "another", "203.0.113.2")).toBe(expected);
	}
});

/** Whether a client that a proxy says comes from `address` may make a mailbox. */
async function claims(url: string, side: string, address: string): Promise<boolean> {
	await using client = await new RawClient(url, { "X-Forwarded-For": address }).bind(side);
	await client.send({ type: "open", mailbox: side });
	await client.send({ type: "ping", ping: 1 });
	return (await client.next()).type === "welcome" && (await client.next()).type === "pong";
}

test("one address cannot take every connection", async () => {
	await using mailbox = server();
	const clients = Array.from({ length: SERVER_CONNECTIONS_PER_NETWORK }, () => new RawClient(mailbox.url));
	await Promise.all(clients.map((client) => client.next("welcome")));
	const http = mailbox.url.replace("ws:", "http:");
	expect((await fetch(http)).status).toBe(503);
	const [first] = clients.splice(0, 1);
	await first?.[Symbol.asyncDispose]();
	// There is room again once the end of the socket has reached the server.
	for (;;) {
		const client = new RawClient(mailbox.url);
		const welcomed = await Promise.race([client.next("welcome"), client.closed]);
		await client[Symbol.asyncDispose]();
		if (typeof welcomed === "object") break;
	}
	await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
});

test("a plain HTTP request is told what this server is", async () => {
	await using mailbox = server();
	const http = mailbox.url.replace("ws:", "http:");
	expect((await fetch(http)).status).toBe(426);
	expect((await fetch(http.replace("/v1", "/"))).status).toBe(404);
	expect((await fetch(http.replace("/v1", "/healthz"))).status).toBe(200);
});

test("a stopped server closes its sockets, frees its port, and can be stopped again", async () => {
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	await using client = new RawClient(mailbox.url);
	await client.next("welcome");
	await mailbox.stop();
	await mailbox.stop();
	expect(await client.closed).toBe(1001);
	const again = startMailbox({ host: "127.0.0.1", port: Number(new URL(mailbox.url).port) });
	expect(again.url).toBe(mailbox.url);
	await again.stop();
});

test("a port that is in use is named", async () => {
	await using mailbox = server();
	const port = Number(new URL(mailbox.url).port);
	expect(() => startMailbox({ host: "127.0.0.1", port })).toThrow(`127.0.0.1:${port}: the port is in use`);
});
