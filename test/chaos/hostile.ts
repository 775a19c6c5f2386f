// A hostile program: attacks a hub with raw connections and streams of rubbish, using nothing but the binding. Runs in a
// process of its own. Usage: bun hostile.ts TICKET STREAMS CONNECTIONS SECONDS [PINGERS]. If the ticket has a secret, it
// says hello first and is admitted. For SECONDS, PINGERS connections send pings on a control stream, and it holds connections that say nothing, except on unidirectional streams, which the
// protocol does not have; when the hub closes one, it makes another. It opens streams as fast as the hub allows, until
// all have been tried or a minute has passed. Prints `begun`, and in the end one line of JSON that says what it did.
import { type BiStream, type Connection, Endpoint, EndpointTicket, RelayMode } from "@number0/iroh";
import { nativeBytes } from "../support/native-bytes.ts";

const [ticket = "", ...numbers] = process.argv.slice(2);
const [streams = 0, connections = 0, seconds = 0, pingers = 0] = numbers.map(Number);
const [text = "", secret] = ticket.split(".");
const hub = EndpointTicket.fromString(text).endpointAddr();
const ALPN = nativeBytes("HIVEMIND/1.0.0");
/** Connections of one id; the hub allows four. */
const EACH = 4;
/** Bytes written to a stream, none of them a valid header: enough, too few, far too many, and enough before a reset. */
const RUBBISH = [64, 5, 64 * 1024, 64].map((length) =>
	nativeBytes(Array.from({ length }, (_, i) => (i * 167 + 13) % 256)),
);
/** Unidirectional streams that each silent connection tries to fill. */
const UNI = 2;
/** Connections that open streams. */
const STREAMERS = 10;
/** Streams at once on one of them: what the hub grants before the welcome, or nearly what it grants a peer. */
const AT_ONCE = secret === undefined ? 8 : 1000;
/**
 * A stream is held until the hub ends it, and no longer than this, since it takes a slot that the next one needs. An
 * admitted peer has slots for all of them, and holds them for longer than the hub waits for a header.
 */
const HELD_MS = secret === undefined ? 200 : 12_000;
/** Pings a second on one connection, and how many go into one write. */
const PINGS = 2000;
const PINGS_EACH = 40;
/** The time that a hub grants for a hello. A connection that is closed earlier is made again after it. */
const PINGER_MS = 5_000;
/** A stream that the hub does not grant within this time is given up. */
const GRANT_MS = 5_000;
const CONNECT_MS = 10_000;
/** Not even a slow hub gets longer than this. */
const LIMIT_MS = 60_000;

const done = { streams: 0, refusedStreams: 0, connections: 0, refusedConnections: 0, pings: 0 };
// A handle that JavaScript forgets is closed (docs/binding-notes.md, "Streams").
const pinned = new Set<object>();
const pin = <T extends object>(handle: T): T => {
	pinned.add(handle);
	return handle;
};

const silent = await Promise.all(Array.from({ length: Math.ceil(connections / EACH) }, bind));
const pinging = await Promise.all(Array.from({ length: Math.ceil(pingers / EACH) }, bind));
const streamers = await Promise.all(Array.from({ length: STREAMERS }, bind));
const begun = performance.now();
const until = begun + seconds * 1000;
console.log("begun");
await Promise.all([
	...streamers.map((endpoint) => stream(endpoint, Math.ceil(streams / STREAMERS))),
	...Array.from({ length: connections }, (_, i) => beSilent(silent[Math.floor(i / EACH)] as Endpoint)),
	...Array.from({ length: pingers }, (_, i) => ping(pinging[Math.floor(i / EACH)] as Endpoint)),
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

/** A connection to the hub, or undefined if it was not made in time; counts both. */
async function connect(endpoint: Endpoint, timeoutMs: number): Promise<Connection | undefined> {
	const connecting = endpoint.connect(hub, ALPN);
	const connection = await Promise.race([connecting, Bun.sleep(timeoutMs)]).catch(() => undefined);
	if (connection) {
		done.connections++;
		return pin(connection);
	}
	done.refusedConnections++;
	connecting.then(
		(late) => late.close(0n, nativeBytes()),
		() => {},
	);
	return undefined;
}

/** Holds a connection that says nothing, and makes another when it ends, until the time is over. */
async function beSilent(endpoint: Endpoint): Promise<void> {
	const left = () => Math.max(0, until - performance.now());
	while (left() > 0) {
		const connection = await connect(endpoint, left());
		if (connection) {
			for (let i = 0; i < UNI; i++) void oneWay(connection);
			await Promise.race([connection.closed().catch(() => {}), Bun.sleep(left())]);
			connection.close(0n, nativeBytes());
			pinned.delete(connection);
		}
		// A few hundred in a second are already more than any honest network makes.
		await Bun.sleep(250 + Math.random() * 500);
	}
}

async function oneWay(connection: Connection): Promise<void> {
	try {
		const send = pin(await connection.openUni());
		for (let i = 0; i < 4; i++) await send.writeAll(RUBBISH[2] as number[]);
	} catch {
		// The hub has stopped the stream or closed the connection, as it should.
	}
}

/** Sends pings as fast as it means to on one connection after another, without a hello, until the time is over. */
async function ping(endpoint: Endpoint): Promise<void> {
	const line = `${JSON.stringify({ type: "ping", n: 1 })}\n`;
	const bytes = nativeBytes(line.repeat(PINGS_EACH));
	while (performance.now() < until) {
		const came = performance.now();
		const connection = await connect(endpoint, until - performance.now());
		if (!connection) continue;
		try {
			const { send, recv } = pin(await connection.openBi());
			pin(send);
			pin(recv);
			void drain(recv);
			await send.writeAll(nativeBytes("\x00hivemindp2p"));
			const begun = performance.now();
			for (let sent = 0; performance.now() < until; sent += PINGS_EACH) {
				await send.writeAll(bytes);
				done.pings += PINGS_EACH;
				await Bun.sleep(Math.max(0, begun + (sent * 1000) / PINGS - performance.now()));
			}
		} catch {
			// The hub has closed it, as it should.
		}
		connection.close(0n, nativeBytes());
		pinned.delete(connection);
		// Connecting faster than one that says nothing is another attack: see beSilent.
		await Bun.sleep(came + PINGER_MS + Math.random() * 1000 - performance.now());
	}
}

/** Reads what the hub answers, so that it may go on answering. */
async function drain(recv: BiStream["recv"]): Promise<void> {
	try {
		while ((await recv.read(64 * 1024)).length > 0);
	} catch {
		// The hub has closed it.
	}
}

/** Tries to open `count` streams, many at once, on one connection after another. */
async function stream(endpoint: Endpoint, count: number): Promise<void> {
	let left = count;
	while (left > 0 && performance.now() < begun + LIMIT_MS) {
		const connection = await connect(endpoint, CONNECT_MS);
		let over = connection === undefined;
		void connection
			?.closed()
			.catch(() => {})
			.then(() => (over = true));
		const lane = async () => {
			while (!over && left > 0 && performance.now() < begun + LIMIT_MS) {
				const kind = left--;
				// The connection ended before this stream was tried: the next connection tries it.
				if (!(await rubbish(connection as Connection, kind))) left++;
			}
		};
		try {
			if (connection && secret !== undefined) await hello(connection);
			await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, lane));
		} catch {
			// It was closed before it was admitted.
		}
		if (connection) pinned.delete(connection);
		if (over) await Bun.sleep(100);
	}
}

async function hello(connection: Connection): Promise<void> {
	const { send, recv } = pin(await connection.openBi());
	pin(send);
	pin(recv);
	const text = JSON.stringify({ type: "hello", v: 1, name: "hostile", program: "0", secret });
	await send.writeAll(nativeBytes(`\x00hivemindp2p${text}\n`));
	await recv.read(1024);
}

/** One stream, of one of the four kinds. False if the connection ended before it was granted or refused. */
async function rubbish(connection: Connection, kind: number): Promise<boolean> {
	const opening = connection.openBi();
	const bi = await Promise.race([opening, Bun.sleep(GRANT_MS)]).catch(() => null);
	if (bi === null) return false;
	if (bi) {
		done.streams++;
		await fill(bi, kind % RUBBISH.length);
		return true;
	}
	done.refusedStreams++;
	// If it is granted later, it would hold its slot forever.
	opening.then(
		({ send }) => send.reset(7n),
		() => {},
	);
	return true;
}

/** Writes the rubbish, waits a moment for the hub's reaction, and frees the slot. */
async function fill({ send, recv }: BiStream, kind: number): Promise<void> {
	pin(send);
	pin(recv);
	const writing = send.writeAll(RUBBISH[kind] as number[]).catch(() => {});
	if (kind === 3) await writing;
	else await Promise.race([writing.then(() => recv.read(16)).catch(() => {}), Bun.sleep(HELD_MS)]);
	await send.reset(7n).catch(() => {});
	pinned.delete(send);
	pinned.delete(recv);
}
