// Any bytes as a stream header, as a hello and as control lines, against a real hub over real iroh: each gets a valid
// answer or an orderly end, and a good peer works afterwards. FUZZ_CASES sets how many (test/support/cases.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { teamPolicy } from "../../src/hub/admission.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { ORIGINAL_SERVICES } from "../../src/protocol/services.ts";
import { decodeHeader, HEADER_LENGTH } from "../../src/protocol/stream-header.ts";
import { liveHandles } from "../../src/transport/iroh.ts";
import { cases } from "../support/cases.ts";
import { handlesSettle } from "../support/handles.ts";
import { nativeBytes } from "../support/native-bytes.ts";
import { Puppet, type PuppetServer } from "../support/puppet.ts";
import { header, hello, type RawConnection, RawPeer } from "../support/raw-peer.ts";
import { LOOPBACK, type RunningHub, startHub, startPeer } from "../support/tunnel.ts";

const CASES = cases(300);
/** Cases with a connection of their own wait until the hub closes it: this many run at once, and never a million. */
const AT_ONCE = 30;
const ROUNDS = Math.ceil(Math.min(CASES, 50_000) / 5 / AT_ONCE);
/** Peers that make these connections: each id is allowed four. */
const PEERS = AT_ONCE / 3;
const TIMEOUT = 60_000 + CASES * 50;
const SECRET = newSecret();

/** The reasons for which the hub or the test closes a connection. Anything else is an unexpected error. */
const ORDERLY =
	/^(closed by peer: )?(a control |a service is not an object|too many |no valid hello in time|denied: |the control stream ended|closed$|LocallyClosed|locally closed)/i;

let puppet: Puppet;
let service: PuppetServer;
let hub: RunningHub;
let raw: RawPeer;
let peers: RawPeer[];
let handles: number;
/** Uncaught errors; there must be none. */
const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);

beforeAll(async () => {
	puppet = new Puppet();
	service = await puppet.listen();
	raw = await RawPeer.make();
	peers = await Promise.all(Array.from({ length: PEERS }, () => RawPeer.make()));
	hub = await startHub([service.port], LOOPBACK, teamPolicy(SECRET));
	handles = liveHandles();
	process.on("unhandledRejection", note);
	process.on("uncaughtException", note);
});

afterAll(async () => {
	process.off("unhandledRejection", note);
	process.off("uncaughtException", note);
	await hub.stop();
	await Promise.all([raw, ...peers].map((peer) => peer[Symbol.asyncDispose]()));
	await puppet[Symbol.asyncDispose]();
});

/** Expects that the hub serves a good peer and that no error went uncaught. */
async function unharmed(): Promise<void> {
	const peer = await startPeer(hub.ticket);
	const accepting = service.accept();
	const client = await puppet.connect(peer.ports[0] as number);
	const server = await accepting;
	await client.write("hello");
	expect((await server.received(5)).head).toBe("hello");
	await Promise.all([client.end(), server.end()]);
	await Promise.all([client.closed(), server.closed()]);
	await peer.stop();
	// Streams that have ended on the wire end here once they are acknowledged; test/support/setup.ts waits for that.
	expect(uncaught).toEqual([]);
}

/** A connection that is used until the hub closes it. */
class Reused {
	#current: RawConnection | undefined;
	#secret: string | undefined;

	constructor(secret: string | undefined) {
		this.#secret = secret;
	}

	async get(): Promise<RawConnection> {
		const current = this.#current;
		if (current?.native.closeReason() === null) return current;
		const next = await raw.connect(hub.ticket);
		this.#current = next;
		if (this.#secret !== undefined) await (await next.control(hello(this.#secret))).until("welcome");
		return next;
	}

	async close(): Promise<void> {
		this.#current?.close();
		await this.#current?.closed;
	}
}

// --- what is sent ---

const bytes = fc.uint8Array({ maxLength: 64 }).map((it) => [...it]);
/** A real header with a mistake in it; port id 0 would open the connection's control stream. */
const nearHeader = fc
	.tuple(fc.integer({ min: 1, max: 255 }), fc.nat(12), fc.nat(2), bytes)
	.map(([port, at, cut, more]) => {
		const all = header(port === 1 ? 9 : port);
		all.splice(at, cut, ...more);
		return all;
	});
const isHeader = (bytes: number[]): boolean => {
	const portId = decodeHeader(Uint8Array.from(bytes.slice(0, HEADER_LENGTH)));
	return ORIGINAL_SERVICES.some((service) => service.portId === portId);
};
const start = fc
	.record({ bytes: fc.oneof(bytes, nearHeader), end: fc.constantFrom("finish" as const, "reset" as const) })
	// Not a control stream, nor by chance (one case in a million) a service's, which would wait for that service.
	.filter(({ bytes }) => bytes[0] !== 0 && !(bytes.length >= HEADER_LENGTH && isHeader(bytes)));

const odd = fc.oneof(
	fc.jsonValue({ maxDepth: 2 }),
	fc.constantFrom<unknown>(-1, 0.5, 1e300, "", "\u0000\u001b[2J", "\ud800", "x".repeat(500), null, [], {}),
	fc.constant(SECRET),
);
const json = fc
	.record(
		{
			type: fc.oneof(
				fc.constantFrom<unknown>(..."hello welcome denied ping pong reset bye services newer __proto__".split(" ")),
				odd,
			),
			...Object.fromEntries(
				"v name program secret listens resume services reason message n stream".split(" ").map((key) => [key, odd]),
			),
		},
		{ requiredKeys: ["type"] },
	)
	.map((it) => `${JSON.stringify(it)}\n`);
const good = fc.constantFrom(
	hello(SECRET),
	hello(SECRET, { listens: new Array(100).fill("0".repeat(32)) }),
	hello(SECRET, { resume: { id: "0".repeat(64), token: "x".repeat(43) } }),
	'{"type":"ping","n":1}\n',
	'{"type":"reset","stream":"client bidirectional stream 0"}\n',
	'{"type":"bye","reason":"so long"}\n',
	'{"type":"newer"}\n',
	"\n",
	`${"x".repeat(5000)}\n`,
	`${"[".repeat(4000)}\n`,
	'{"type":"ping","n":1}\n'.repeat(3000),
);
const control = fc.array(
	fc.oneof(
		json.map((text) => [...Buffer.from(text)]),
		good.map((text) => [...Buffer.from(text)]),
		bytes,
	),
	{ maxLength: 6 },
);
const end = fc.constantFrom("finish" as const, "reset" as const, "close" as const);

/** Expects that a stream without a service is refused with one byte, unless it was reset. */
async function refused(connection: RawConnection, from: { bytes: number[]; end: "finish" | "reset" }): Promise<void> {
	const bi = await connection.open(from.bytes);
	try {
		if (from.end === "reset") {
			await bi.send.reset(7n);
			await bi.recv.stop(7n);
			return;
		}
		await bi.send.finish().catch(() => {});
		expect([...(await bi.recv.readToEnd(10))]).toEqual([0x00]);
	} finally {
		connection.forget(bi);
	}
}

/** Makes a connection whose control stream sends these bytes and ends like this; resolves with why it ended. */
async function converse(peer: RawPeer, first: string, pieces: number[][], how: string): Promise<string> {
	const connection = await peer.connect(hub.ticket);
	try {
		const bi = await connection.open(header(0, first));
		for (const piece of pieces) if (piece.length > 0) await bi.send.writeAll(nativeBytes(piece));
		if (how === "finish") await bi.send.finish();
		else if (how === "reset") {
			// Only once the hub has the stream: it never sees one that is reset earlier.
			await bi.recv.read(1);
			await bi.send.reset(7n);
		}
	} catch {
		// The hub has closed it already.
	}
	if (how === "close") connection.close();
	return connection.closed;
}

test(
	"any bytes as a header, from an admitted peer: the stream is refused with one byte, and the connection goes on",
	async () => {
		const inside = new Reused(SECRET);
		await fc.assert(
			fc.asyncProperty(start, async (from) => refused(await inside.get(), from)),
			{ numRuns: CASES },
		);
		expect((await inside.get()).native.closeReason()).toBeNull();
		await inside.close();
		await unharmed();
	},
	TIMEOUT,
);

test(
	"any bytes as a header, from a stranger: the stream is refused with one byte, until the time for a hello is over",
	async () => {
		const stranger = new Reused(undefined);
		await fc.assert(
			fc.asyncProperty(start, async (from) => {
				const connection = await stranger.get();
				await refused(connection, from).catch(async (error: Error) => {
					// The five seconds for a hello may be over in the middle of a case.
					if (connection.native.closeReason() === null) throw error;
					await connection.endedFor("no valid hello in time");
				});
			}),
			{ numRuns: CASES },
		);
		await stranger.close();
		await unharmed();
	},
	TIMEOUT,
);

for (const [who, first] of [
	["a stranger", ""],
	["an admitted peer", hello(SECRET)],
] as const) {
	test(
		`any control lines from ${who}: the connection ends with one of the protocol's reasons`,
		async () => {
			const many = fc.array(fc.record({ pieces: control, how: end }), { minLength: AT_ONCE, maxLength: AT_ONCE });
			await fc.assert(
				fc.asyncProperty(many, async (all) => {
					const endings = await Promise.all(
						all.map(({ pieces, how }, i) => converse(peers[i % PEERS] as RawPeer, first, pieces, how)),
					);
					for (const ending of endings) expect(ending).toMatch(ORDERLY);
				}),
				{ numRuns: ROUNDS },
			);
			await unharmed();
		},
		TIMEOUT,
	);
}

test("no handle is left after all of these", async () => {
	// The hub's own endpoint was open before; other handles may still wait for an acknowledgement.
	await handlesSettle(handles);
	expect(liveHandles()).toBe(handles);
});
