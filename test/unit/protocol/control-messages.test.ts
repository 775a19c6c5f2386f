// The lines of the control stream: which are messages, which are ignored, and which break the protocol.
import { describe, expect, test } from "bun:test";
import { REMOTE_TEXT_MAX } from "../../../src/base/limits.ts";
import {
	decodeMessage,
	encodeMessage,
	Lines,
	type Message,
	ProtocolError,
} from "../../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX, LISTENS_MAX, NAME_MAX } from "../../../src/protocol/limits.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const decode = (value: unknown) => decodeMessage(bytes(typeof value === "string" ? value : JSON.stringify(value)));

/** The message of the ProtocolError that a call must throw. */
function broken(work: () => unknown): string {
	try {
		work();
	} catch (error) {
		expect(error).toBeInstanceOf(ProtocolError);
		return (error as Error).message;
	}
	throw new Error("the protocol was not broken");
}

const services = [{ port: 1, name: "frontend", scheme: "http" as const, address: "127.0.0.1:3000", up: true }];

test.each<Message>([
	{ type: "hello", v: 1, name: "my-peer", program: "1.0.0", secret: "aaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ type: "hello", v: 1, name: "my-peer", program: "1.0.0" },
	{ type: "hello", v: 1, name: "my-peer", program: "1.0.0", listens: ["0".repeat(32), "f".repeat(32)] },
	{ type: "hello", v: 1, name: "my-peer", program: "1.0.0", resume: { id: "a".repeat(64), token: "T".repeat(43) } },
	{ type: "welcome", v: 1, name: "my-hub", program: "1.0.0", services },
	{ type: "welcome", v: 1, name: "my-hub", program: "1.0.0", lasting: true, services },
	{ type: "welcome", v: 1, name: "my-hub", program: "1.0.0", lasting: false, services },
	{ type: "welcome", v: 1, name: "my-hub", program: "1.0.0", run: "2", resume: "T".repeat(43), services },
	{ type: "denied", reason: "secret", message: "the ticket is not valid at this hub" },
	{ type: "ping", n: 0 },
	{ type: "pong", n: Number.MAX_SAFE_INTEGER },
	{ type: "reset", stream: "client bidirectional stream 0" },
	{ type: "bye", reason: "the hub was stopped" },
	{ type: "services", services: [] },
])("%j survives encoding as one line and decoding", (message) => {
	const line = encodeMessage(message);
	expect(line.indexOf(0x0a)).toBe(line.length - 1);
	expect(decodeMessage(line.subarray(0, -1))).toEqual(message);
});

describe("a newer version", () => {
	test("may add keys, which are left out", () => {
		expect(decode({ type: "ping", n: 3, colour: "red", __proto__: { n: 4 } })).toEqual({ type: "ping", n: 3 });
		const [service] = services;
		expect(decode({ type: "services", services: [{ ...service, since: 5 }] })).toEqual({ type: "services", services });
	});

	test.each(["colour", "", "constructor", "__proto__", "toString", "hasOwnProperty", "HELLO"])(
		"may add types: '%s' is ignored",
		(type) => expect(decode(`{"type":${JSON.stringify(type)},"n":1}`)).toBeUndefined(),
	);
});

test("a welcome that says something else than yes or no about its ticket says nothing about it", () => {
	for (const lasting of ["yes", 1, null, {}])
		expect(decode({ type: "welcome", v: 1, name: "a", program: "b", lasting, services })).not.toHaveProperty("lasting");
});

test("a Windows line ending changes nothing", () => {
	expect(decode('{"type":"ping","n":1}\r')).toEqual({ type: "ping", n: 1 });
});

describe("text from the other side", () => {
	test("loses its control characters, line ends and terminal sequences", () => {
		const reason = "one\n\u001b[31mtwo\u0007\u202ethree\u2028four\u0000\u009bfive";
		const message = decode({ type: "bye", reason });
		expect(message).toEqual({ type: "bye", reason: "one [31mtwo three four five" });
	});

	test("is cut: names to NAME_MAX, other text to REMOTE_TEXT_MAX", () => {
		const long = "x".repeat(1000);
		expect(decode({ type: "bye", reason: long })).toEqual({ type: "bye", reason: `${"x".repeat(REMOTE_TEXT_MAX)}…` });
		expect(decode({ type: "hello", v: 1, name: long, program: "1" })).toMatchObject({
			name: `${"x".repeat(NAME_MAX)}…`,
		});
	});

	test("is not more than LISTENS_MAX marks of addresses, each no longer than a name", () => {
		const listens = new Array(LISTENS_MAX + 1).fill("x".repeat(1000));
		const message = decode({ type: "hello", v: 1, name: "a", program: "b", listens: listens.slice(0, 3) });
		expect(message).toMatchObject({ listens: new Array(3).fill(`${"x".repeat(NAME_MAX)}…`) });
		const many = decode({
			type: "hello",
			v: 1,
			name: "a",
			program: "b",
			listens: new Array(LISTENS_MAX + 1).fill("x"),
		});
		expect(many).toMatchObject({ listens: new Array(LISTENS_MAX).fill("x") });
	});

	test("a lone surrogate is not passed on", () => {
		expect(decode('{"type":"bye","reason":"a\\ud800b"}')).toEqual({ type: "bye", reason: "a b" });
	});
});

describe("what breaks the protocol", () => {
	test.each([
		["nothing", ""],
		["a word", "hello"],
		["half an object", '{"type":"ping","n":'],
		["a number", "7"],
		["null", "null"],
		["an array", "[]"],
		["no type", "{}"],
		["a type that is not text", '{"type":7}'],
		["a ping without its number", '{"type":"ping"}'],
		["a negative number", '{"type":"ping","n":-1}'],
		["half a number", '{"type":"ping","n":0.5}'],
		["a number beyond the safe ones", '{"type":"ping","n":9007199254740993}'],
		["a number as text", '{"type":"ping","n":"1"}'],
		["a bye without a reason", '{"type":"bye"}'],
		["a reason that is not text", '{"type":"bye","reason":{}}'],
		["a secret that is not text", '{"type":"hello","v":1,"name":"a","program":"b","secret":null}'],
		["listens that is not a list", '{"type":"hello","v":1,"name":"a","program":"b","listens":"127.0.0.1:3000"}'],
		["a mark that is not text", '{"type":"hello","v":1,"name":"a","program":"b","listens":[{}]}'],
		["a resume that is null", '{"type":"hello","v":1,"name":"a","program":"b","resume":null}'],
		["a resume that is text", '{"type":"hello","v":1,"name":"a","program":"b","resume":"x"}'],
		["a resume without a token", '{"type":"hello","v":1,"name":"a","program":"b","resume":{"id":"x"}}'],
		["a resume without an id", '{"type":"hello","v":1,"name":"a","program":"b","resume":{"token":"x"}}'],
		["a token that is not text", '{"type":"welcome","v":1,"name":"a","program":"b","services":[],"resume":{}}'],
		["services that are not a list", '{"type":"services","services":{"length":1}}'],
		["a service that is not an object", '{"type":"services","services":[1]}'],
		["a service that is null", '{"type":"services","services":[null]}'],
		["a service without a port", '{"type":"services","services":[{"name":"a","address":"b","up":true}]}'],
		[
			"33 services",
			JSON.stringify({
				type: "services",
				services: Array.from({ length: 33 }, (_, port) => ({ ...services[0], port, name: `s${port}` })),
			}),
		],
		["a service twice", JSON.stringify({ type: "services", services: [services[0], services[0]] })],
		["a service without a name", JSON.stringify({ type: "services", services: [{ ...services[0], name: "A b" }] })],
		["brackets without end", "[".repeat(CONTROL_LINE_MAX)],
	])("%s", (_, line) => {
		expect(broken(() => decode(line))).toMatch(/^a (control|service)/);
	});

	test("bytes that are not UTF-8", () => {
		broken(() => decodeMessage(Uint8Array.of(0x22, 0xff, 0x22)));
	});

	test("the remote's bytes are not part of the reason, which is logged and sent back", () => {
		expect(broken(() => decode('\u001b]0;owned\u0007{"type"'))).toBe("a control line is not valid JSON");
	});
});

describe("lines", () => {
	test("of exactly the greatest length are accepted, in one piece or several", () => {
		const line = new Uint8Array(CONTROL_LINE_MAX).fill(0x20);
		const lines = new Lines();
		expect(lines.push(line)).toEqual([]);
		expect(lines.push(bytes("\n"))).toEqual([line]);
		expect(lines.push(new Uint8Array([...line, 0x0a]))).toEqual([line]);
	});

	test("one byte longer break the protocol, with and without a line end", () => {
		const line = new Uint8Array(CONTROL_LINE_MAX + 1).fill(0x20);
		expect(broken(() => new Lines().push(line))).toContain(`${CONTROL_LINE_MAX} bytes`);
		broken(() => new Lines().push(new Uint8Array([...line, 0x0a])));
		const slow = new Lines();
		slow.push(line.subarray(1));
		broken(() => slow.push(line.subarray(0, 1)));
	});

	test("do not change when the buffer that they arrived in is reused", () => {
		const buffer = bytes("one\ntw");
		const lines = new Lines();
		const [first] = lines.push(buffer);
		buffer.fill(0x78);
		expect(new TextDecoder().decode(first)).toBe("one");
		expect(new TextDecoder().decode(lines.push(bytes("o\n"))[0])).toBe("two");
	});
});
