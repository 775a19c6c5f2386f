// One peer's connection at the hub, over native halves that the test moves: what is answered, in which order, and what
// is left when it ends in between.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { Admission, teamPolicy } from "../../src/admission.ts";
import type { Connection } from "../../src/connection.ts";
import { encodeMessage, type Message, type ServiceState } from "../../src/control.ts";
import { Guest, type Host } from "../../src/guest.ts";
import { ACCEPTED, encodeHeader, REFUSED } from "../../src/handshake.ts";
import type { BiStream } from "../../src/iroh.ts";
import { HELLO_MS, HUB_SILENCE_MS, STALL_MS } from "../../src/limits.ts";
import { newSecret } from "../../src/secret.ts";
import { QuicStream } from "../../src/stream.ts";
import { NativeReceive, NativeSend, turn } from "../support/native-halves.ts";

const SECRET = newSecret();
const hello = (secret = SECRET): Message => ({ type: "hello", v: 1, name: "me", program: "1", secret });

let send: NativeSend;
let receive: NativeReceive;
let services: PromiseWithResolvers<ServiceState[]>;
let over: PromiseWithResolvers<string>;
/** Why the hub closed the connection. */
let closings: string[];
let admission: Admission;
let decisions: Mock<Admission["decide"]>;
/** What performance.now says. */
let now: number;
let clock: Mock<() => number>;
let printed: Mock<typeof process.stderr.write>;
let timeouts: Mock<typeof setTimeout>;
let intervals: { start: Mock<typeof setInterval>; stop: Mock<typeof clearInterval> };
let complaints: { key: string; text: string; where?: string }[];
let mayHaveStreams: boolean;
/** Whether a path leads to the peer. */
let reachable: boolean;
/** Port ids of the streams that the hub took to its services. */
let served: (number | undefined)[];
/** The peer opens another stream. */
let open: (stream: QuicStream) => void;
let guest: Guest;

beforeEach(() => {
	[send, receive] = [new NativeSend(), new NativeReceive()];
	Object.assign(send, { id: async () => "client bidirectional 0" });
	services = Promise.withResolvers();
	over = Promise.withResolvers();
	closings = [];
	mayHaveStreams = true;
	reachable = true;
	complaints = [];
	served = [];
	now = 5000;
	clock = spyOn(performance, "now").mockImplementation(() => now);
	admission = new Admission(teamPolicy(SECRET));
	decisions = spyOn(admission, "decide");
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
	timeouts = spyOn(globalThis, "setTimeout");
	intervals = { start: spyOn(globalThis, "setInterval"), stop: spyOn(globalThis, "clearInterval") };
	const stream = new QuicStream({ send, recv: receive } as unknown as BiStream, { rtt: () => 0 });
	const connection = {
		id: "a".repeat(64),
		remote: "a".repeat(10),
		closed: over.promise,
		acceptStreams: async (onStream: (stream: QuicStream) => void) => {
			open = onStream;
			onStream(stream);
		},
		close: (reason: string) => closings.push(reason),
		closeSoon: (reason: string) => closings.push(reason),
		abortStream() {},
		path: () => "direct",
		hasPath: () => reachable,
	};
	const host: Host = {
		name: "hub",
		run: "this one",
		get admission() {
			return admission;
		},
		connected: () => new Set(),
		services: () => services.promise,
		counts: () => mayHaveStreams,
		entered() {},
		serve: async (portId, stream) => {
			served.push(portId);
			// Its connection's end is its end.
			void over.promise.then(() => stream.abort());
		},
		complain: (key, text, where) => complaints.push({ key, text, ...(where && { where }) }),
	};
	guest = new Guest(connection as unknown as Connection, host);
});

afterEach(async () => {
	services.resolve([]);
	over.resolve("");
	receive.lose();
	send.lose();
	await turn();
	await turn();
	const running = new Set(intervals.start.mock.results.map(({ value }) => value as Timer));
	for (const [timer] of intervals.stop.mock.calls) running.delete(timer as Timer);
	for (const timer of running) clearInterval(timer);
	for (const mock of [clock, decisions, printed, timeouts, intervals.start, intervals.stop]) mock.mockRestore();
	expect(running.size, "intervals left running").toBe(0);
});

/** Opens the control stream with these messages behind its header. */
function say(...messages: Message[]): void {
	receive.arrive(encodeHeader(0));
	for (const message of messages) receive.arrive(encodeMessage(message));
}

/** The peer opens a stream for a service; what the hub writes on it. */
function openService(portId: number): NativeSend {
	const [itsSend, itsReceive] = [new NativeSend(), new NativeReceive()];
	Object.assign(itsSend, { id: async () => "client bidirectional 1" });
	itsReceive.arrive(encodeHeader(portId));
	open(new QuicStream({ send: itsSend, recv: itsReceive } as unknown as BiStream, { rtt: () => 0 }));
	void over.promise.then(() => {
		itsSend.lose();
		itsReceive.lose();
	});
	return itsSend;
}

/** The hub looks once a second how long the peer has been silent: so many times from now. */
function look(times: number): void {
	const [tick] = intervals.start.mock.calls.at(-1) as unknown as [() => void];
	for (let i = 0; i < times; i++) {
		now += 1000;
		tick();
	}
}

/** The time that the hub gives it for its hello is over. */
function helloIsLate(): void {
	const [late] = timeouts.mock.calls.find(([, ms]) => ms === HELLO_MS) as unknown as [() => void];
	late();
}

/** The peer answers a ping. */
async function answer(): Promise<void> {
	receive.arrive(encodeMessage({ type: "pong", n: 0 }));
	await turn();
}

const SECONDS = HUB_SILENCE_MS / 1000;

const answers = () => Buffer.from(send.written.slice(1)).toString();
const lines = () => printed.mock.calls.map(([text]) => String(text)).join("");

test("the answer to the control stream leaves before the first message, and one write at a time", async () => {
	send.block();
	say(hello(newSecret()));
	await turn();
	await turn();
	expect(send.flights).toEqual([1]);
	send.unblock();
	await turn();
	await turn();
	expect(send.written[0]).toBe(ACCEPTED);
	expect(answers()).toContain('"denied"');
	expect(send.overlapped).toBe(false);
});

test("a hello that was denied is the last", async () => {
	say(hello(newSecret()), hello());
	await turn();
	await turn();
	expect(decisions).toHaveBeenCalledTimes(1);
	expect(guest.inside).toBe(false);
	expect(answers()).not.toContain('"welcome"');
	expect(closings[0]).toContain("denied");
});

test("a second hello of one that is in changes nothing", async () => {
	services.resolve([]);
	say(hello(), hello(newSecret()));
	await turn();
	await turn();
	expect(decisions).toHaveBeenCalledTimes(1);
	expect(guest.inside).toBe(true);
	expect(closings).toEqual([]);
});

test("a connection that ends while the services are looked at leaves no timer behind", async () => {
	say(hello());
	await turn();
	expect(guest.inside).toBe(true);
	over.resolve("it left");
	await turn();
	services.resolve([]);
	await turn();
	// The check is afterEach's.
});

test("a connection that ends after the welcome leaves no timer behind", async () => {
	services.resolve([]);
	say(hello());
	await turn();
	expect(answers()).toContain('"welcome"');
});

test("whoever is not in writes nothing on the hub's screen", async () => {
	say(...Array.from({ length: 100 }, (): Message => ({ type: "bye", reason: "look at me" })));
	await turn();
	expect(lines()).not.toContain("look at me");
});

test("a goodbye is printed once, however often it is said", async () => {
	services.resolve([]);
	say(hello(), ...Array.from({ length: 100 }, (): Message => ({ type: "bye", reason: "so long" })));
	await turn();
	expect(lines().split("so long")).toHaveLength(2);
	expect(guest.leaving).toBe(true);
});

test("a stream over the limit is refused unread, and the connection goes on", async () => {
	services.resolve([]);
	say(hello());
	await turn();
	mayHaveStreams = false;
	const [itsSend, itsReceive] = [new NativeSend(), new NativeReceive()];
	Object.assign(itsSend, { id: async () => "client bidirectional 1" });
	open(new QuicStream({ send: itsSend, recv: itsReceive } as unknown as BiStream, { rtt: () => 0 }));
	await turn();
	expect([...itsSend.written]).toEqual([REFUSED]);
	itsSend.acknowledge();
	itsReceive.lose();
	expect(complaints).toEqual([{ key: guest.name, text: expect.stringContaining("too many streams") }]);
	expect(closings).toEqual([]);
});

test("who has no valid ticket is noted in the log only, in one line a second with all others like that", async () => {
	say(hello(newSecret()));
	await turn();
	await turn();
	expect(complaints).toEqual([{ key: "denied: secret", text: expect.stringContaining("Denied"), where: "log" }]);
});

test("a service asked for between hello and welcome is refused, and one after it is not", async () => {
	say(hello());
	await turn();
	expect(guest.inside).toBe(true);
	const early = openService(2);
	await turn();
	expect([...early.written]).toEqual([REFUSED]);
	expect(served).toEqual([]);
	expect(complaints).toEqual([{ key: guest.name, text: expect.stringContaining("it has not been welcomed") }]);
	services.resolve([]);
	await turn();
	openService(2);
	await turn();
	expect(served).toEqual([2]);
	expect(closings).toEqual([]);
});

describe("a peer that says nothing in time", () => {
	test("is let in by an open hub, and kept: one of the original program that has no work for it yet", () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		helloIsLate();
		expect(guest.inside).toBe(true);
		look(2 * SECONDS);
		expect(closings).toEqual([]);
	});

	test("is turned away by a hub that has a secret", () => {
		helloIsLate();
		expect(guest.inside).toBe(false);
		expect(closings).toEqual(["no valid hello in time"]);
	});

	test("once it is in, its time is over no more", async () => {
		services.resolve([]);
		say(hello());
		await turn();
		helloIsLate();
		expect(closings).toEqual([]);
	});
});

describe("a peer that is gone without a word", () => {
	test("is given up when it has not answered for 45 seconds, not earlier", async () => {
		services.resolve([]);
		say(hello());
		await turn();
		look(SECONDS - 1);
		await answer();
		look(SECONDS);
		expect(closings, "since its last answer").toEqual([]);
		look(1);
		expect(closings).toEqual(["silent for 45 s"]);
	});

	test("is not given up by a hub that was suspended itself", async () => {
		services.resolve([]);
		say(hello());
		await turn();
		now += Math.max(HUB_SILENCE_MS, STALL_MS);
		look(1);
		expect(closings).toEqual([]);
		await answer();
		look(SECONDS);
		expect(closings).toEqual([]);
	});

	test("is given up by an open hub that it never said hello to, 45 seconds after its last path", async () => {
		admission = new Admission({ ...teamPolicy(SECRET), secret: undefined });
		receive.arrive(encodeHeader(1));
		await turn();
		expect(guest.inside, "one of the original program").toBe(true);
		expect(served).toEqual([1]);
		look(2 * SECONDS);
		expect(closings, "a path leads to it, and it need not say anything").toEqual([]);
		reachable = false;
		look(SECONDS);
		reachable = true;
		look(1);
		reachable = false;
		look(SECONDS);
		expect(closings).toEqual([]);
		look(1);
		expect(closings).toEqual(["silent for 45 s"]);
	});
});
