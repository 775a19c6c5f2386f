// Failure injection: each call into the binding that hub and peer wait for fails once, early or later in their life.
// Whatever fails, the process goes on, a connection made afterwards works, and in the end no handle is left.
import { afterEach, expect, test } from "bun:test";
import { liveHandles, loadIroh } from "../../src/iroh.ts";
import { LOOPBACK, startHub, startPeer } from "../support/tunnel.ts";

const iroh = await loadIroh();
const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("x".repeat(100_000)) });

let restore = () => {};
afterEach(() => restore());

type Class = "Connection" | "SendStream" | "RecvStream" | "Endpoint" | "Incoming" | "Accepting" | "BiStream";

/** The `nth` call of a method from now on rejects. */
function failOnce(name: Class, method: string, nth: number): { happened: () => boolean } {
	const prototype = iroh[name].prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
	const original = prototype[method] as (...args: unknown[]) => Promise<unknown>;
	let calls = 0;
	prototype[method] = function (this: unknown, ...args: unknown[]) {
		return ++calls === nth ? Promise.reject(new Error(`injected into ${name}.${method}`)) : original.apply(this, args);
	};
	restore = () => {
		prototype[method] = original;
	};
	return { happened: () => calls >= nth };
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
			await peer.stop();
			await hub.stop();
			await settled(before);
			expect(liveHandles()).toBeLessThanOrEqual(before);
		}, 30_000);
	}
}

test("the first connect fails: join says so, and leaves nothing open", async () => {
	const before = liveHandles();
	const hub = await startHub([port as number]);
	failOnce("Endpoint", "connect", 1);
	const error = await startPeer(hub.ticket).catch((reason: unknown) => reason);
	expect(error).toMatchObject({ code: "unreachable" });
	await hub.stop();
	await settled(before);
	expect(liveHandles()).toBeLessThanOrEqual(before);
});

/** Acknowledgements come a moment later. */
async function settled(before: number): Promise<void> {
	const deadline = performance.now() + 3000;
	while (performance.now() < deadline && liveHandles() > before) await Bun.sleep(5);
}
