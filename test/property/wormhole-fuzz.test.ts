// Frames that no working client or server sends, against the client's state machine and the mailbox server: no
// exception, no growth, no ticket. FUZZ_CASES sets how many for each; `bun run soak` runs a million.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PHASES_MAX } from "../../src/wormhole/client/limits.ts";
import { begin, step } from "../../src/wormhole/client/machine.ts";
import { pakeBody } from "../../src/wormhole/client/payload.ts";
import { start } from "../../src/wormhole/client/spake2.ts";
import type { Event } from "../../src/wormhole/client/state.ts";
import { parseServerMessage } from "../../src/wormhole/messages.ts";
import { SERVER_ERRORS_MAX, SERVER_MAILBOXES_MAX } from "../../src/wormhole/server/limits.ts";
import { Rendezvous } from "../../src/wormhole/server/rendezvous.ts";
import { cases } from "../support/cases.ts";
import { offer, redeem, secrets } from "../support/wormhole-world.ts";

const CASES = cases(20_000);
/** Frames in one case: enough for a client to reach an open mailbox. */
const FRAMES = 20;
const numRuns = Math.ceil(CASES / FRAMES);

const value = fc.oneof(
	{ weight: 4, arbitrary: fc.constantFrom<unknown>("1", "5", "a", "box", "pake", "version", "0", "x".repeat(65)) },
	{ weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
	{ weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, 0, -1, 1e300, "", "\u0000", "\ud800", {}, []) },
);
const hex = fc.uint8Array({ maxLength: 80 }).map((bytes) => bytes.toHex());

/** Messages with valid field names, some fields wrong or missing. */
const clientJson = fc.record(
	{
		type: fc.constantFrom<unknown>(
			..."bind allocate claim open add release close list ping submit-permissions constructor".split(" "),
			7,
		),
		appid: value,
		side: value,
		nameplate: value,
		mailbox: value,
		phase: value,
		body: fc.oneof(hex, value),
		mood: value,
		ping: value,
		id: value,
	},
	{ requiredKeys: ["type"] },
);
const somePake = fc.nat(5).map((seed) => pakeBody(start("5-hamburger-endorse", "app", BigInt(seed)).message));
const serverJson = fc.record(
	{
		type: fc.constantFrom<unknown>(
			..."welcome allocated claimed message message message released closed pong error nameplates ack".split(" "),
			null,
		),
		welcome: fc.oneof(
			fc.constant<unknown>({}),
			value,
			fc.record(
				{
					motd: value,
					error: value,
					"permission-required": fc.oneof(value, fc.record({ hashcash: fc.record({ bits: value, resource: value }) })),
				},
				{ requiredKeys: [] },
			),
		),
		nameplate: value,
		mailbox: value,
		side: fc.oneof(value, fc.constant(secrets(1).side)),
		phase: value,
		body: fc.oneof(hex, somePake, value),
		pong: value,
		error: value,
	},
	{ requiredKeys: ["type"] },
);

/** As JSON, damaged JSON, or bytes. */
function frame(json: fc.Arbitrary<object>): fc.Arbitrary<string | Uint8Array> {
	const text = json.map((object) => JSON.stringify(object));
	return fc.oneof(
		{ weight: 8, arbitrary: text },
		{ weight: 1, arbitrary: text.map((json) => new TextEncoder().encode(json)) },
		{ weight: 1, arbitrary: fc.tuple(text, fc.nat()).map(([json, at]) => json.slice(0, at % json.length)) },
		{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
		{ weight: 1, arbitrary: fc.string({ maxLength: 60, unit: "binary" }) },
	);
}

const clientEvent: fc.Arbitrary<Event | string | Uint8Array> = fc.oneof(
	{ weight: 20, arbitrary: frame(serverJson) },
	{
		weight: 2,
		arbitrary: fc.constantFrom<Event>(
			{ type: "connected" },
			{ type: "dropped" },
			{ type: "stamped", stamp: "1:0:" },
			{ type: "timer", name: "setup" },
			{ type: "timer", name: "exchange" },
			{ type: "timer", name: "close" },
		),
	},
);

const OPENING: Event[] = [
	{ type: "connected" },
	{ type: "message", message: { type: "welcome", permission: { method: "none" } } },
	{ type: "message", message: { type: "allocated", nameplate: "5" } },
	{ type: "message", message: { type: "claimed", mailbox: "box" } },
];

test("no frame from a server makes a client crash, grow or accept a ticket", () => {
	fc.assert(
		fc.property(
			fc.array(clientEvent, { minLength: FRAMES, maxLength: FRAMES }),
			fc.boolean(),
			fc.nat(OPENING.length),
			(events, hub, opening) => {
				let state = begin(hub ? offer(1) : redeem(1, "5-hamburger-endorse"));
				let done = 0;
				for (const input of [...OPENING.slice(0, opening), ...events]) {
					let event: Event;
					if (typeof input === "string" || input instanceof Uint8Array) {
						const message = parseServerMessage(input);
						if (!message) continue;
						event = { type: "message", message };
					} else event = input;
					const next = step(state, event);
					state = next.state;
					expect(next.effects.length).toBeLessThan(16);
					done += next.effects.filter(({ type }) => type === "done").length;
				}
				expect(done).toBeLessThanOrEqual(1);
				expect(done === 1).toBe(state.ending?.stage === "done");
				expect(state.theirs.length).toBeLessThanOrEqual(PHASES_MAX);
				expect(state.mine.length).toBeLessThanOrEqual(3);
				expect(["taken", "ticket"]).not.toContain(state.ending?.outcome.kind as string);
			},
		),
		{ numRuns },
	);
}, 3_600_000);

test("no frame from a client makes the server crash or grow", () => {
	const server = new Rendezvous(() => now);
	let now = 0;
	fc.assert(
		fc.property(
			fc.array(fc.tuple(fc.nat(3), frame(clientJson)), { minLength: FRAMES, maxLength: FRAMES }),
			(frames) => {
				const errors = [0, 0, 0, 0];
				const closed = [false, false, false, false];
				const sessions = errors.map((_, index) => {
					const session = server.connect(`address${index}`, {
						send: (message) => {
							if (message.type === "error") errors[index] = (errors[index] as number) + 1;
							JSON.stringify(message);
						},
						close: () => {
							closed[index] = true;
						},
					});
					session.receive(JSON.stringify({ type: "bind", appid: index < 3 ? "app" : "other", side: `s${index}` }));
					return session;
				});
				for (const [index, frame] of frames) sessions[index]?.receive(frame);
				for (const session of sessions) session.disconnected();
				for (const [index, count] of errors.entries()) expect(closed[index]).toBe(count >= SERVER_ERRORS_MAX);
				expect(server.mailboxes.size.mailboxes).toBeLessThanOrEqual(SERVER_MAILBOXES_MAX);
				now += 60_000;
				server.prune();
			},
		),
		{ numRuns },
	);
	now += 3_600_000;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(0);
	expect(server.mailboxes.list("app")).toEqual([]);
}, 3_600_000);
