// How a peer introduces itself to a hub and reacts to the hub's messages, however they are cut into pieces, over a
// connection whose other end is a fake (far-hub.ts). When another connection is looked for: uplink.test.ts.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { HivemindError } from "../../../src/base/errors.ts";
import { localMarks } from "../../../src/base/local-marks.ts";
import { NotShared } from "../../../src/peer/failed-connections.ts";
import { Denied, HubSession, NotResumed } from "../../../src/peer/hub-session.ts";
import * as control from "../../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX } from "../../../src/protocol/limits.ts";
import type { Connection } from "../../../src/transport/connection.ts";
import { HELLO_MS, PING_MS } from "../../../src/transport/limits.ts";
import { Clock, FarConnection, type HubBehaviour } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

let clock: Clock;
let connection: FarConnection;
let session: HubSession;
/** What the session reported, in order. */
let events: string[];

beforeEach(() => {
	clock = new Clock();
	events = [];
});

afterEach(() => {
	connection.lose("the test is over");
	clock.restore();
});

/** Introduces the peer to a hub; resolves with what went wrong, if anything did. */
async function introduce(
	behaviour: HubBehaviour = {},
	secret?: string,
	resume?: control.Resume,
): Promise<HivemindError | undefined> {
	connection = new FarConnection(behaviour);
	session = new HubSession(connection as unknown as Connection);
	const introducing = session.introduce(
		{ name: "me", secret, ...(resume && { resume }) },
		{
			onBye: ({ goodbye }) => events.push(`bye: ${goodbye}`),
			onServices: ({ services }) => events.push(`services: ${services.map(({ up }) => up)}`),
		},
	);
	const outcome = introducing.then(
		() => undefined,
		(error: unknown) => error as HivemindError,
	);
	await turn();
	if (behaviour.says === "nothing") await clock.pass(HELLO_MS);
	return outcome;
}

const BACKEND = { port: 2, name: "backend", scheme: "http" as const, address: "127.0.0.1:8000" };
const backend = () => session.services.find(({ name }) => name === "backend");

test("messages in one packet with the welcome are not lost, and count as newer", async () => {
	const services = [{ ...BACKEND, up: false }];
	await introduce({
		also: [
			{ type: "services", services },
			{ type: "bye", reason: "the hub was stopped" },
		],
	});
	expect(backend()?.up).toBe(false);
	expect(session.goodbye).toBe("the hub was stopped");
	expect(events).toEqual(["services: true,false,true", "bye: the hub was stopped"]);
});

test("only the hub's first goodbye counts", async () => {
	await introduce();
	connection.say({ type: "bye", reason: "first" }, { type: "bye", reason: "second" });
	await turn();
	expect(session.goodbye).toBe("first");
});

test("the hello has marks of the addresses that the peer listens on, and no address", async () => {
	const said: string[] = [];
	using _ = spyOn(control, "encodeMessage").mockImplementation((message) => {
		const line = `${JSON.stringify(message)}\n`;
		said.push(line);
		return Buffer.from(line);
	});
	connection = new FarConnection();
	session = new HubSession(Object.assign(connection, { id: "the hub's id" }) as unknown as Connection);
	const listening = [3000, 8000, 4000].map((port) => ({ host: "127.0.0.1", port }));
	const introduction = { name: "me", secret: undefined, listening: () => listening };
	await session.introduce(introduction, { onBye() {}, onServices() {} });
	const [hello = ""] = said;
	expect(JSON.parse(hello)).toEqual({
		type: "hello",
		v: 1,
		name: "me",
		program: expect.any(String),
		listens: listening.flatMap((address) => localMarks(address, "the hub's id")),
		zstd: true,
	});
	expect(hello).not.toContain("127.0.0.1");
	await introduce();
	expect(JSON.parse(said.findLast((line) => line.includes("hello")) ?? "")).not.toHaveProperty("listens");
});

test("a peer that listens elsewhere than its hello has said tells the hub, once for each change", async () => {
	const said: control.Message[] = [];
	const { encodeMessage } = control;
	using _ = spyOn(control, "encodeMessage").mockImplementation((message) => {
		said.push(message);
		return encodeMessage(message);
	});
	connection = new FarConnection();
	session = new HubSession(Object.assign(connection, { id: "hub" }) as unknown as Connection);
	const at = (port: number) => ({ host: "127.0.0.1", port });
	const introduction = { name: "me", secret: undefined, listening: () => [at(3000)] };
	await session.introduce(introduction, { onBye() {}, onServices() {} });
	for (const ports of [[3000], [3000, 5433], [3000, 5433], []]) session.tellListening(ports.map(at));
	await turn();
	expect(said.filter(({ type }) => type === "listens")).toEqual([
		{ type: "listens", listens: [3000, 5433].flatMap((port) => localMarks(at(port), "hub")) },
		{ type: "listens", listens: [] },
	]);
});

describe("the services of a hub", () => {
	const service = (port: number, name: string, up = true) =>
		({ port, name, scheme: "tcp", address: "127.0.0.1:1", up }) as const;

	test("are found by their name, whatever their port id", async () => {
		await introduce({ services: [service(7, "db")] });
		const opening = spyOn(connection, "openStream");
		await session.openStream("db", 1000);
		expect(opening.mock.calls).toEqual([[7, 1000]]);
		expect(await session.openStream("web", 1000).catch((error: unknown) => error)).toBeInstanceOf(NotShared);
	});

	test("do not change within its run, but for whether they are up", async () => {
		await introduce({ services: [service(4, "db"), service(5, "web")] });
		connection.say({ type: "services", services: [service(9, "web", false), service(6, "evil")] });
		await turn();
		expect(session.services.map(({ portId, name, up }) => [portId, name, up])).toEqual([
			[4, "db", true],
			[5, "web", false],
		]);
	});

	test("with a reserved port id are left out", async () => {
		await introduce({ services: [0, 1, 127, 128, 300].map((port) => service(port, `s${port}`)) });
		expect(session.services.map(({ portId }) => portId)).toEqual([1, 127]);
	});
});

describe("a resume token", () => {
	const resume = { id: "a".repeat(64), token: "t".repeat(43) };

	test("of the welcome is kept; a hub that knows none gives none", async () => {
		await introduce({ token: "t".repeat(43) });
		expect(session.token).toBe("t".repeat(43));
		await introduce();
		expect(session.token).toBeUndefined();
	});

	test("is presented with the id that it belongs to", async () => {
		await introduce({}, undefined, resume);
		expect(connection.hello?.resume).toEqual(resume);
		await introduce();
		expect(connection.hello).not.toHaveProperty("resume");
	});

	test("that the hub does not know is no denial of the peer, and the error does not show it", async () => {
		const error = await introduce({ says: "not resumed" }, undefined, resume);
		expect(error).toBeInstanceOf(NotResumed);
		expect(error).not.toBeInstanceOf(HivemindError);
		expect(error?.message).not.toContain(resume.token);
	});

	test("that was not presented cannot be unknown: a hub that says so denies the peer", async () => {
		expect(await introduce({ says: "not resumed" })).toMatchObject({ code: "denied" });
	});
});

describe("a hub without a control stream, of the original program,", () => {
	test("is used without one, and is as silent as its path is gone", async () => {
		expect(await introduce({ says: "refuses" })).toBeUndefined();
		await clock.pass(60_000);
		expect(session.silentFor()).toBeLessThanOrEqual(0);
		connection.pathAt = clock.now;
		await clock.pass(1234);
		expect(session.silentFor()).toBe(1234);
	});

	test("has the three services with their fixed port ids, of which nothing else is known", async () => {
		await introduce({ says: "refuses" });
		expect(session.name).toBeUndefined();
		expect(session.services.map(({ portId, name, address, up }) => [portId, name, address, up])).toEqual([
			[1, "frontend", undefined, undefined],
			[2, "backend", undefined, undefined],
			[3, "websocket", undefined, undefined],
		]);
		session.tellListening([{ host: "127.0.0.1", port: 3000 }]);
	});

	test("is not used when the ticket has a secret", async () => {
		const error = await introduce({ says: "refuses" }, "a".repeat(26));
		expect(error).toBeInstanceOf(HivemindError);
		expect(error).toMatchObject({ code: "unreachable" });
	});
});

test("a ticket that lost its secret while being copied is recognised, and not called outdated", async () => {
	const old = await introduce({ says: "denied" }, "a".repeat(26));
	expect(old).toBeInstanceOf(Denied);
	expect(old).toMatchObject({ oldTicket: true, hint: "Ask for a new ticket or join code." });
	connection.lose("the next one");
	const cut = await introduce({ says: "denied" });
	expect(cut?.code).toBe("denied");
	expect(cut?.hint).toContain("copy the whole line after 'Ticket:'");
});

test.each([
	["secret", true],
	["expired", true],
	["a reason of a newer version", true],
	["constructor", true],
	["full", false],
	["id", false],
	["once", false],
	["rate", false],
	["version", false],
])("a denial because of '%s': another ticket may help: %p", (reason, oldTicket) => {
	const denied = new Denied({ type: "denied", reason, message: "no" }, "a".repeat(26));
	expect(denied.oldTicket).toBe(oldTicket);
	expect(denied.hint).toBeString();
});

test("the session knows what the hub says about itself, and nothing of a hub of the original program", async () => {
	await introduce({ also: [] });
	expect(session.name).toBe("hub");
	connection.lose("the next one");
	await introduce({ says: "refuses" });
	expect(session).toMatchObject({ name: undefined, lasting: undefined });
});

describe("a hub that does not answer the hello", () => {
	test("is given five seconds", async () => {
		const begun = clock.now;
		const error = await introduce({ says: "nothing" });
		expect(clock.now - begun).toBe(HELLO_MS);
		expect(error).toMatchObject({ code: "unreachable", message: "The hub did not answer this peer's hello." });
	});

	test("but closes the connection: the error gives the hub's reason", async () => {
		const outcome = introduce({ says: "nothing" });
		connection.lose("the hub was stopped");
		const error = await outcome;
		expect(error).toMatchObject({
			code: "unreachable",
			message: "The hub closed the connection before admitting this peer: the hub was stopped.",
		});
	});

	test("and closes the connection before the hello was sent: the error gives the hub's reason, too", async () => {
		connection = new FarConnection();
		connection.lose("too many connections at once");
		session = new HubSession(connection as unknown as Connection);
		const introducing = session.introduce({ name: "me", secret: undefined }, { onBye() {}, onServices() {} });
		const error = await introducing.catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(HivemindError);
		expect(String(error)).toContain("too many connections at once");
	});
});

describe("a hub that breaks the protocol after its welcome", () => {
	for (const [what, bytes] of [
		["garbage", "\xff\xfe\n"],
		["a line that never ends", "x".repeat(CONTROL_LINE_MAX + 1)],
		["invalid services", '{"type":"services","services":[1]}\n'],
	] as const) {
		test(`by ${what}: the connection is closed with the reason`, async () => {
			await introduce();
			connection.babble(new Uint8Array(Buffer.from(bytes, "latin1")));
			await turn();
			expect(connection.closedWith).toMatch(/^a (control line|service) is /);
		});
	}

	test("by a flood of pings: the connection is closed with the reason", async () => {
		await introduce();
		for (let i = 0; i < 50; i++)
			connection.say(...Array.from({ length: 50 }, (_, n) => ({ type: "ping" as const, n })));
		await turn();
		expect(connection.closedWith).toBe("too many control messages");
	});
});

test("time in which the peer itself was suspended does not count as silence of the hub", async () => {
	await introduce();
	connection.answering = false;
	await clock.pass(2 * PING_MS);
	const before = session.silentFor();
	expect(before).toBeGreaterThanOrEqual(PING_MS);
	clock.stall(60_000);
	await clock.pass(PING_MS);
	expect(session.silentFor()).toBeGreaterThanOrEqual(before);
	expect(session.silentFor()).toBeLessThanOrEqual(before + PING_MS);
});

test("a hub that only answers pings is not lost", async () => {
	await introduce();
	const closing = connection.closed;
	await clock.pass(60_000);
	expect(await settled(closing)).toBe(false);
	expect(session.silentFor()).toBeLessThanOrEqual(PING_MS);
	expect(events).toEqual([]);
});
