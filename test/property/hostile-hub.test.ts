// A hub that sends anything, cut into any pieces: the peer is admitted, or gets the reason in one clean line, or its
// connection ends with a reason. It never gets another error, never hangs, and leaves nothing running. Whatever services
// it lists, the peer opens no more ports than services are allowed, and on loopback only.
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { HivemindError } from "../../src/base/errors.ts";
import { REMOTE_TEXT_MAX } from "../../src/base/limits.ts";
import * as owners from "../../src/base/port-owner.ts";
import * as tcp from "../../src/forward/tcp.ts";
import type { PeerEvent } from "../../src/peer/events.ts";
import { HubFollower } from "../../src/peer/hub-follower.ts";
import type { HubService } from "../../src/peer/hub-services.ts";
import { HubSession, NotResumed } from "../../src/peer/hub-session.ts";
import { LocalPorts } from "../../src/peer/local-ports.ts";
import { ServiceStatus } from "../../src/peer/service-status.ts";
import { encodeMessage, type Message } from "../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX, SERVICES_MAX } from "../../src/protocol/limits.ts";
import { SCHEMES } from "../../src/protocol/services.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { HELLO_MS, PING_MS } from "../../src/transport/limits.ts";
import { cases } from "../support/cases.ts";
import { Clock, FarConnection } from "../support/far-hub.ts";
import { settled, turn } from "../support/native-halves.ts";

let clock: Clock;
beforeAll(() => {
	clock = new Clock();
});
afterAll(() => clock.restore());

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const nasty = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.constant("\x1b[2J\r\nPeer 'x' left"));
const service = fc.record({
	port: fc.nat(5),
	name: fc.oneof(nasty, fc.constantFrom("frontend", "backend", "websocket", "db")),
	scheme: fc.constantFrom(...SCHEMES),
	address: nasty,
	up: fc.boolean(),
});
const message: fc.Arbitrary<Message> = fc.oneof(
	fc.record(
		{
			type: fc.constant("welcome" as const),
			v: fc.nat(3),
			name: nasty,
			program: nasty,
			resume: nasty,
			services: fc.array(service, { maxLength: 4 }),
		},
		{ requiredKeys: ["type", "v", "name", "program", "services"] },
	),
	fc.record({
		type: fc.constant("denied" as const),
		reason: fc.oneof(nasty, fc.constant("resume")),
		message: nasty,
	}),
	fc.record({ type: fc.constant("bye" as const), reason: nasty }),
	fc.record({ type: fc.constantFrom("ping" as const, "pong" as const), n: fc.nat() }),
	fc.record({ type: fc.constant("reset" as const), stream: nasty }),
	fc.record({ type: fc.constant("services" as const), services: fc.array(service, { maxLength: 4 }) }),
);
const said = fc.oneof(
	{ weight: 4, arbitrary: message.map(encodeMessage) },
	{ weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }).map((value) => bytes(`${JSON.stringify(value)}\n`)) },
	{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
	{ weight: 1, arbitrary: fc.nat(2 * CONTROL_LINE_MAX).map((length) => new Uint8Array(length).fill(0x20)) },
);

const token = fc.option(fc.constant({ id: "a".repeat(64), token: "t".repeat(43) }), { nil: undefined });

const CLEAN = new RegExp(`^[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]{0,${2 * REMOTE_TEXT_MAX}}$`, "u");

const wordsOf = (services: readonly HubService[]) => services.flatMap(({ name, address = "" }) => [name, address]);

test("whatever a hub sends, the peer is admitted, gets the reason in one clean line, or loses the connection with a reason", async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(said, { maxLength: 8 }),
			fc.nat(7),
			fc.boolean(),
			token,
			async (all, pause, ends, resume) => {
				const connection = new FarConnection({ says: "nothing" });
				const session = new HubSession(connection as unknown as Connection);
				const words: string[] = [];
				const introducing = session.introduce(
					{ name: "me", secret: undefined, ...(resume && { resume }) },
					{
						onBye: ({ goodbye = "" }) => words.push(goodbye),
						onServices: ({ services }) => words.push(...wordsOf(services)),
					},
				);
				const outcome = introducing.then(
					() => undefined,
					(error: unknown) => error,
				);
				await turn();
				for (const [i, piece] of all.entries()) {
					connection.babble(piece);
					if (i === pause) await turn();
				}
				await turn();
				if (ends) connection.lose("the hub is gone");
				await clock.pass(HELLO_MS);
				expect(await settled(outcome), "an answer within HELLO_MS").toBe(true);
				const error = await outcome;
				if (error !== undefined) {
					// Without a token there is nothing that a hub could not know.
					if (error instanceof NotResumed) expect(resume).toBeDefined();
					else expect(error).toBeInstanceOf(HivemindError);
					const { code = "denied", message: text } = error as HivemindError;
					expect(["denied", "unreachable"]).toContain(code);
					expect(text).toMatch(CLEAN);
				} else words.push(...wordsOf(session.services));
				for (const word of words) expect(word).toMatch(CLEAN);
				if (connection.closedWith !== undefined) expect(connection.closedWith).toMatch(CLEAN);
				connection.lose("the test is over");
				await clock.pass(2 * PING_MS);
				expect(clock.intervals, "pings left running").toBe(0);
			},
		),
		{ numRuns: cases(500) },
	);
}, 3_600_000);

/** Names that meet those of other lists and of the options, and any others that may be sent. */
const name = fc.oneof(
	fc.constantFrom("frontend", "backend", "websocket", "db", "web"),
	fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/),
);
const address = fc.oneof(
	fc.constantFrom(1, 80, 1023, 3000, 3001, 8000, 4000, 65_535).map((port) => `127.0.0.1:${port}`),
	fc.constantFrom("0.0.0.0:3000", "[::]:80", "x:0", "x:65536", "x:99999999", "x:-1", "", ":", "x:1e3", "a b:22"),
	nasty,
);
const list = fc.uniqueArray(fc.record({ name, scheme: fc.constantFrom(...SCHEMES), address, up: fc.boolean() }), {
	selector: ({ name }) => name,
	maxLength: SERVICES_MAX + 1,
	size: "max",
});
const local = fc.constantFrom(
	{ host: "localhost", port: 0 },
	{ host: "localhost", port: 3000 },
	{ host: "::1", port: 8080 },
);
const choices = fc.record({
	binds: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, fc.dictionary(fc.constantFrom("db", "frontend"), local)),
	only: fc.option(fc.uniqueArray(name, { maxLength: 8 }), { nil: undefined, freq: 8 }),
	strict: fc.oneof({ weight: 7, arbitrary: fc.constant(false) }, fc.constant(true)),
});

test("whatever services a hub lists, and however often, at most 32 ports are open, on loopback only, and each is somebody's", async () => {
	const open = new Set<string>();
	let free = 50_000;
	let refused: ReadonlySet<number> = new Set();
	using _owners = spyOn(owners, "listenersOn").mockReturnValue([]);
	using _listen = spyOn(tcp, "listen").mockImplementation(({ host, port: asked }) => {
		const port = asked || free++;
		const key = `${host} ${port}`;
		// Not for root, and not twice.
		const code = port < 1024 ? "EACCES" : refused.has(port) || open.has(key) ? "EADDRINUSE" : undefined;
		if (code) throw Object.assign(new Error("no"), { code });
		open.add(key);
		return { address: { host, port }, stop: () => void open.delete(key) };
	});
	await fc.assert(
		fc.asyncProperty(
			choices,
			fc.array(list, { minLength: 1, maxLength: 4 }),
			fc.uniqueArray(fc.constantFrom(3000, 3001, 8000, 4000, 10_080), { maxLength: 5 }),
			async ({ binds, only, strict }, lists, taken) => {
				refused = new Set(taken);
				const wanted = { binds: new Map(Object.entries(binds)), only: only && new Set(only), strict, ask: undefined };
				const events: PeerEvent[] = [];
				const emit = (event: PeerEvent) => void events.push(event);
				const status = new ServiceStatus(emit);
				const ports = new LocalPorts(wanted, () => {});
				const follower = new HubFollower({ ports, choices: wanted, status, emit });
				let failure: unknown;
				follower.failed.catch((error: unknown) => {
					failure = error;
				});
				try {
					ports.openEarly();
				} catch (error) {
					failure = error;
				}
				for (const [i, services] of lists.entries()) {
					if (failure) break;
					const listed = services.map((service, port) => ({ ...service, port: (i * 7 + port) % 140 }));
					const connection = new FarConnection({ services: listed });
					const session = new HubSession(connection as unknown as Connection);
					const greeting = session.introduce({ name: "me", secret: undefined }, { onBye() {}, onServices() {} });
					const admitted = greeting.then(
						() => true,
						() => false,
					);
					await turn();
					if (await settled(admitted)) follower.heard(session.services);
					connection.lose("the next one");
					if (await admitted) await turn();
					if (i === 0) await Promise.race([follower.settle(), follower.failed]).catch(() => {});
					if (!failure && (await admitted)) {
						const names = new Set(ports.wanted.map(({ name }) => name));
						expect(new Set(ports.services().map(({ name }) => name))).toEqual(names);
						expect(open.size).toBe(ports.addresses().length);
						expect(ports.services().length).toBeLessThanOrEqual(SERVICES_MAX);
					}
					expect(open.size).toBeLessThanOrEqual(2 * SERVICES_MAX);
					for (const key of open) expect(key).toMatch(/^(127\.0\.0\.1|::1) \d{4,5}$/);
				}
				if (failure) expect(failure).toBeInstanceOf(HivemindError);
				status.close();
				ports.close();
				expect(open.size).toBe(0);
				await clock.pass(2 * PING_MS);
			},
		),
		{ numRuns: cases(300) },
	);
}, 3_600_000);
