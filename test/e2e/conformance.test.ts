// What TCP promises, kept through the tunnel: one test per promise, named by its symptom (docs/reliability.md shows
// them). Client and service are Node's sockets (test/support/puppet.ts); hub and peer are ours, over real iroh on
// loopback.
import { expect, test } from "bun:test";
import { UNANSWERED_MAX } from "../../src/hub/limits.ts";
import { Puppet, type PuppetServer, type PuppetSocket } from "../support/puppet.ts";
import { LOOPBACK, type RunningHub, type RunningPeer, startHub, startPeer } from "../support/tunnel.ts";

const MB = 1024 * 1024;
const BIG = 20 * MB;

let puppet: Puppet;
let service: PuppetServer;
let hub: RunningHub;
let peer: RunningPeer;

/** One TCP connection through the tunnel: the client's end and the service's. */
async function connection(
	options: { client?: boolean; service?: boolean } = {},
): Promise<[PuppetSocket, PuppetSocket]> {
	const accepting = service.accept({ paused: options.service ?? false });
	return [await puppet.connect(peer.ports[0] as number, { paused: options.client ?? false }), await accepting];
}

async function withTunnel(compress: boolean, work: () => Promise<void>): Promise<void> {
	puppet = new Puppet();
	service = await puppet.listen();
	hub = await startHub([service.port]);
	peer = await startPeer(hub.ticket, LOOPBACK, { compress });
	try {
		await work();
	} finally {
		await peer.stop();
		await hub.stop();
		await puppet[Symbol.asyncDispose]();
	}
}

/** A row of the table, with streams as the original program has them, and with compressed ones. */
function row(symptom: string, work: () => Promise<void>): void {
	test.each([
		["plain", false],
		["compressed", true],
	])(`${symptom} (%s)`, (_, compress) => withTunnel(compress, work), 30_000);
}

row("bytes arrive unchanged in both directions at once", async () => {
	const [client, server] = await connection();
	await Promise.all([client.send(BIG), server.send(BIG)]);
	await Promise.all([client.end(), server.end()]);
	const sha256 = await puppet.hash(BIG);
	expect(await client.closed()).toMatchObject({ received: BIG, sha256, ended: true, error: null });
	expect(await server.closed()).toMatchObject({ received: BIG, sha256, ended: true, error: null });
});

row("a request that ends with a FIN still gets its reply", async () => {
	const [client, server] = await connection();
	await client.write("request");
	await client.end();
	expect(await server.ended()).toMatchObject({ head: "request", ended: true, closed: false });
	await server.send(BIG);
	await server.end();
	expect(await client.closed()).toMatchObject({
		received: BIG,
		sha256: await puppet.hash(BIG),
		ended: true,
		error: null,
	});
});

row("a service that ends first still receives what the client sends", async () => {
	const [client, server] = await connection();
	await server.write("bye");
	await server.end();
	expect(await client.ended()).toMatchObject({ head: "bye", ended: true });
	await client.send(MB);
	await client.end();
	expect(await server.closed()).toMatchObject({ received: MB, sha256: await puppet.hash(MB), error: null });
});

row("a client receives the greeting of a service that speaks first", async () => {
	const [client, server] = await connection();
	await server.write("220 ready");
	expect((await client.received(9)).head).toBe("220 ready");
});

row("single bytes pass at once; none waits for more", async () => {
	const [client, server] = await connection();
	for (let i = 1; i <= 100; i++) {
		await client.write("x");
		await server.received(i);
		await server.write("y");
		await client.received(i);
	}
});

row("a client's reset reaches the service as a reset", async () => {
	const [client, server] = await connection();
	await client.write("hello");
	await server.received(5);
	await client.reset();
	expect(await server.closed()).toMatchObject({ head: "hello", ended: false, error: "ECONNRESET" });
});

row("a service's reset reaches the client as a reset, after the bytes before it", async () => {
	const [client, server] = await connection();
	await server.write("partial");
	await server.reset();
	expect(await client.closed()).toMatchObject({ head: "partial", ended: false, error: "ECONNRESET" });
});

row("a reset in the middle of a bulk transfer never looks like a clean end", async () => {
	const [client, server] = await connection();
	await server.sending(10 * BIG);
	await client.received(MB);
	await server.reset();
	const state = await client.closed();
	expect(state).toMatchObject({ ended: false, error: "ECONNRESET" });
});

row("a silent service notices that its client has left", async () => {
	const [client, server] = await connection();
	await client.write("GET /long-poll");
	await server.received(14);
	await client.destroy();
	expect(await server.ended()).toMatchObject({ ended: true });
	await server.end();
});

row("a service that keeps sending gets an error once its client has left", async () => {
	const [client, server] = await connection();
	await server.sending(100 * BIG);
	await client.received(MB);
	await client.destroy();
	const state = await server.closed();
	expect(["ECONNRESET", "EPIPE"]).toContain(state.error as string);
});

row("the reply survives a client that keeps sending", async () => {
	const [client, server] = await connection({ service: true });
	await client.sending(100 * BIG);
	await server.send(256 * 1024);
	await server.end();
	const state = await client.ended();
	expect(state).toMatchObject({ received: 256 * 1024, sha256: await puppet.hash(256 * 1024), ended: true });
	await server.destroy();
	const { error } = await client.closed();
	expect(["ECONNRESET", "EPIPE"]).toContain(error as string);
});

row("the reply survives a service that closes with the request unread", async () => {
	const [client, server] = await connection({ service: true });
	await client.send(1000);
	await server.write("HTTP/1.1 413 Too Large");
	// close(2) with unread bytes: the kernel sends a RST after the reply, not a FIN.
	await server.destroy();
	expect(await client.closed()).toMatchObject({ head: "HTTP/1.1 413 Too Large" });
});

row("a reader that stops holds up the writer, and gets every byte when it resumes", async () => {
	const [client, server] = await connection({ client: true });
	const size = 3 * BIG;
	const sent = server.send(size).then(() => server.end());
	// The writer is held up once the kernel takes no more while another connection does its work.
	let held = -1;
	for (let now = 0; now !== held; now = (await server.state()).sent) {
		held = now;
		const [otherClient, otherServer] = await connection();
		await otherServer.send(4 * MB);
		await otherServer.end();
		await otherClient.ended();
		await otherClient.end();
	}
	expect(held).toBeLessThan(size / 2);
	await client.resume();
	await sent;
	expect(await client.ended()).toMatchObject({ received: size, sha256: await puppet.hash(size) });
	await client.end();
});

row("garbage collections in the middle of a transfer change nothing", async () => {
	const [client, server] = await connection();
	await Promise.all([server.sending(BIG), client.sending(BIG)]);
	for (let at = MB; at <= BIG; at += MB) {
		await client.received(at);
		Bun.gc(true);
	}
	await server.received(BIG);
	await Promise.all([client.end(), server.end()]);
	const sha256 = await puppet.hash(BIG);
	expect(await client.closed()).toMatchObject({ received: BIG, sha256, error: null });
	expect(await server.closed()).toMatchObject({ received: BIG, sha256, error: null });
});

row("1,024 connections can be open at once, and all of them work", async () => {
	const pairs: [PuppetSocket, PuppetSocket][] = [];
	for (let i = 0; i < 1024; i++) {
		const [client, server] = await connection();
		pairs.push([client, server]);
		// Of a service that says nothing at all, no more than UNANSWERED_MAX are open: it looks like a loop.
		if (i % (UNANSWERED_MAX / 2) === 0) await server.write("hello");
	}
	await Promise.all(
		pairs.map(async ([client, server], i) => {
			const text = `connection ${i}`;
			const greeting = i % (UNANSWERED_MAX / 2) === 0 ? "hello" : "";
			await client.write(text);
			expect((await server.received(text.length)).head).toBe(text);
			await server.write(text);
			expect((await client.received(greeting.length + text.length)).head).toBe(greeting + text);
			await client.end();
			await server.end();
			await client.closed();
		}),
	);
});

row("a hub that stops lets a running transfer finish", async () => {
	const sha256 = await puppet.hash(5 * MB);
	const [client, server] = await connection();
	await server.sending(5 * MB);
	await client.received(MB);
	const stopped = hub.stop();
	await client.received(5 * MB);
	// At once, because a transfer that moves nothing for a moment (IDLE_MS) no longer counts as running.
	await server.end();
	expect(await client.ended()).toMatchObject({ received: 5 * MB, sha256, ended: true, error: null });
	await client.end();
	await stopped;
	// Not `.rejects`: it blocks the runner's event loop while real connections need it.
	const error = await peer.done.catch((reason: Error) => reason);
	expect((error as Error).message).toContain("the hub was stopped");
});

row("losing the hub in the middle of a transfer never looks like a clean end", async () => {
	const [client, server] = await connection({ client: true });
	await server.sending(10 * BIG);
	await hub.stop();
	await client.resume();
	expect(await client.closed()).toMatchObject({ ended: false, error: "ECONNRESET" });
});
