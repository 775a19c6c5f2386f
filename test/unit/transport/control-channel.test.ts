// A control channel over a stream that the test controls.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { Aborted } from "../../../src/forward/duplex.ts";
import { decodeMessage, encodeMessage, type Message } from "../../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX } from "../../../src/protocol/limits.ts";
import { ControlChannel } from "../../../src/transport/control-channel.ts";
import {
	CONTROL_BURST,
	CONTROL_QUEUE,
	CONTROL_RATE,
	GREETING_BYTES,
	GREETING_LINES,
	GREETING_PIECES,
	PING_MS,
	STREAMS_PER_CONNECTION,
} from "../../../src/transport/limits.ts";
import type { QuicStream } from "../../../src/transport/stream.ts";
import { settled, turn } from "../../support/native-halves.ts";

/** The stream to the remote, which reads and sends what the test wants. */
class FakeStream {
	uncounted(): void {}
	readonly sent: Message[] = [];
	writes = 0;
	aborts = 0;
	overlapped = false;
	#gate: PromiseWithResolvers<void> | undefined;
	#broken = false;
	#writing = false;
	#arrived: (Uint8Array | null | Error)[] = [];
	#reader: PromiseWithResolvers<Uint8Array | null> | undefined;

	block(): void {
		this.#gate ??= Promise.withResolvers();
	}

	unblock(): void {
		this.#gate?.resolve();
		this.#gate = undefined;
	}

	/** From now on nothing can be written. */
	breakWrites(): void {
		this.#broken = true;
	}

	/** Bytes, an end, or a reset arrives from the remote. */
	arrive(what: Uint8Array | string | null | Error): void {
		const next = typeof what === "string" ? new TextEncoder().encode(what) : what;
		if (!this.#reader) this.#arrived.push(next);
		else if (next instanceof Error) this.#reader.reject(next);
		else this.#reader.resolve(next);
		this.#reader = undefined;
	}

	say(...messages: Message[]): void {
		for (const message of messages) this.arrive(encodeMessage(message));
	}

	async read(): Promise<Uint8Array | null> {
		if (this.#arrived.length > 0) {
			const next = this.#arrived.shift() as Uint8Array | null | Error;
			if (next instanceof Error) throw next;
			return next;
		}
		this.#reader = Promise.withResolvers();
		return this.#reader.promise;
	}

	async write(bytes: Uint8Array): Promise<void> {
		this.writes++;
		this.overlapped ||= this.#writing;
		this.#writing = true;
		await this.#gate?.promise;
		this.#writing = false;
		if (this.#broken) throw new Aborted("stream lost");
		expect(bytes.at(-1)).toBe(0x0a);
		const message = decodeMessage(bytes.subarray(0, -1));
		if (message) this.sent.push(message);
	}

	abort(): void {
		this.aborts++;
		this.arrive(new Aborted("aborted here"));
	}
}

let stream: FakeStream;
let heard: Message[];
let channel: ControlChannel;
let connection: { streamsOpened: number };
/** The time that performance.now returns. */
let now: number;
let clock: Mock<() => number>;

beforeEach(() => {
	now = 5000;
	clock = spyOn(performance, "now").mockImplementation(() => now);
	stream = new FakeStream();
	heard = [];
	connection = { streamsOpened: 1 };
	channel = make("hub");
	channel.startSession();
});

/** A channel over the stream, before the welcome. */
function make(remote: "hub" | "peer"): ControlChannel {
	const onMessage = (message: Message) => void heard.push(message);
	return new ControlChannel(stream as unknown as QuicStream, { remote, connection, onMessage });
}

/** Another channel over another stream, before the welcome. */
async function restart(remote: "hub" | "peer"): Promise<void> {
	channel.close();
	await channel.ended;
	stream = new FakeStream();
	channel = make(remote);
}

afterEach(async () => {
	channel.close();
	await channel.ended;
	expect(stream.overlapped).toBe(false);
	expect(stream.aborts).toBe(1);
	clock.mockRestore();
});

const TOO_MANY = "too many control messages";

const bye = (n: number): Message => ({ type: "bye", reason: `number ${n}` });

test("a ping is answered with its number, and is not handed over", async () => {
	stream.say({ type: "ping", n: 7 }, { type: "pong", n: 1 });
	await turn();
	stream.say({ type: "ping", n: 0 });
	await turn();
	expect(stream.sent).toEqual([
		{ type: "pong", n: 7 },
		{ type: "pong", n: 0 },
	]);
	expect(heard).toEqual([]);
});

describe("a flood of pings costs no flood of pongs:", () => {
	const pings = (count: number) =>
		Array.from({ length: count }, (_, n) => `${JSON.stringify({ type: "ping", n })}\n`).join("");

	test("all that one read brings are answered by one write, with the newest number", async () => {
		stream.arrive(pings(100));
		await turn();
		expect(stream.sent).toEqual([{ type: "pong", n: 99 }]);
		expect(stream.writes).toBe(1);
	});

	test("while the remote does not read, one pong waits, behind the messages", async () => {
		stream.block();
		channel.send(bye(1));
		channel.send(bye(2));
		for (let n = 0; n < 50; n++) stream.say({ type: "ping", n });
		for (let i = 0; i < 5; i++) await turn();
		stream.unblock();
		await turn();
		expect(stream.sent).toEqual([bye(1), bye(2), { type: "pong", n: 49 }]);
	});
});

describe("before the welcome, a stranger", () => {
	const hello: Message = { type: "hello", v: 1, name: "me", program: "1", secret: "s" };
	const EARLY = "too many control messages before the welcome";

	beforeEach(() => restart("peer"));

	test("gets no pong, not even after a hello; the session's pings are answered", async () => {
		stream.say(hello, { type: "ping", n: 1 });
		await turn();
		expect(stream.writes).toBe(0);
		channel.startSession();
		await turn();
		expect(stream.writes).toBe(0);
		stream.say({ type: "ping", n: 2 });
		await turn();
		expect(stream.sent).toEqual([{ type: "pong", n: 2 }]);
		expect(heard).toEqual([hello]);
	});

	test.each<[string, string]>([
		["a ping", '{"type":"ping","n":1}\n'],
		["a goodbye", '{"type":"bye","reason":"so long"}\n'],
		["a message of a newer version", '{"type":"newer"}\n'],
	])("that begins with %s breaks the protocol, and is not answered", async (_, line) => {
		stream.arrive(line);
		expect(await channel.ended).toBe("a control stream does not begin with a hello");
		expect(stream.writes).toBe(0);
		expect(heard).toEqual([]);
	});

	test("that says a few lines is heard; one with more breaks the protocol", async () => {
		stream.say(hello);
		stream.arrive('{"type":"newer"}\n'.repeat(GREETING_LINES - 1));
		await turn();
		expect(await settled(channel.ended)).toBe(false);
		stream.say(bye(1));
		expect(await channel.ended).toBe(EARLY);
		expect(heard).toEqual([hello]);
	});

	test("that says few but long lines breaks the protocol", async () => {
		stream.say(hello);
		const long = `${JSON.stringify({ type: "newer", x: "x".repeat(CONTROL_LINE_MAX - 30) })}\n`;
		for (let bytes = 0; bytes < GREETING_BYTES; bytes += long.length) stream.arrive(long);
		expect(await channel.ended).toBe(EARLY);
	});

	test("that sends its hello byte by byte breaks the protocol; a hello in a few packets does not", async () => {
		const line = `${JSON.stringify(hello)}\n`;
		for (let at = 0; at < line.length; at += 10) stream.arrive(line.slice(at, at + 10));
		for (let i = 0; i < 5; i++) await turn();
		expect(heard).toEqual([hello]);
		for (const byte of " ".repeat(GREETING_PIECES)) stream.arrive(byte);
		expect(await channel.ended).toBe(EARLY);
	});
});

test("messages are handed over in order, however they are split; unknown ones are not", async () => {
	const lines = `${JSON.stringify(bye(1))}\n{"type":"newer"}\n${JSON.stringify(bye(2))}\n`;
	for (const character of lines) stream.arrive(character);
	for (let i = 0; i < 5; i++) await turn();
	expect(heard).toEqual([bye(1), bye(2)]);
});

test("messages are sent in order, one after another, while the remote is slow", async () => {
	stream.block();
	const messages = Array.from({ length: 100 }, (_, i) => bye(i));
	for (const message of messages) channel.send(message);
	await turn();
	expect(stream.sent).toEqual([]);
	stream.unblock();
	await turn();
	channel.send(bye(100));
	await turn();
	expect(stream.sent).toEqual([...messages, bye(100)]);
});

test("for a remote that does not read, a bounded number of messages is kept: the newest", async () => {
	stream.block();
	const messages = Array.from({ length: 3 * CONTROL_QUEUE }, (_, i) => bye(i));
	for (const message of messages) channel.send(message);
	stream.unblock();
	for (let i = 0; i < 5; i++) await turn();
	// The first one was already being sent.
	expect(stream.sent).toEqual([...messages.slice(0, 1), ...messages.slice(-CONTROL_QUEUE)]);
});

test("a failed write does not end the channel: the receiving side tells what happened", async () => {
	stream.breakWrites();
	channel.send(bye(1));
	channel.send(bye(2));
	await turn();
	expect(await settled(channel.ended)).toBe(false);
	stream.arrive(new Aborted("stream lost"));
	expect(await channel.ended).toBeUndefined();
});

describe("a channel ends without a reason", () => {
	test("when the other side ends it", async () => {
		stream.arrive(null);
		expect(await channel.ended).toBeUndefined();
	});

	test("when the other side resets it", async () => {
		stream.arrive(new Aborted("reset"));
		expect(await channel.ended).toBeUndefined();
	});

	test("when it is closed here, once or more often; nothing is sent after that", async () => {
		channel.close();
		channel.close();
		channel.send(bye(1));
		expect(await channel.ended).toBeUndefined();
		await turn();
		expect(stream.sent).toEqual([]);
		expect(stream.aborts).toBe(1);
	});
});

describe("a channel ends with a reason when the other side", () => {
	test("sends something that is not a message", async () => {
		stream.arrive("hello\n");
		expect(await channel.ended).toBe("a control line is not valid JSON");
		expect(stream.aborts).toBe(1);
	});

	test("sends a line that is too long, even before its end has arrived", async () => {
		stream.arrive("x".repeat(CONTROL_LINE_MAX + 1));
		expect(await channel.ended).toBe(`a control line is longer than ${CONTROL_LINE_MAX} bytes`);
	});

	test("sends more at once than our own program needs; the messages before that were handed over", async () => {
		stream.arrive(`${JSON.stringify(bye(1))}\n`.repeat(CONTROL_BURST));
		await turn();
		expect(await settled(channel.ended)).toBe(false);
		stream.say(bye(2));
		expect(await channel.ended).toBe(TOO_MANY);
		expect(heard).toHaveLength(CONTROL_BURST);
	});

	test.each([
		["unknown messages", '{"type":"newer"}\n'],
		["pings", '{"type":"ping","n":1}\n'],
		["single bytes", " "],
	])("sends more %s than allowed", async (_, piece) => {
		for (let i = 0; i <= CONTROL_BURST; i++) stream.arrive(piece);
		expect(await channel.ended).toBe(TOO_MANY);
	});

	test("resets more streams than there were", async () => {
		connection.streamsOpened = 10;
		stream.say(...Array.from({ length: CONTROL_BURST + 10 }, (): Message => ({ type: "reset", stream: "x" })));
		for (let i = 0; i < 5; i++) await turn();
		expect(await settled(channel.ended)).toBe(false);
		stream.say({ type: "reset", stream: "x" });
		expect(await channel.ended).toBe(TOO_MANY);
	});
});

test("a thousand streams that are aborted again and again may all be reset at once", async () => {
	for (let round = 1; round <= 5; round++) {
		connection.streamsOpened = round * STREAMS_PER_CONNECTION;
		const resets = Array.from({ length: STREAMS_PER_CONNECTION }, (_, i) => `{"type":"reset","stream":"${i}"}\n`);
		stream.arrive(resets.join(""));
		await turn();
	}
	expect(heard).toHaveLength(5 * STREAMS_PER_CONNECTION);
	expect(await settled(channel.ended)).toBe(false);
});

test("the pings and pongs of a path that was gone for 45 seconds may come together", async () => {
	stream.arrive('{"type":"ping","n":1}\n{"type":"pong","n":1}\n'.repeat(45));
	await turn();
	expect(await settled(channel.ended)).toBe(false);
});

test("as many messages as allowed, second after second, are fine", async () => {
	for (let second = 0; second < 30; second++) {
		stream.arrive('{"type":"newer"}\n'.repeat(CONTROL_RATE));
		await turn();
		now += 1001;
	}
	stream.say(bye(1));
	await turn();
	expect(heard).toEqual([bye(1)]);
});

test("only answers to our pings prove that the remote is alive, whatever else it sends", async () => {
	now += 400;
	expect(channel.unansweredFor()).toBe(400);
	stream.say({ type: "pong", n: 1 });
	await turn();
	expect(channel.unansweredFor()).toBe(0);
	now += 3000;
	stream.say({ type: "ping", n: 1 });
	stream.say(bye(1));
	await turn();
	expect(channel.unansweredFor()).toBe(3000);
});

describe("pings", () => {
	beforeEach(() => restart("hub"));

	test("are sent every second, numbered from 0, until the channel is closed; starting twice changes nothing", async () => {
		const start = spyOn(globalThis, "setInterval");
		const stop = spyOn(globalThis, "clearInterval");
		try {
			channel.startSession();
			channel.startSession();
			expect(start.mock.calls.map(([, ms]) => ms)).toEqual([PING_MS]);
			const [tick] = start.mock.calls[0] as unknown as [() => void];
			tick();
			tick();
			await turn();
			expect(stream.sent).toEqual([
				{ type: "ping", n: 0 },
				{ type: "ping", n: 1 },
			]);
			channel.close();
			expect(stop.mock.calls.map(([timer]) => timer as unknown)).toEqual([start.mock.results[0]?.value]);
		} finally {
			start.mockRestore();
			stop.mockRestore();
		}
	});

	test("do not start after the channel was closed: their timer would run forever", () => {
		const start = spyOn(globalThis, "setInterval");
		try {
			channel.close();
			channel.startSession();
			expect(start).not.toHaveBeenCalled();
		} finally {
			for (const { value } of start.mock.results) clearInterval(value as Timer);
			start.mockRestore();
		}
	});
});
