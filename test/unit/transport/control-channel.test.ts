// A control channel over a stream that the test controls.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { Aborted } from "../../../src/forward/duplex.ts";
import { decodeMessage, encodeMessage, type Message } from "../../../src/protocol/control-messages.ts";
import { CONTROL_LINE_MAX } from "../../../src/protocol/limits.ts";
import { ControlChannel } from "../../../src/transport/control-channel.ts";
import { CONTROL_QUEUE, CONTROL_RATE, PING_MS } from "../../../src/transport/limits.ts";
import type { QuicStream } from "../../../src/transport/stream.ts";
import { settled, turn } from "../../support/native-halves.ts";

/** The stream to the remote, which reads and sends what the test wants. */
class FakeStream {
	uncounted(): void {}
	readonly sent: Message[] = [];
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
/** The time that performance.now returns. */
let now: number;
let clock: Mock<() => number>;

beforeEach(() => {
	now = 5000;
	clock = spyOn(performance, "now").mockImplementation(() => now);
	stream = new FakeStream();
	heard = [];
	channel = new ControlChannel(stream as unknown as QuicStream, (message) => heard.push(message));
});

afterEach(async () => {
	channel.close();
	await channel.ended;
	expect(stream.overlapped).toBe(false);
	expect(stream.aborts).toBe(1);
	clock.mockRestore();
});

const bye = (n: number): Message => ({ type: "bye", reason: `number ${n}` });

test("a ping is answered with its number, and is not handed over", async () => {
	stream.say({ type: "ping", n: 7 }, { type: "pong", n: 1 }, { type: "ping", n: 0 });
	await turn();
	expect(stream.sent).toEqual([
		{ type: "pong", n: 7 },
		{ type: "pong", n: 0 },
	]);
	expect(heard).toEqual([]);
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

	test("sends more in a second than allowed; the messages before that were handed over", async () => {
		stream.arrive(`${JSON.stringify(bye(1))}\n`.repeat(CONTROL_RATE));
		await turn();
		expect(await settled(channel.ended)).toBe(false);
		stream.say(bye(2));
		expect(await channel.ended).toBe("too many control messages");
		expect(heard).toHaveLength(CONTROL_RATE);
	});

	test("sends more unknown messages than allowed", async () => {
		stream.arrive('{"type":"newer"}\n'.repeat(CONTROL_RATE + 1));
		expect(await channel.ended).toBe("too many control messages");
	});
});

test("as many messages as allowed, second after second, are fine", async () => {
	for (let second = 0; second < 3; second++) {
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
	test("are sent every second, numbered from 0, until the channel is closed; starting them twice changes nothing", async () => {
		const start = spyOn(globalThis, "setInterval");
		const stop = spyOn(globalThis, "clearInterval");
		try {
			channel.startPings();
			channel.startPings();
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
			channel.startPings();
			expect(start).not.toHaveBeenCalled();
		} finally {
			for (const { value } of start.mock.results) clearInterval(value as Timer);
			start.mockRestore();
		}
	});
});
