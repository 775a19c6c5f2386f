// Failure injection: each call into the binding that hub and peer await fails once, early or late in their life.
// Whatever fails, the process goes on, a connection made afterwards works, and no handle is left in the end.
import { afterAll, afterEach, expect, spyOn, test } from "bun:test";
import { liveHandles, loadIroh, type Connection as NativeConnection } from "../../src/transport/iroh.ts";
import { handlesSettle } from "../support/handles.ts";
import { nativeBytes } from "../support/native-bytes.ts";
import { LOOPBACK, startHub, startPeer } from "../support/tunnel.ts";

const iroh = await loadIroh();
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("x".repeat(100_000)) });
const { port } = server;
afterAll(() => server.stop(true));

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

/** Makes the `nth` call of a method from now on reject. */
const failOnce = (name: Class, method: string, nth: number) => fail(name, method, (call) => call === nth);

/** From now on, calls of a method reject where `fails` says so; calls are counted from 1. */
function fail(name: Class, method: string, fails: (call: number) => boolean) {
	const prototype = iroh[name].prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
	const original = prototype[method] as (...args: unknown[]) => Promise<unknown>;
	const failed = Promise.withResolvers<void>();
	let calls = 0;
	prototype[method] = function (this: unknown, ...args: unknown[]) {
		if (!fails(++calls)) return original.apply(this, args);
		failed.resolve();
		return Promise.reject(new Error(`injected into ${name}.${method}`));
	};
	restore = () => {
		prototype[method] = original;
	};
	/** `failed` resolves when the first of them has. */
	return { calls: () => calls, failed: failed.promise };
}

/** A client waits at most 10 s for a hub, and 10 s for a stream: one that waits longer than this hangs. */
const HANGS_MS = 25_000;

/** The length of the page; -1 when the client was reset or refused, which is allowed. Rejects when it hangs. */
const page = (peerPort: number) =>
	fetch(`http://127.0.0.1:${peerPort}/`, {
		keepalive: false,
		headers: { connection: "close" },
		signal: AbortSignal.timeout(HANGS_MS),
	})
		.then((response) => response.text())
		.then((text) => text.length)
		.catch((error: Error) => {
			if (error.name === "TimeoutError") throw error;
			return -1;
		});

/** A client that resets its connection in the middle of the page, unless it is refused first. */
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

/** The first page that a client gets without being reset or refused, or -1 after twenty tries. */
async function answer(peerPort: number): Promise<number> {
	let length = -1;
	for (let i = 0; i < 20 && length === -1; i++) length = await page(peerPort);
	return length;
}

const POINTS: [Class, string, number[]][] = [
	["Connection", "openBi", [1, 2]],
	["Connection", "acceptBi", [1, 2]],
	["Connection", "acceptUni", [1, 2]],
	["Connection", "closed", [1, 2]],
	["Endpoint", "acceptNext", [1]],
	["Incoming", "remoteAddr", [1]],
	["Incoming", "accept", [1]],
	["Accepting", "connect", [1]],
	["SendStream", "writeAll", [1, 2, 5]],
	["SendStream", "finish", [1, 2]],
	["SendStream", "stopped", [1]],
	["SendStream", "reset", [1]],
	["RecvStream", "read", [1, 2, 5]],
	["RecvStream", "stop", [1]],
];

/** Calls made while a connection is accepted, or just after, fail for the first peer, which may then try again. */
const EARLY = new Set([
	"Endpoint.acceptNext",
	"Incoming.remoteAddr",
	"Incoming.accept",
	"Accepting.connect",
	"Connection.acceptUni",
	"Connection.closed",
]);

for (const [name, method, calls] of POINTS) {
	for (const nth of calls) {
		test(`${name}.${method} fails, call ${nth}: the tunnel is usable again and leaves nothing open`, async () => {
			const before = liveHandles();
			const hub = await startHub([port as number]);
			const join = () => startPeer(hub.ticket, LOOPBACK, { reconnect: true });
			const early = EARLY.has(`${name}.${method}`) ? failOnce(name, method, nth) : undefined;
			const peer = await join().catch(join);
			const failure = early ?? failOnce(name, method, nth);
			await leaveEarly(peer.ports[0] as number);
			expect(await answer(peer.ports[0] as number)).toBe(100_000);
			// reset() is called only after its grace period.
			await failure.failed;
			restore();
			await leavesNothing(before, peer, hub);
		}, 60_000);
	}
}

test("the first connect fails: join reports it and leaves nothing open", async () => {
	const before = liveHandles();
	const hub = await startHub([port as number]);
	failOnce("Endpoint", "connect", 1);
	const error = await startPeer(hub.ticket).catch((reason: unknown) => reason);
	expect(error).toMatchObject({ code: "unreachable" });
	await leavesNothing(before, hub);
});

test("dialling the service fails once: that client is refused, the next one is served", async () => {
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

/** A tunnel whose connection the test can end without either side asking for it, as a network would. */
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
		native.close(0n, nativeBytes());
		await native.closed().catch(() => {});
	};
	return { hub, peer, lose };
}

test("a client connects after the connection ended but before anybody noticed: it waits for the next one", async () => {
	const before = liveHandles();
	const prototype = iroh.Connection.prototype;
	const { closed } = prototype;
	const asked = Promise.withResolvers<void>();
	// The end is reported only after the client has asked for a stream.
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
}, 60_000);

for (const nth of [1, 2]) {
	test(`the connection is lost and ${nth} of the attempts to replace it fail: a new client waits for the next`, async () => {
		const before = liveHandles();
		const { hub, peer, lose } = await losable();
		const failures = fail("Endpoint", "connect", (call) => call <= nth);
		await lose();
		expect(await page(peer.ports[0] as number)).toBe(100_000);
		expect(failures.calls(), "the attempts failed, and another one was made").toBeGreaterThan(nth);
		restore();
		await leavesNothing(before, peer, hub);
	}, 60_000);
}

test("the connection is lost and no second endpoint can be bound for a parallel attempt: the first one is enough", async () => {
	const before = liveHandles();
	const { hub, peer, lose } = await losable();
	const binding = fail("EndpointBuilder", "bind", () => true);
	const unbind = restore;
	// The usual attempt makes no progress until the parallel one has failed.
	const prototype = iroh.Endpoint.prototype;
	const { connect } = prototype;
	prototype.connect = async function (this: typeof prototype, ...args: Parameters<typeof connect>) {
		await binding.failed;
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
}, 60_000);

for (const [nth, who] of [
	[1, "peer"],
	[2, "hub"],
] as const) {
	test(`the ${who}'s endpoint cannot be closed: the ${who} stops all the same and leaves nothing open`, async () => {
		const before = liveHandles();
		const hub = await startHub([port as number]);
		const peer = await startPeer(hub.ticket);
		expect(await page(peer.ports[0] as number)).toBe(100_000);
		const failure = failOnce("Endpoint", "close", nth);
		await peer.stop();
		await hub.stop();
		await failure.failed;
		// stop() does not say how they ended.
		await Promise.all([peer.done, hub.done]);
		await handlesSettle(before);
		expect(liveHandles()).toBeLessThanOrEqual(before);
	});
}

/** Stops these and expects that every handle of theirs is gone. */
async function leavesNothing(before: number, ...ends: { stop(): Promise<void> }[]): Promise<void> {
	for (const end of ends) await end.stop();
	await handlesSettle(before);
	expect(liveHandles()).toBeLessThanOrEqual(before);
}
