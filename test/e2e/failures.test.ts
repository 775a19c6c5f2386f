// Failure injection: each call into the binding that hub and peer wait for fails once, early or later in their life.
// Whatever fails, the process goes on, a connection made afterwards works, and in the end no handle is left.
import { afterEach, expect, spyOn, test } from "bun:test";
import { liveHandles, loadIroh, type Connection as NativeConnection } from "../../src/iroh.ts";
import { LOOPBACK, startHub, startPeer } from "../support/tunnel.ts";

const iroh = await loadIroh();
const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("x".repeat(100_000)) });

let restore = () => {};
afterEach(() => restore());

type Class =
	| "EndpointBuilder"
	| "Connection"
	| "SendStream"
	| "RecvStream"
	| "Endpoint"
	| "Incoming"
	| "Accepting"
	| "BiStream";

/** The `nth` call of a method from now on rejects. */
function failOnce(name: Class, method: string, nth: number): { happened: () => boolean } {
	const { calls } = fail(name, method, (call) => call === nth);
	return { happened: () => calls() >= nth };
}

/** From now on those calls of a method reject for which `fails` says so; they are counted from 1. */
function fail(name: Class, method: string, fails: (call: number) => boolean) {
	const prototype = iroh[name].prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
	const original = prototype[method] as (...args: unknown[]) => Promise<unknown>;
	const first = Promise.withResolvers<void>();
	let calls = 0;
	prototype[method] = function (this: unknown, ...args: unknown[]) {
		first.resolve();
		return fails(++calls) ? Promise.reject(new Error(`injected into ${name}.${method}`)) : original.apply(this, args);
	};
	restore = () => {
		prototype[method] = original;
	};
	return { calls: () => calls, called: first.promise };
}

const page = (peerPort: number) =>
	fetch(`http://127.0.0.1:${peerPort}/`, {
		keepalive: false,
		headers: { connection: "close" },
		signal: AbortSignal.timeout(3000),
	})
		.then((response) => response.text())
		.then((text) => text.length)
		.catch(() => -1);

/** A client that resets its connection in the middle of the page, or is told that there is none. */
async function leaveEarly(peerPort: number): Promise<void> {
	const over = Promise.withResolvers<void>();
	await Bun.connect({
		hostname: "127.0.0.1",
		port: peerPort,
		socket: {
			open: (socket) => void socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
			data: (socket) => socket.terminate(),
			close: () => over.resolve(),
		},
	});
	await over.promise;
}

/** Requests until one is answered in full; bounded. */
async function usable(peerPort: number): Promise<boolean> {
	for (let i = 0; i < 20; i++) if ((await page(peerPort)) === 100_000) return true;
	return false;
}

const POINTS: [Class, string, number[]][] = [
	["Connection", "openBi", [1, 2]],
	["Connection", "acceptBi", [1, 2]],
	["Endpoint", "acceptNext", [1]],
	["Incoming", "remoteAddr", [1]],
	["Incoming", "accept", [1]],
	["Accepting", "connect", [1]],
	["SendStream", "writeAll", [1, 2, 5]],
	["SendStream", "finish", [1, 2]],
	["SendStream", "stopped", [1]],
	["SendStream", "reset", [1]],
	["SendStream", "id", [1, 2]],
	["RecvStream", "read", [1, 2, 5]],
	["RecvStream", "stop", [1]],
];

for (const [name, method, calls] of POINTS) {
	for (const nth of calls) {
		test(`${name}.${method} fails, call ${nth}: the tunnel is usable again and leaves nothing open`, async () => {
			const before = liveHandles();
			const hub = await startHub([port as number]);
			const join = () => startPeer(hub.ticket, LOOPBACK, { reconnect: true });
			// What belongs to accepting a connection fails for the first peer, which may come a second time.
			const early = ["Endpoint", "Incoming", "Accepting"].includes(name) ? failOnce(name, method, nth) : undefined;
			const peer = await join().catch(join);
			const failure = early ?? failOnce(name, method, nth);
			await leaveEarly(peer.ports[0] as number);
			expect(await usable(peer.ports[0] as number)).toBe(true);
			// A reset waits for its grace before it is called.
			for (let i = 0; i < 600 && !failure.happened(); i++) await Bun.sleep(5);
			expect(failure.happened(), "it did fail").toBe(true);
			restore();
			await leavesNothing(before, peer, hub);
		}, 30_000);
	}
}

test("the first connect fails: join says so, and leaves nothing open", async () => {
	const before = liveHandles();
	const hub = await startHub([port as number]);
	failOnce("Endpoint", "connect", 1);
	const error = await startPeer(hub.ticket).catch((reason: unknown) => reason);
	expect(error).toMatchObject({ code: "unreachable" });
	await leavesNothing(before, hub);
});

test("the service cannot be dialled once: that client is turned away, the next one is not", async () => {
	const before = liveHandles();
	const hub = await startHub([port as number]);
	const peer = await startPeer(hub.ticket);
	const connect = Bun.connect;
	let failures = 0;
	const dial = spyOn(Bun, "connect").mockImplementation(((options: { port?: number }) =>
		options.port === port && ++failures === 1
			? Promise.reject(new Error("injected into Bun.connect"))
			: connect(options as never)) as typeof Bun.connect);
	restore = () => dial.mockRestore();
	expect(await page(peer.ports[0] as number)).toBe(-1);
	expect(failures).toBe(1);
	expect(await page(peer.ports[0] as number)).toBe(100_000);
	expect(failures, "the hub dialled again").toBe(2);
	restore();
	await leavesNothing(before, peer, hub);
});

/** A tunnel whose connection the test can end, as a network would: neither side has asked for it. */
async function losable() {
	const prototype = iroh.Endpoint.prototype;
	const { connect } = prototype;
	const made = Promise.withResolvers<NativeConnection>();
	prototype.connect = function (this: typeof prototype, ...args: Parameters<typeof connect>) {
		const connecting = connect.apply(this, args);
		connecting.then(made.resolve, made.reject);
		return connecting;
	};
	restore = () => {
		prototype.connect = connect;
	};
	const hub = await startHub([port as number]);
	const peer = await startPeer(hub.ticket, LOOPBACK, { reconnect: true });
	restore();
	const native = await made.promise;
	const lose = async () => {
		native.close(0n, []);
		await native.closed().catch(() => {});
	};
	return { hub, peer, lose };
}

test("a client comes when the connection is over and nobody has noticed: it waits for the next one", async () => {
	const before = liveHandles();
	const prototype = iroh.Connection.prototype;
	const { closed } = prototype;
	const asked = Promise.withResolvers<void>();
	// The news of the end comes after the client.
	prototype.closed = async function (this: typeof prototype) {
		const reason = await closed.call(this);
		await asked.promise;
		return reason;
	};
	const { hub, peer, lose } = await losable();
	const { openBi } = prototype;
	prototype.openBi = function (this: typeof prototype) {
		const opening = openBi.call(this);
		opening.catch(() => asked.resolve());
		return opening;
	};
	restore = () => Object.assign(prototype, { closed, openBi });
	const losing = lose();
	expect(await page(peer.ports[0] as number)).toBe(100_000);
	await losing;
	restore();
	await leavesNothing(before, peer, hub);
}, 30_000);

for (const nth of [1, 2]) {
	test(`the connection is lost and the first ${nth} to make another fail: a new client waits for the next`, async () => {
		const before = liveHandles();
		const { hub, peer, lose } = await losable();
		await lose();
		const failures = fail("Endpoint", "connect", (call) => call <= nth);
		expect(await page(peer.ports[0] as number)).toBe(100_000);
		expect(failures.calls(), "they did fail, and one more was made").toBeGreaterThan(nth);
		restore();
		await leavesNothing(before, peer, hub);
	}, 30_000);
}

test("the connection is lost and no second endpoint can be bound beside a slow attempt: the attempt is enough", async () => {
	const before = liveHandles();
	const { hub, peer, lose } = await losable();
	const binding = fail("EndpointBuilder", "bind", () => true);
	const unbind = restore;
	// The usual attempt gets nowhere until the other has failed.
	const prototype = iroh.Endpoint.prototype;
	const { connect } = prototype;
	prototype.connect = async function (this: typeof prototype, ...args: Parameters<typeof connect>) {
		await binding.called;
		return connect.apply(this, args);
	};
	restore = () => {
		prototype.connect = connect;
		unbind();
	};
	await lose();
	expect(await page(peer.ports[0] as number)).toBe(100_000);
	expect(binding.calls()).toBe(1);
	restore();
	await leavesNothing(before, peer, hub);
}, 30_000);

for (const [nth, who] of [
	[1, "peer"],
	[2, "hub"],
] as const) {
	test(`the ${who}'s endpoint cannot be closed: it stops all the same, and leaves nothing open`, async () => {
		const before = liveHandles();
		const hub = await startHub([port as number]);
		const peer = await startPeer(hub.ticket);
		expect(await page(peer.ports[0] as number)).toBe(100_000);
		const failure = failOnce("Endpoint", "close", nth);
		await peer.stop();
		await hub.stop();
		expect(failure.happened(), "it did fail").toBe(true);
		// stop() does not say how they ended.
		await Promise.all([peer.done, hub.done]);
		await settled(before);
		expect(liveHandles()).toBeLessThanOrEqual(before);
	});
}

/** Stops these, and sees that every handle of theirs is gone. */
async function leavesNothing(before: number, ...ends: { stop(): Promise<void> }[]): Promise<void> {
	for (const end of ends) await end.stop();
	await settled(before);
	expect(liveHandles()).toBeLessThanOrEqual(before);
}

/** Acknowledgements come a moment later. */
async function settled(before: number): Promise<void> {
	const deadline = performance.now() + 3000;
	while (performance.now() < deadline && liveHandles() > before) await Bun.sleep(5);
}
