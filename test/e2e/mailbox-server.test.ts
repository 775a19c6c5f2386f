// Our mailbox server's sockets: frames of both kinds, malformed frames, bounds, and how it stops.
import { expect, test } from "bun:test";
import { MAILBOX_MESSAGE_MAX } from "../../src/wormhole/limits.ts";
import { SERVER_CONNECTIONS_PER_ADDRESS, SERVER_ERRORS_MAX } from "../../src/wormhole/server/limits.ts";
import { startMailbox } from "../../src/wormhole/server/server.ts";
import { RawClient } from "../support/wormhole.ts";

function server() {
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	return { ...mailbox, [Symbol.asyncDispose]: () => mailbox.stop() };
}

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
		"x".repeat(MAILBOX_MESSAGE_MAX + 1),
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

test("an oversized frame ends that connection only", async () => {
	await using mailbox = server();
	await using bystander = new RawClient(mailbox.url);
	await using client = new RawClient(mailbox.url);
	await client.send("x".repeat(8 * MAILBOX_MESSAGE_MAX));
	await client.closed;
	await bystander.send({ type: "ping", ping: 1 });
	await bystander.next("pong");
});

test("one address cannot take every connection", async () => {
	await using mailbox = server();
	const clients = Array.from({ length: SERVER_CONNECTIONS_PER_ADDRESS }, () => new RawClient(mailbox.url));
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
