// Talks to a server that does what ws-server.mjs does; fails with an exception or ends with "done" on stdout.
// Usage: ws-client.mjs PORT
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";

const url = `ws://127.0.0.1:${process.argv[2]}`;

async function open() {
	const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0 } });
	const upgraded = once(socket, "upgrade");
	await once(socket, "open");
	const [{ headers }] = await upgraded;
	assert.match(headers["sec-websocket-extensions"], /^permessage-deflate/);
	return socket;
}

async function echoes(socket, data) {
	const reply = once(socket, "message");
	socket.send(data);
	const [back, binary] = await reply;
	assert.equal(binary, typeof data !== "string");
	assert.ok(back.equals(Buffer.from(data)), `${data.length} bytes come back changed`);
}

async function closes(socket) {
	const [code, reason] = await once(socket, "close");
	return `${code} ${reason}`;
}

const socket = await open();
await echoes(socket, "");
await echoes(socket, "Grüße, 世界");
for (let i = 0; i < 200; i++) await echoes(socket, `message ${i}`);
await echoes(socket, "compressible ".repeat(300_000));
await echoes(socket, randomBytes(4_000_000));

// One message in many frames, with pings between them.
const parts = Array.from({ length: 50 }, (_, i) => (i % 2 ? randomBytes(10_000) : Buffer.alloc(10_000, i)));
const whole = once(socket, "message");
const pongs = [];
socket.on("pong", (data) => pongs.push(data.toString()));
for (const [i, part] of parts.entries()) {
	socket.send(part, { binary: true, fin: i === parts.length - 1 });
	socket.ping(`${i}`);
}
const [message] = await whole;
assert.ok(message.equals(Buffer.concat(parts)));
while (pongs.length < parts.length) await once(socket, "pong");
assert.deepEqual(
	pongs,
	parts.map((_, i) => `${i}`),
);

const ping = once(socket, "ping");
const answered = once(socket, "message");
socket.send("/ping");
assert.equal((await ping)[0].toString(), "are you there");
assert.equal((await answered)[0].toString(), "/pong are you there");

const closing = closes(socket);
socket.close(4001, "done with you");
assert.equal(await closing, "4001 done with you");

const closed = await open();
const byServer = closes(closed);
closed.send("/close");
assert.equal(await byServer, "4002 as you wish");

const cut = await open();
const byCut = closes(cut);
cut.send("/terminate");
assert.equal(await byCut, "1006 ");

// Leaves without a word.
(await open()).terminate();
console.log("done");
