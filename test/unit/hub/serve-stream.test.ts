// One service stream at the hub: what is refused, what is printed about it, and that no socket to a service outlives its
// stream. The test controls the streams' native halves and the clock; services are real sockets.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import type { Socket } from "bun";
import { setVerbosity } from "../../../src/base/output.ts";
import { DialError } from "../../../src/forward/dial-error.ts";
import { Dialer } from "../../../src/forward/dialer.ts";
import { RESET_GRACE_MS } from "../../../src/forward/limits.ts";
import { Meter } from "../../../src/forward/meter.ts";
import * as sockets from "../../../src/forward/tcp.ts";
import { Transfers } from "../../../src/forward/transfers.ts";
import type { HubEvent } from "../../../src/hub/events.ts";
import { ANSWER_HOLD_MS, DIAL_MS, UNANSWERED_MAX } from "../../../src/hub/limits.ts";
import { hubReporter } from "../../../src/hub/reporter.ts";
import { type Route, routeOf, type Serving, serveStream } from "../../../src/hub/serve-stream.ts";
import { ServiceHealth } from "../../../src/hub/service-health.ts";
import { ACCEPTED, REFUSED } from "../../../src/protocol/stream-header.ts";
import { REPORT_EVERY_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { FarPeer, type FarStream } from "../../support/far-peer.ts";
import { settled, turn } from "../../support/native-halves.ts";
import { originalServices } from "../../support/shared-services.ts";

/** The port id of the service that is running; nothing listens at the addresses of the others. */
const THERE = 2;
const DOWN = 1;

const LINUX = process.platform === "linux";

let clock: Clock;
let peer: FarPeer;
let service: Service;
let dialling: Mock<typeof Bun.connect>;
/** Dials wait for this. */
let way: PromiseWithResolvers<void>;
let printed: Mock<typeof process.stderr.write>;
let health: ServiceHealth;
let events: HubEvent[];
let serving: Serving;

beforeEach(() => {
	clock = new Clock();
	peer = new FarPeer();
	service = new Service();
	way = Promise.withResolvers();
	way.resolve();
	const { connect } = Bun;
	dialling = spyOn(Bun, "connect").mockImplementation((async (options: Parameters<typeof connect>[0]) => {
		await way.promise;
		return connect(options);
	}) as typeof Bun.connect);
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
	setVerbosity(1);
	const free = new Service();
	const nobody = { host: "127.0.0.1", port: free.port };
	free.stop();
	const addresses = [nobody, { host: "127.0.0.1", port: service.port }, nobody];
	const routes = originalServices(...addresses).map((service) => routeOf(service, new Dialer(service.address)));
	health = new ServiceHealth(routes);
	events = [];
	const report = hubReporter();
	const emit = (event: HubEvent) => {
		events.push(event);
		report(event);
	};
	serving = { routes, health, transfers: new Transfers(), meter: new Meter(), emit };
});

afterEach(async () => {
	way.resolve();
	peer.leave("the test is over");
	service.stop();
	await clock.pass(2 * RESET_GRACE_MS);
	setVerbosity(0);
	clock.restore();
	for (const mock of [dialling, printed]) mock.mockRestore();
});

/** Waits for what real sockets bring about. */
async function until(condition: () => boolean): Promise<void> {
	for (let i = 0; i < 100_000 && !condition(); i++) await turn();
	expect(condition()).toBe(true);
}

/** A service that notices a connection and its end. */
class Service {
	readonly come = Promise.withResolvers<void>();
	readonly gone = Promise.withResolvers<void>();
	#socket: Socket | undefined;
	#said = "";
	#hears = Promise.withResolvers<void>();
	#listener = Bun.listen({
		hostname: "127.0.0.1",
		port: 0,
		socket: {
			open: (socket) => {
				this.#socket = socket;
				this.come.resolve();
			},
			data: (_, bytes) => {
				this.#said += bytes.toString();
				this.#hears.resolve();
			},
			close: () => this.gone.resolve(),
			error: () => {},
		},
	});

	get port(): number {
		return this.#listener.port;
	}

	async heard(): Promise<string> {
		await this.#hears.promise;
		return this.#said;
	}

	say(text: string): void {
		this.#socket?.write(text);
	}

	end(): void {
		this.#socket?.end();
	}

	reset(): void {
		this.#socket?.terminate();
	}

	stop(): void {
		this.#listener.stop(true);
	}
}

/** The peer asks for a service; `served` resolves when the stream is done with. */
function ask(
	portId: number | undefined,
	name = "me",
	holdMs = 0,
	frames = false,
): FarStream & { served: Promise<void> } {
	const opened = peer.open();
	const { stream } = opened;
	return { ...opened, served: serveStream(serving, { portId, frames, stream, peer: { id: peer.id, name }, holdMs }) };
}

const isUp = (portId: number) => health.states().find(({ port }) => port === portId)?.up;
const told = (words: string) =>
	printed.mock.calls
		.map(([line]) => String(line))
		.join("")
		.split(words).length - 1;

describe("a stream that asks for a service that does not exist", () => {
	test.each([
		["an unknown port id", 4, "unknown port id 4"],
		["port id 255", 255, "unknown port id 255"],
		["no header", undefined, "no valid header"],
	])("%s is refused, and no service is dialled", async (_, portId, why) => {
		const { send, served } = ask(portId);
		await served;
		expect([...send.written]).toEqual([REFUSED]);
		expect(send.endings).toEqual(["finish"]);
		expect(told(`warn: Refused a stream of 'me' (aaaaaaaaaa): ${why}.`)).toBe(1);
		expect(dialling).not.toHaveBeenCalled();
	});

	test("is one line a second in the log for each peer, whatever it asks for", async () => {
		const every = (from: string) => Promise.all([4, 5, undefined].map((portId) => ask(portId, from).served));
		await every("one");
		await every("other");
		await clock.pass(REPORT_EVERY_MS - 1);
		await every("one");
		expect([told("stream of 'one'"), told("stream of 'other'")]).toEqual([1, 1]);
		await clock.pass(1);
		await every("one");
		expect([told("stream of 'one'"), told("stream of 'other'")]).toEqual([2, 1]);
	});
});

describe("a service that is not running", () => {
	test("is refused, counts as down from then on, and is reported once until it runs again", async () => {
		setVerbosity(0);
		const { send, served } = ask(DOWN);
		await served;
		expect([...send.written]).toEqual([REFUSED]);
		expect(send.endings).toEqual(["finish"]);
		expect([isUp(DOWN), isUp(THERE)]).toEqual([false, true]);
		const line = "error: The frontend is not running at 127.0.0.1:";
		expect(told(line)).toBe(1);
		expect(told(": connection refused (asked for by 'me' (aaaaaaaaaa)).")).toBe(1);
		for (let i = 0; i < 10; i++) {
			await clock.pass(REPORT_EVERY_MS);
			await ask(DOWN, "somebody who polls").served;
		}
		expect(told(line)).toBe(1);
		await ask(3).served;
		expect(told("The websocket is not running"), "another one has a line of its own").toBe(1);
		health.learned(DOWN - 1, true);
		await ask(DOWN).served;
		expect(told(line)).toBe(2);
	});

	test("is logged each time it is asked for, at most one line a second", async () => {
		setVerbosity(2);
		await ask(DOWN).served;
		const line = "info: The frontend is not running at 127.0.0.1:";
		for (let i = 0; i < 4; i++) {
			await ask(DOWN).served;
			await clock.pass(REPORT_EVERY_MS / 2);
		}
		expect(told(line)).toBe(2);
	});

	test("and whose host does not answer is given up after ten seconds; a later answer is dropped at once", async () => {
		way = Promise.withResolvers();
		const { send, served } = ask(THERE);
		await clock.pass(DIAL_MS - 1);
		expect(await settled(served)).toBe(false);
		expect([...send.written]).toEqual([]);
		expect(isUp(THERE)).toBe(true);
		await clock.pass(1);
		expect([...send.written]).toEqual([REFUSED]);
		expect(isUp(THERE)).toBe(false);
		await served;
		expect(told("no answer within 10 s")).toBe(1);
		way.resolve();
		await service.come.promise;
		await service.gone.promise;
	});
});

/** Serving with another way to the first service; what it tells is in `events` alone. */
function servingBy(dialer: Dialer): Serving {
	const [first, ...others] = serving.routes as [Route, ...Route[]];
	const routes = [routeOf(first.service, dialer), ...others];
	health = new ServiceHealth(routes);
	return { ...serving, routes, health, emit: (event) => events.push(event) };
}

describe("what the person at the hub is told of a service", () => {
	test.skipIf(!LINUX)("that listens at another address of this machine: who does, and where", async () => {
		// The service of this test is on 127.0.0.1; 127.0.0.2 was chosen on purpose, and is not it.
		serving = servingBy(new Dialer({ host: "127.0.0.2", port: service.port }));
		for (let i = 0; i < 2; i++) await ask(DOWN).served;
		expect(events).toMatchObject([
			{
				type: "service_unreachable",
				kind: "refused",
				news: true,
				elsewhere: { address: { host: "127.0.0.1", port: service.port }, pid: process.pid },
			},
			{ type: "service_unreachable", news: false },
		]);
		expect(events[1], "once").not.toHaveProperty("elsewhere");
	});

	test("that answers at the other loopback address: which one is used, once", async () => {
		serving = servingBy(new Dialer({ host: "::1", port: service.port }));
		const first = ask(DOWN);
		await service.come.promise;
		const second = ask(DOWN);
		peer.leave("gone");
		await clock.pass(2 * RESET_GRACE_MS);
		await Promise.all([first.served, second.served]);
		const [stated, used] = [`[::1]:${service.port}`, `127.0.0.1:${service.port}`];
		expect(events.filter(({ type }) => type === "service_address")).toEqual([
			{ type: "service_address", service: "frontend", stated, used },
		]);
	});

	test("when this program may open no more files: itself, and the service is not called down", async () => {
		const dialer = serving.routes[0]?.dialer as Dialer;
		using _ = spyOn(dialer, "dial").mockRejectedValue(new DialError("descriptors", "too many open files"));
		const { send, served } = ask(DOWN);
		await served;
		expect([...send.written]).toEqual([REFUSED]);
		expect(isUp(DOWN)).toBe(true);
		expect(told("error: Cannot connect to the frontend: too many open files (asked for by 'me'")).toBe(1);
	});
});

test("a service that has left too many connections unanswered gets no more, until it says something", async () => {
	const full = spyOn((serving.routes[THERE - 1] as Route).unanswered, "isFull").mockReturnValue(true);
	const { send, served } = ask(THERE);
	await served;
	expect([...send.written]).toEqual([REFUSED]);
	expect(dialling).not.toHaveBeenCalled();
	expect(isUp(THERE)).toBe(true);
	expect(told(`error: Refused a connection to the backend for 'me' (aaaaaaaaaa): ${UNANSWERED_MAX} are open`)).toBe(1);
	full.mockRestore();
	const next = ask(THERE);
	await service.come.promise;
	peer.leave("gone");
	await next.served;
});

describe("a mistake of the program", () => {
	test("in a dial is not taken for a service that is down: it is thrown, and nothing is said about the service", async () => {
		const mistake = new TypeError("dial is broken");
		using _ = spyOn(sockets, "dial").mockRejectedValue(mistake);
		const { served } = ask(THERE);
		expect(await served.catch((error) => error)).toBe(mistake);
		expect(events).toEqual([]);
		expect(isUp(THERE)).toBe(true);
	});

	test("in taking note of a dial leaves no socket to the service open", async () => {
		const mistake = new TypeError("health is broken");
		using _ = spyOn(health, "learned").mockImplementation(() => {
			throw mistake;
		});
		const { served } = ask(THERE);
		expect(await served.catch((error) => error)).toBe(mistake);
		await service.gone.promise;
	});

	test("after the dial leaves no socket to the service open", async () => {
		const mistake = new ReferenceError("bridge is not defined");
		using _ = spyOn(serving.transfers, "run").mockRejectedValue(mistake);
		const { served } = ask(THERE);
		expect(await served.catch((error) => error)).toBe(mistake);
		await service.gone.promise;
	});
});

describe("a service that is running", () => {
	test("is accepted once it has been reached, not before, and counts as up", async () => {
		way = Promise.withResolvers();
		health.learned(THERE - 1, false);
		const { send, receive, served } = ask(THERE);
		receive.arrive(Buffer.from("ping"));
		expect(await settled(served)).toBe(false);
		expect([...send.written]).toEqual([]);
		way.resolve();
		expect(await service.heard()).toBe("ping");
		expect([...send.written]).toEqual([ACCEPTED]);
		expect(isUp(THERE)).toBe(true);
		expect(serving.transfers.busy()).toBe(1);
		peer.leave("gone");
		await service.gone.promise;
		await clock.pass(2 * RESET_GRACE_MS);
		await served;
		expect(serving.transfers.busy()).toBe(0);
	});

	test("and speaks at once: its first bytes and the answer are sent together", async () => {
		const { send, receive, served } = ask(THERE, "me", ANSWER_HOLD_MS);
		await service.come.promise;
		service.say("hello");
		service.end();
		await until(() => send.endings.length > 0);
		expect(send.flights).toEqual([1 + "hello".length]);
		expect([...send.written]).toEqual([ACCEPTED, ...Buffer.from("hello")]);
		send.acknowledge();
		receive.finish();
		await served;
	});

	test("and says nothing for a while: the answer is sent alone after the time that it may wait, not earlier", async () => {
		const { send, receive, served } = ask(THERE, "me", ANSWER_HOLD_MS);
		receive.arrive(Buffer.from("ping"));
		expect(await service.heard(), "the client's data does not wait").toBe("ping");
		await clock.pass(ANSWER_HOLD_MS - 1);
		expect([...send.written]).toEqual([]);
		await clock.pass(1);
		expect([...send.written]).toEqual([ACCEPTED]);
		service.say("pong");
		await until(() => send.flights.length > 1);
		expect(send.flights).toEqual([1, 4]);
		service.end();
		receive.finish();
		await until(() => send.endings.length > 0);
		send.acknowledge();
		await served;
	});

	test("and ends without a word: the answer is sent all the same, before the end", async () => {
		const { send, receive, served } = ask(THERE, "me", ANSWER_HOLD_MS);
		await service.come.promise;
		service.end();
		receive.finish();
		await until(() => send.endings.length > 0);
		expect([...send.written]).toEqual([ACCEPTED]);
		expect(send.endings).toEqual(["finish"]);
		send.acknowledge();
		await served;
		expect(clock.pending, "timers left running").toBe(0);
	});

	test("and resets the connection before the answer was sent: the stream is reset, and nothing follows", async () => {
		const { send, receive, served } = ask(THERE, "me", ANSWER_HOLD_MS);
		await service.come.promise;
		service.reset();
		await until(() => send.endings.length > 0);
		expect(send.endings).toEqual(["reset 1"]);
		receive.reset(1);
		await served;
		await clock.pass(ANSWER_HOLD_MS);
		expect([...send.written]).toEqual([]);
	});

	test("is disconnected at once when the stream is gone before it has answered", async () => {
		way = Promise.withResolvers();
		const { stream, served } = ask(THERE);
		stream.abort();
		way.resolve();
		await service.come.promise;
		await service.gone.promise;
		await served;
		expect(isUp(THERE), "it is there all the same").toBe(true);
		expect(serving.transfers.busy()).toBe(0);
	});

	test("is disconnected at once when the peer has stopped reading before it has answered", async () => {
		way = Promise.withResolvers();
		const { send, receive, stream, served } = ask(THERE);
		send.stop(1);
		way.resolve();
		await service.come.promise;
		await service.gone.promise;
		// The hub's own stop takes effect when the pending read returns.
		receive.finish();
		await served;
		expect([send.free, receive.free]).toEqual([true, true]);
		await stream.closed;
	});
});
