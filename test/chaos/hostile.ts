// A hostile program: raw connections and streams with rubbish against a hub, by the binding alone. A process of its own.
// Usage: bun hostile.ts TICKET STREAMS CONNECTIONS SECONDS. With a secret in the ticket it says hello first and is let
// in. Streams come as fast as the hub lets them; connections that say nothing, but on streams
// that the protocol has not, are made anew when the hub closes them, SECONDS long. Prints `begun`, and in the end one line of JSON with what it has done.
import { type Connection, Endpoint, EndpointTicket, RelayMode } from "@number0/iroh";

const [ticket = "", ...numbers] = process.argv.slice(2);
const [streams = 0, connections = 0, seconds = 0] = numbers.map(Number);
const [text = "", secret] = ticket.split(".");
const hub = EndpointTicket.fromString(text).endpointAddr();
const ALPN = [...Buffer.from("HIVEMIND/1.0.0")];
/** Connections of one id; the hub allows four. */
const EACH = 4;
/** What is written on a stream: no header, a header that never ends, much that is none, no header before a reset. */
const RUBBISH = [64, 5, 64 * 1024, 64].map((length) => Array.from({ length }, (_, i) => (i * 167 + 13) % 256));
/** Unidirectional streams, of which the protocol has none, that each silent connection tries to fill. */
const UNI = 2;
/** Connections that open streams. */
const STREAMERS = 10;

const done = { streams: 0, refusedStreams: 0, connections: 0, refusedConnections: 0 };
// What JavaScript forgets is closed.
const pinned = new Set<object>();
const pin = <T extends object>(handle: T): T => {
	pinned.add(handle);
	return handle;
};
const until = performance.now() + seconds * 1000;

const silent = Array.from({ length: Math.ceil(connections / EACH) }, () => bind());
console.log("begun");
await Promise.all([
	...Array.from({ length: STREAMERS }, () => stream(Math.ceil(streams / STREAMERS))),
	...Array.from({ length: connections }, (_, i) => beSilent(silent[Math.floor(i / EACH)] as Promise<Endpoint>)),
]);
console.log(JSON.stringify(done));
process.exit(0);

async function bind(): Promise<Endpoint> {
	const builder = Endpoint.builder();
	builder.applyMinimal();
	builder.relayMode(RelayMode.disabled());
	builder.alpns([ALPN]);
	return pin(await builder.bind());
}

/** Keeps one connection that says nothing, for as long as we run. */
async function beSilent(endpoint: Promise<Endpoint>): Promise<void> {
	while (performance.now() < until) {
		try {
			const connection = pin(await (await endpoint).connect(hub, ALPN));
			done.connections++;
			for (let i = 0; i < UNI; i++) void oneWay(connection);
			await Promise.race([connection.closed(), Bun.sleep(Math.max(0, until - performance.now()))]);
			pinned.delete(connection);
		} catch {
			done.refusedConnections++;
		}
		// A few hundred a second are more than any honest network makes.
		await Bun.sleep(250 + Math.random() * 500);
	}
}

async function oneWay(connection: Connection): Promise<void> {
	try {
		const send = pin(await connection.openUni());
		for (let i = 0; i < 4; i++) await send.writeAll(RUBBISH[2] as number[]);
	} catch {
		// Stopped, or the connection is closed: as it should be.
	}
}

/** Opens `count` streams, on as many connections as that takes, one after another. */
async function stream(count: number): Promise<void> {
	const endpoint = await bind();
	let left = count;
	while (left > 0 && performance.now() < until) {
		try {
			const connection = pin(await endpoint.connect(hub, ALPN));
			if (secret !== undefined) await hello(connection);
			while (left > 0 && performance.now() < until) {
				await rubbish(connection, left);
				left--;
			}
		} catch {
			done.refusedConnections++;
			await Bun.sleep(100);
		}
	}
}

async function hello(connection: Connection): Promise<void> {
	const { send, recv } = pin(await connection.openBi());
	pin(send);
	pin(recv);
	const text = JSON.stringify({ type: "hello", v: 1, name: "hostile", program: "0", secret });
	await send.writeAll([...Buffer.from(`\x00hivemindp2p${text}\n`)]);
	await recv.read(1024);
}

/** One stream of one of four kinds; only the last is ended. */
async function rubbish(connection: Connection, kind: number): Promise<void> {
	const timeout = Bun.sleep(1000).then(() => "busy" as const);
	const bi = await Promise.race([connection.openBi(), timeout, connection.closed().then(() => "closed" as const)]);
	if (bi === "closed") throw new Error("closed");
	if (bi === "busy") {
		done.refusedStreams++;
		return;
	}
	const { send, recv } = pin(bi);
	pin(send);
	pin(recv);
	const writing = send.writeAll(RUBBISH[kind % 4] as number[]).catch(() => {});
	if (kind % 4 !== 2) await writing;
	if (kind % 4 === 3) await send.reset(7n).catch(() => {});
	done.streams++;
}
