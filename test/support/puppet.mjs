// TCP sockets of another implementation (Node's), driven by commands: the client and service of the end-to-end tests.
// Runs under node, started by puppet.ts: one JSON command per line on stdin, one JSON answer per line on stdout.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";

const sockets = new Map();
const servers = new Map();
let next = 1;

function track(socket) {
	const { localPort, remotePort } = socket;
	const id = next++;
	const state = {
		id,
		socket,
		received: 0,
		head: "",
		hash: createHash("sha256"),
		ended: false,
		error: null,
		closed: false,
		waiters: new Set(),
	};
	const changed = () => {
		for (const waiter of state.waiters) waiter();
	};
	socket.on("data", (bytes) => {
		state.received += bytes.length;
		if (state.head.length < 64) state.head += bytes.subarray(0, 64).toString("latin1");
		state.hash.update(bytes);
		changed();
	});
	socket.on("end", async () => {
		if (socket.writableEnded || (await isAlive(localPort, remotePort))) state.ended = true;
		else state.error = "ECONNRESET";
		changed();
		if (state.error) socket.destroy();
	});
	socket.on("error", (error) => {
		state.error = error.code ?? error.message;
		changed();
	});
	socket.on("close", () => {
		state.closed = true;
		changed();
	});
	sockets.set(id, state);
	return state;
}

/**
 * libuv reports a RST that follows data as an end (uv__stream_io short-circuits POLLHUP). The kernel knows better: after
 * a FIN the connection is still in its table, after a RST it is gone. (Once our own FIN is out, this tells nothing.)
 */
let table;
async function isAlive(localPort, remotePort) {
	if (process.platform !== "linux") return true;
	// A connection that was reset before it was accepted has no addresses.
	if (localPort === undefined || remotePort === undefined) return false;
	// One read of the table serves all sockets that end in the same turn.
	table ??= new Promise((resolve) => {
		setImmediate(() => {
			table = undefined;
			resolve(["tcp", "tcp6"].map((name) => readFileSync(`/proc/self/net/${name}`, "latin1")).join("\n"));
		});
	});
	const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
	return new RegExp(`:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} `).test(await table);
}

const report = ({ id, socket, received, head, hash, ended, error, closed }) => ({
	id,
	received,
	head,
	sha256: hash.copy().digest("hex"),
	ended,
	error,
	closed,
	sent: socket.bytesWritten - socket.writableLength,
});

function until(state, done) {
	return new Promise((resolve) => {
		const check = () => {
			if (!done() && !state.closed) return;
			state.waiters.delete(check);
			resolve(report(state));
		};
		state.waiters.add(check);
		check();
	});
}

/** The bytes that `send` sends: without a short period, which could hide a lost or doubled piece. */
// Of each half a megabyte, the first half shrinks when it is compressed, and the second does not.
const pattern = (from, length) => {
	const bytes = Buffer.allocUnsafe(length);
	for (let i = 0; i < length; i++) {
		const at = from + i;
		const mixed = Math.imul(at ^ (at >>> 7), 2246822507);
		bytes[i] = at & 0x40000 ? Math.imul(mixed ^ (mixed >>> 13), 3266489909) >>> 16 : (at * 2654435761) >>> 24;
	}
	return bytes;
};

async function send(state, size, chunk) {
	for (let at = 0; at < size && !state.closed; at += chunk) {
		const bytes = pattern(at, Math.min(chunk, size - at));
		const failed = await new Promise((resolve) => {
			state.socket.write(bytes, resolve);
		});
		if (failed) return;
	}
}

const commands = {
	listen: ({ host = "127.0.0.1" }) =>
		new Promise((resolve, reject) => {
			const id = next++;
			const entry = { arrived: [], waiting: [] };
			entry.server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
				const state = track(socket);
				const waiter = entry.waiting.shift();
				if (waiter) waiter(state.id);
				else entry.arrived.push(state.id);
			});
			entry.server.on("error", reject);
			entry.server.listen({ port: 0, host, backlog: 4096 }, () => resolve({ id, port: entry.server.address().port }));
			servers.set(id, entry);
		}),
	accept: ({ id, paused }) =>
		new Promise((resolve) => {
			const entry = servers.get(id);
			const took = (socketId) => {
				if (!paused) sockets.get(socketId).socket.resume();
				resolve({ id: socketId });
			};
			if (entry.arrived.length > 0) took(entry.arrived.shift());
			else entry.waiting.push(took);
		}),
	connect: ({ port, host = "127.0.0.1", paused }) =>
		new Promise((resolve, reject) => {
			const socket = createConnection({ port, host, allowHalfOpen: true, noDelay: true });
			socket.once("error", (error) => {
				// On a busy machine a connection that is accepted and reset at once fails before its "connect" event.
				if (error.code !== "ECONNRESET") return reject(new Error(error.code));
				const state = track(socket);
				state.error = error.code;
				resolve({ id: state.id });
			});
			socket.once("connect", () => {
				const state = track(socket);
				if (paused) socket.pause();
				resolve({ id: state.id });
			});
		}),
	write: ({ id, text }) =>
		new Promise((resolve) => {
			sockets.get(id).socket.write(Buffer.from(text, "latin1"), () => resolve({}));
		}),
	send: async ({ id, size, chunk }) => {
		await send(sockets.get(id), size, chunk);
		return {};
	},
	sending: ({ id, size, chunk }) => {
		void send(sockets.get(id), size, chunk);
		return {};
	},
	end: ({ id }) => void sockets.get(id).socket.end() ?? {},
	reset: ({ id }) => void sockets.get(id).socket.resetAndDestroy() ?? {},
	/** Closes as an exiting program does: close(2), which sends a RST if something is unread. */
	destroy: ({ id }) => void sockets.get(id).socket.destroy() ?? {},
	pause: ({ id }) => void sockets.get(id).socket.pause() ?? {},
	resume: ({ id }) => void sockets.get(id).socket.resume() ?? {},
	state: ({ id }) => report(sockets.get(id)),
	received: ({ id, count }) => {
		const state = sockets.get(id);
		return until(state, () => state.received >= count);
	},
	ended: ({ id }) => {
		const state = sockets.get(id);
		return until(state, () => state.ended);
	},
	closed: ({ id }) => until(sockets.get(id), () => false),
	hash: ({ size }) => {
		const hash = createHash("sha256");
		for (let at = 0; at < size; at += 65536) hash.update(pattern(at, Math.min(65536, size - at)));
		return { sha256: hash.digest("hex") };
	},
};

for await (const line of createInterface({ input: process.stdin })) {
	const { seq, command, ...args } = JSON.parse(line);
	Promise.resolve()
		.then(() => commands[command](args))
		.then(
			(value) => process.stdout.write(`${JSON.stringify({ seq, value: value ?? {} })}\n`),
			(error) => process.stdout.write(`${JSON.stringify({ seq, error: error.message })}\n`),
		);
}
process.exit(0);
