// A hub that sends anything, cut into any pieces: the peer is admitted, or gets the reason in one clean line, or its
// connection ends with a reason. It never gets another error, never hangs, and leaves nothing running.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { HivemindError } from "../../src/base/errors.ts";
import { REMOTE_TEXT_MAX } from "../../src/base/limits.ts";
import { HubSession, NotResumed } from "../../src/peer/hub-session.ts";
import { encodeMessage, type Message } from "../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX } from "../../src/protocol/limits.ts";
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
const service = fc.record({ port: fc.nat(3), name: nasty, address: nasty, up: fc.boolean() });
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
						onServices: ({ services }) => words.push(...services.flatMap(({ name, address }) => [name, address])),
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
				} else words.push(...session.services.flatMap(({ name, address }) => [name, address]));
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
