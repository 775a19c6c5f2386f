// Which address of a service is connected to, over real sockets on both loopback addresses and lookups that the test
// answers.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { DialError } from "../../../src/forward/dial-error.ts";
import { Dialer, type DialerOptions } from "../../../src/forward/dialer.ts";
import { RESOLVED_MS, STAGGER_MS } from "../../../src/forward/limits.ts";
import * as sockets from "../../../src/forward/tcp.ts";
import { DeafService } from "../../support/deaf-service.ts";
import { Clock } from "../../support/far-hub.ts";

const V4 = "127.0.0.1";
const V6 = "::1";
/** Loopback addresses that a name can lead to, as those of containers. */
const OLD = "127.0.0.21";
const NEW = "127.0.0.22";

interface Service {
	port: number;
	/** Connections so far. */
	connections: number;
	stop(): void;
}

let services: Service[];
let dialling: Mock<typeof sockets.dial>;
/** How far performance.now is ahead of the real one. */
let ahead: number;
let clock: Mock<() => number>;

beforeEach(() => {
	services = [];
	ahead = 0;
	const now = performance.now.bind(performance);
	clock = spyOn(performance, "now").mockImplementation(() => now() + ahead);
	dialling = spyOn(sockets, "dial");
});

afterEach(() => {
	for (const service of services) service.stop();
	dialling.mockRestore();
	clock.mockRestore();
});

function listen(host: string, port = 0): Service {
	const service = { port: 0, connections: 0, stop: () => listener.stop(true) };
	const listener = Bun.listen({
		hostname: host,
		port,
		socket: { open: () => void service.connections++, data: (socket, bytes) => void socket.write(bytes) },
	});
	service.port = listener.port;
	services.push(service);
	return service;
}

/** A port on which nobody listens. */
function free(): number {
	const service = listen("::");
	service.stop();
	return service.port;
}

/** Where a dial got to, after an echo through it; or the kind of its failure. */
async function reach(dialer: Dialer, timeoutMs = 5_000): Promise<string> {
	try {
		const { socket, at } = await dialer.dial(timeoutMs);
		await socket.write(Buffer.from("ping"));
		expect(Buffer.from((await socket.read()) as Uint8Array).toString()).toBe("ping");
		await socket.end();
		await socket.closed;
		return at.host;
	} catch (error) {
		expect(error).toBeInstanceOf(DialError);
		return (error as DialError).kind;
	}
}

const dialer = (host: string, port: number, options?: DialerOptions) => new Dialer({ host, port }, options);
const loop = () => new DialError("forbidden", "the local port of a peer");

describe("a literal address", () => {
	test.each([V4, V6])("%s that answers is dialled once, and nothing else is tried", async (host) => {
		const service = listen(host);
		const one = dialer(host, service.port);
		expect(await reach(one)).toBe(host);
		expect(await reach(one)).toBe(host);
		expect(dialling).toHaveBeenCalledTimes(2);
		expect(service.connections).toBe(2);
	});

	test.each([
		[V4, V6],
		[V6, V4],
	])("a service on the other loopback address than %s is reached (Vite listens on [::1] only)", async (host, other) => {
		const { port } = listen(other);
		expect(await reach(dialer(host, port))).toBe(other);
	});

	test("the other loopback address is first for a while, and the one that was stated as soon as it answers again", async () => {
		const service = listen(V6);
		const one = dialer(V4, service.port);
		const tried = () => dialling.mock.calls.splice(0).map(([{ host }]) => host);
		await reach(one);
		expect(tried()).toEqual([V4, V6]);
		await reach(one);
		expect(tried()).toEqual([V6]);
		ahead += RESOLVED_MS;
		await reach(one);
		expect(tried()).toEqual([V4, V6]);
		service.stop();
		listen(V4, service.port);
		expect(await reach(one)).toBe(V4);
		expect(tried()).toEqual([V6, V4]);
		expect(await reach(one)).toBe(V4);
		expect(tried()).toEqual([V4]);
	});

	test("where neither answers it is the stated one that was refused", async () => {
		const port = free();
		expect(await reach(dialer(V4, port))).toBe("refused");
		expect(dialling.mock.calls.map(([{ host }]) => host)).toEqual([V4, V6]);
	});

	test("another address of 127.0.0.0/8 was chosen on purpose: nothing else is tried", async () => {
		const { port } = listen(V4);
		expect(await reach(dialer("127.0.0.2", port))).toBe("refused");
		expect(dialling).toHaveBeenCalledTimes(1);
	});

	test.skipIf(process.platform !== "linux")("a time-out does not lead to the other address", async () => {
		await using deaf = await DeafService.start();
		await deaf.freeze();
		listen(V6, deaf.port);
		expect(await reach(dialer(V4, deaf.port), 20)).toBe("timeout");
		await deaf.thaw(1);
	});

	test("one that must not be dialled is not, and the other one is if it may be", async () => {
		const service = listen(V4);
		const one = dialer(V4, service.port, { forbids: ({ host }) => (host === V4 ? loop() : undefined) });
		expect(await reach(one)).toBe("forbidden");
		listen(V6, service.port);
		expect(await reach(one)).toBe(V6);
		expect(service.connections).toBe(0);
	});
});

describe("localhost", () => {
	test("a service on [::] sees one connection for each, not two", async () => {
		const service = listen("::");
		const one = dialer("localhost", service.port);
		for (let i = 0; i < 5; i++) await reach(one);
		expect(service.connections).toBe(5);
	});

	test.each([V4, V6])("a service on %s only is reached, and tried first from then on", async (host) => {
		const service = listen(host);
		const one = dialer("LocalHost.", service.port, { lookup: () => Promise.reject(new Error("never asked for")) });
		expect(await reach(one)).toBe(host);
		using trying = spyOn(sockets, "attempt");
		expect(await reach(one)).toBe(host);
		expect(trying.mock.calls.map(([at]) => at.host)).toEqual([host]);
		expect(service.connections).toBe(2);
	});

	test("that nobody listens is a refusal", async () => {
		expect(await reach(dialer("localhost", free()))).toBe("refused");
	});

	test("the second address is tried when the first has not answered for 250 ms, and both until time is up", async () => {
		clock.mockRestore();
		const time = new Clock();
		const tried: string[] = [];
		using _ = spyOn(sockets, "attempt").mockImplementation(({ host }, signal) => {
			tried.push(host);
			return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
		});
		try {
			const failing = dialer("localhost", 3000)
				.dial(10_000)
				.catch((error) => error);
			await time.pass(STAGGER_MS - 1);
			expect(tried).toEqual([V6]);
			await time.pass(1);
			expect(tried).toEqual([V6, V4]);
			await time.pass(10_000 - STAGGER_MS);
			expect(await failing).toMatchObject({ kind: "timeout", message: "no answer within 10 s" });
			expect(time.pending).toBe(0);
		} finally {
			time.restore();
		}
	});

	test.skipIf(process.platform !== "linux")("an attempt that lost is never seen by the service", async () => {
		await using deaf = await DeafService.start();
		let only4 = true;
		const one = dialer("localhost", deaf.port, { forbids: ({ host }) => (only4 && host === V6 ? loop() : undefined) });
		const { socket } = await one.dial(5_000);
		await socket.end();
		await socket.closed;
		await deaf.freeze();
		only4 = false;
		listen(V6, deaf.port);
		// 127.0.0.1 answered last and is tried first, in vain.
		using trying = spyOn(sockets, "attempt");
		expect(await reach(one)).toBe(V6);
		expect(trying.mock.calls.map(([at]) => at.host)).toEqual([V4, V6]);
		expect(await deaf.thaw(1), "only the first dial").toBe("+");
	});
});

describe("a name", () => {
	/** What the name leads to, one answer for each lookup; the last one holds. */
	function name(port: number, ...answers: (readonly string[] | Error)[]) {
		let lookups = 0;
		const lookup = async () => {
			const answer = answers[Math.min(lookups++, answers.length - 1)];
			if (answer instanceof Error) throw answer;
			return answer ?? [];
		};
		return { one: dialer("frontend", port, { lookup }), lookups: () => lookups };
	}

	test("is asked for once while it works", async () => {
		const { port } = listen(OLD);
		const { one, lookups } = name(port, [OLD]);
		for (let i = 0; i < 3; i++) expect(await reach(one)).toBe(OLD);
		expect(lookups()).toBe(1);
	});

	test("a container that got a new address is found at once: a refusal asks again", async () => {
		const service = listen(OLD);
		const { one } = name(service.port, [OLD], [NEW]);
		expect(await reach(one)).toBe(OLD);
		service.stop();
		listen(NEW, service.port);
		expect(await reach(one)).toBe(NEW);
		expect(await reach(one), "and is remembered").toBe(NEW);
	});

	test.skipIf(process.platform !== "linux")("an address that does not answer asks again, too", async () => {
		await using deaf = await DeafService.start();
		const { one, lookups } = name(deaf.port, [V4], [NEW]);
		const { socket } = await one.dial(5_000);
		await socket.end();
		await socket.closed;
		await deaf.freeze();
		listen(NEW, deaf.port);
		expect(await reach(one)).toBe(NEW);
		expect(lookups()).toBe(2);
		expect(deaf.pending(), "the attempt in vain is over").toBe(0);
	});

	test("of its addresses the one that answered last is first", async () => {
		const service = listen(NEW);
		const { one } = name(service.port, [OLD, NEW]);
		expect(await reach(one)).toBe(NEW);
		using trying = spyOn(sockets, "attempt");
		expect(await reach(one)).toBe(NEW);
		expect(trying.mock.calls.map(([at]) => at.host)).toEqual([NEW]);
	});

	test("that is not found is no refusal", async () => {
		const missing = Object.assign(new Error("getaddrinfo ENOTFOUND frontend"), { code: "ENOTFOUND" });
		const { one } = name(1, missing);
		expect(await reach(one)).toBe("name");
	});

	test("whose lookup takes longer than there is time is given up", async () => {
		const one = dialer("frontend", 1, { lookup: () => new Promise(() => {}) });
		expect(await reach(one, 20)).toBe("timeout");
	});

	test("whose addresses all refuse is refused, after one more lookup", async () => {
		const { one, lookups } = name(free(), [OLD, NEW]);
		expect(await reach(one)).toBe("refused");
		expect(lookups()).toBe(2);
	});

	test("that leads to an address that must not be dialled is not dialled there", async () => {
		const service = listen(OLD);
		const one = dialer("frontend", service.port, { lookup: async () => [OLD], forbids: loop });
		expect(await reach(one)).toBe("forbidden");
		expect(service.connections).toBe(0);
	});
});

test("the addresses of a service are those that a dial would try", async () => {
	const addresses = async (host: string, options?: DialerOptions) =>
		(await dialer(host, 3000, options).addresses()).map((one) => `${one.host} ${one.port}`);
	expect(await addresses(V4)).toEqual(["127.0.0.1 3000", "::1 3000"]);
	expect(await addresses("10.0.0.7")).toEqual(["10.0.0.7 3000"]);
	expect(await addresses("localhost")).toEqual(["::1 3000", "127.0.0.1 3000"]);
	expect(await addresses("frontend", { lookup: async () => [OLD] })).toEqual([`${OLD} 3000`]);
	const missing = { lookup: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })) };
	expect(await addresses("frontend", missing).catch((error) => error.kind)).toBe("name");
});
