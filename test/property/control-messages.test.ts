// The control stream: every message survives encoding and decoding, and any bytes are a message, ignored, or an error.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { REMOTE_TEXT_MAX } from "../../src/base/limits.ts";
import { printable } from "../../src/base/printable.ts";
import {
	decodeMessage,
	encodeMessage,
	Lines,
	type Message,
	ProtocolError,
} from "../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX, LISTENS_MAX, NAME_MAX } from "../../src/protocol/limits.ts";
import { SCHEMES } from "../../src/protocol/services.ts";
import { cases } from "../support/cases.ts";

const text = (max: number) =>
	fc.string({ unit: "grapheme", maxLength: max }).filter((it) => it.length <= max && printable(it, max) === it);
const n = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const service = fc.record({
	port: n,
	name: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
	scheme: fc.constantFrom(...SCHEMES),
	address: text(REMOTE_TEXT_MAX),
	up: fc.boolean(),
});
const services = fc.uniqueArray(service, {
	maxLength: 5,
	comparator: (a, b) => a.name === b.name || a.port === b.port,
});
const listens = fc.array(text(NAME_MAX), { maxLength: LISTENS_MAX });
const resume = fc.record({ id: text(NAME_MAX), token: text(NAME_MAX) });
const zstd = fc.constant(true as const);
const introduction = { v: n, name: text(NAME_MAX), program: text(NAME_MAX) };

const message: fc.Arbitrary<Message> = fc.oneof(
	fc.record(
		{ type: fc.constant("hello" as const), ...introduction, secret: text(REMOTE_TEXT_MAX), listens, resume, zstd },
		{ requiredKeys: ["type", "v", "name", "program"] },
	),
	fc.record(
		{
			type: fc.constant("welcome" as const),
			...introduction,
			run: text(NAME_MAX),
			lasting: fc.boolean(),
			resume: text(NAME_MAX),
			zstd,
			services,
		},
		{ requiredKeys: ["type", "v", "name", "program", "services"] },
	),
	fc.record({ type: fc.constant("denied" as const), reason: text(NAME_MAX), message: text(REMOTE_TEXT_MAX) }),
	fc.record({ type: fc.constantFrom("ping" as const, "pong" as const), n }),
	fc.record({ type: fc.constant("reset" as const), stream: text(NAME_MAX) }),
	fc.record({ type: fc.constant("bye" as const), reason: text(REMOTE_TEXT_MAX) }),
	fc.record({ type: fc.constant("services" as const), services }),
	fc.record({ type: fc.constant("listens" as const), listens: fc.array(text(NAME_MAX), { maxLength: 5 }) }),
);

/** Every text in a message, at any depth. */
function texts(value: unknown): string[] {
	if (typeof value === "string") return [value];
	return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** The result, or undefined for a ProtocolError, whose message must be printable; any other error fails the test. */
function attempt<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof ProtocolError)) throw error;
		expect(error.message).toMatch(/^[\x20-\x7e]{1,100}$/);
		return undefined;
	}
}

function check(line: Uint8Array): void {
	const decoded = attempt(() => decodeMessage(line));
	if (decoded?.type === "hello") expect(decoded.listens?.length ?? 0).toBeLessThanOrEqual(LISTENS_MAX);
	for (const it of texts(decoded)) {
		expect(it).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
		expect(it.length).toBeLessThanOrEqual(REMOTE_TEXT_MAX + 1);
	}
}

test("every message survives encoding and decoding", () => {
	fc.assert(
		fc.property(message, (it) => {
			expect(decodeMessage(encodeMessage(it).subarray(0, -1))).toEqual(it);
		}),
	);
});

test("any bytes are a message, ignored, or a protocol error", () => {
	fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: cases(1000) });
});

test("any JSON is a message, ignored, or a protocol error", () => {
	const type = fc.constantFrom(
		..."hello welcome denied ping pong reset bye services listens newer __proto__".split(" "),
	);
	const odd = fc.oneof(
		fc.jsonValue({ maxDepth: 2 }),
		fc.string({ unit: "binary" }),
		n,
		services,
		resume,
		fc.array(fc.string()),
	);
	const fields = fc.dictionary(
		fc.constantFrom(
			..."v name program secret listens resume zstd services reason message n stream port up address scheme __proto__".split(
				" ",
			),
		),
		odd,
	);
	fc.assert(
		fc.property(type, fields, (of, rest) => check(new TextEncoder().encode(JSON.stringify({ ...rest, type: of })))),
		{ numRuns: cases(1000) },
	);
});

test("the lines are the same wherever the stream is split", () => {
	const stream = fc.array(fc.oneof(fc.constant(0x0a), fc.nat(255)), { maxLength: 300 });
	fc.assert(
		fc.property(stream, fc.array(fc.nat(300), { maxLength: 10 }), (numbers, cuts) => {
			const whole = Uint8Array.from(numbers);
			const lines = new Lines();
			const at = [...cuts.map((cut) => Math.min(cut, whole.length)), 0, whole.length].sort((a, b) => a - b);
			const got = at.slice(1).flatMap((end, i) => lines.push(whole.subarray(at[i], end)));
			const text = Buffer.from(whole).toString("latin1");
			expect(got.map((line) => Buffer.from(line).toString("latin1"))).toEqual(text.split("\n").slice(0, -1));
		}),
	);
});

test("an unfinished line is never kept beyond the greatest length of a line", () => {
	const pieces = fc.array(fc.record({ length: fc.nat(CONTROL_LINE_MAX), newline: fc.boolean() }), { maxLength: 12 });
	fc.assert(
		fc.property(pieces, (list) => {
			const lines = new Lines();
			let rest = 0;
			for (const { length, newline } of list) {
				const piece = new Uint8Array(length + (newline ? 1 : 0)).fill(0x20);
				if (newline) piece[length] = 0x0a;
				rest += length;
				const got = attempt(() => lines.push(piece));
				expect(got !== undefined).toBe(rest <= CONTROL_LINE_MAX);
				if (!got) return;
				if (newline) rest = 0;
			}
		}),
	);
});
