// Connecting: what a service sees of it, over real sockets of another TCP implementation (Node's).
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { DialError } from "../../../src/forward/dial-error.ts";
import type { Duplex } from "../../../src/forward/duplex.ts";
import { attempt, dial } from "../../../src/forward/tcp.ts";
import { TcpDuplex } from "../../../src/forward/tcp-duplex.ts";
import { DeafService } from "../../support/deaf-service.ts";
import { Puppet, type PuppetServer } from "../../support/puppet.ts";

let puppet: Puppet;
let service: PuppetServer;
beforeAll(async () => {
	puppet = new Puppet();
	service = await puppet.listen();
});
afterAll(() => puppet[Symbol.asyncDispose]());

const never = new AbortController().signal;
const at = (port: number, host = "127.0.0.1") => ({ host, port });

/** A port on which nobody listens. */
function free(): number {
	const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	listener.stop();
	return listener.port;
}

async function text(duplex: Duplex): Promise<string> {
	let all = "";
	for (let bytes = await duplex.read(); bytes; bytes = await duplex.read()) all += Buffer.from(bytes).toString();
	return all;
}

const failure = (work: Promise<unknown>): Promise<DialError> =>
	work.then(
		() => {
			throw new Error("it was connected");
		},
		(error) => {
			expect(error).toBeInstanceOf(DialError);
			return error;
		},
	);

/** Both ways to connect behave the same: one is Bun's, the other is taken out of a socket of node:net. */
for (const [name, connect] of [
	["dial", (port: number, host?: string) => dial(at(port, host), 5_000) as Promise<TcpDuplex>],
	["attempt", (port: number, host?: string) => attempt(at(port, host), never)],
] as const) {
	describe(`${name}:`, () => {
		test("every byte arrives, in both directions, and both ends are clean", async () => {
			const accepting = service.accept();
			const duplex = await connect(service.port);
			const there = await accepting;
			await there.write("speaks first, ");
			await duplex.write(Buffer.from("hello"));
			expect((await there.received(5)).head).toBe("hello");
			await duplex.end();
			expect((await there.ended()).ended).toBe(true);
			await there.write("and after our end");
			await there.end();
			expect(await text(duplex)).toBe("speaks first, and after our end");
			expect(await duplex.closed).toBeUndefined();
			expect((await there.closed()).error).toBeNull();
		});

		test("megabytes arrive as they were, and a slow reader holds the sender up", async () => {
			const accepting = service.accept();
			const duplex = await connect(service.port);
			const there = await accepting;
			const size = 20_000_000;
			await there.sending(size);
			const hash = new Bun.CryptoHasher("sha256");
			const first = await duplex.read();
			hash.update(first as Uint8Array);
			expect((await there.state()).sent).toBeLessThan(size);
			let length = first?.length ?? 0;
			while (length < size) {
				const bytes = (await duplex.read()) as Uint8Array;
				hash.update(bytes);
				length += bytes.length;
			}
			expect(hash.digest("hex")).toBe(await puppet.hash(size));
			duplex.abort();
			await there.closed();
		});

		test("a reset is seen on both sides as one", async () => {
			const accepting = service.accept();
			const duplex = await connect(service.port);
			const there = await accepting;
			await there.reset();
			expect((await duplex.closed)?.message).toContain("ECONNRESET");
			const next = service.accept();
			const other = await connect(service.port);
			const far = await next;
			other.abort();
			expect((await far.closed()).error).toBe("ECONNRESET");
		});

		test("it lives on when nothing of node:net is referenced any more", async () => {
			const accepting = service.accept();
			const duplex = await connect(service.port);
			const there = await accepting;
			for (let i = 0; i < 3; i++) Bun.gc(true);
			await there.write("still there");
			expect(Buffer.from((await duplex.read()) as Uint8Array).toString()).toBe("still there");
			await Promise.all([duplex.end(), there.end()]);
			await there.closed();
		});

		test("that nobody listens is a refusal", async () => {
			const error = await failure(connect(free()));
			expect([error.kind, error.message]).toEqual(["refused", "connection refused"]);
		});

		test("IPv6 is dialled by its address", async () => {
			const there = await puppet.listen("::1");
			const accepting = there.accept();
			const duplex = await connect(there.port, "::1");
			const socket = await accepting;
			await Promise.all([duplex.end(), socket.end()]);
			await socket.closed();
		});

		test("a connection that is not needed ends without a reset, also when the service speaks first", async () => {
			const accepting = service.accept();
			const duplex = await connect(service.port);
			const there = await accepting;
			await there.write("220 banner\r\n");
			duplex.release();
			expect((await there.ended()).ended).toBe(true);
			await there.write("221 bye\r\n");
			await there.end();
			expect((await there.closed()).error).toBeNull();
			expect(await duplex.closed).toBeUndefined();
		});
	});
}

test("node:net leaves nothing behind in what was taken out of it", async () => {
	const accepting = service.accept();
	const duplex = await attempt(at(service.port), never);
	const there = await accepting;
	expect(Object.keys(duplex).sort()).toEqual(Object.keys(new TcpDuplex()).sort());
	await Promise.all([duplex.end(), there.end()]);
	await there.closed();
});

test("two that were taken out of node:net at once do not mix", async () => {
	const accepting = [service.accept(), service.accept()];
	const both = await Promise.all([attempt(at(service.port), never), attempt(at(service.port), never)]);
	const there = await Promise.all(accepting);
	await Promise.all(both.map((one, i) => one.write(Buffer.from(`number ${i}`))));
	const heads = await Promise.all(there.map(async (one) => (await one.received(8)).head));
	expect(heads.sort()).toEqual(["number 0", "number 1"]);
	await Promise.all([...both, ...there].map((one) => one.end()));
	await Promise.all(there.map((one) => one.closed()));
});

test("a release that the other side does not answer closes the descriptor after its time, and sends nothing more", async () => {
	const accepting = service.accept();
	const duplex = await attempt(at(service.port), never);
	const there = await accepting;
	const timers: { run: () => void; ms: number }[] = [];
	const timing = spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms: number) => {
		timers.push({ run, ms });
		return 0;
	}) as unknown as typeof setTimeout);
	duplex.release();
	timing.mockRestore();
	expect((await there.ended()).ended).toBe(true);
	timers.at(-1)?.run();
	expect(await duplex.closed).toBeUndefined();
	expect(await there.state()).toMatchObject({ error: null, closed: false });
	// Only now does the other side end, and still in peace.
	await there.end();
	expect((await there.closed()).error).toBeNull();
});

describe("an attempt that is given up", () => {
	test("before it began is none", async () => {
		const reason = new Error("no longer needed");
		expect(await attempt(at(service.port), AbortSignal.abort(reason)).catch((error) => error)).toBe(reason);
	});

	test.skipIf(process.platform !== "linux")("before it was answered is never seen by the service", async () => {
		await using deaf = await DeafService.start();
		await deaf.freeze();
		const stop = new AbortController();
		const reason = new Error("no longer needed");
		const trying = attempt(at(deaf.port), stop.signal).catch((error) => error);
		while (deaf.pending() === 0) await Bun.sleep(1);
		stop.abort(reason);
		expect(await trying).toBe(reason);
		while (deaf.pending() > 0) await Bun.sleep(1);
		expect(await deaf.thaw()).toBe("");
	});
});

test.skipIf(process.platform !== "linux")(
	"a dial that gave up, and is answered later, ends without a reset",
	async () => {
		await using deaf = await DeafService.start();
		await deaf.freeze();
		const error = await failure(dial(at(deaf.port), 20));
		expect([error.kind, error.message]).toEqual(["timeout", "no answer within 0.02 s"]);
		// Its SYN is repeated after a second.
		expect(await deaf.thaw(1)).toBe("+");
	},
);

test.skipIf(process.platform === "win32")(
	"a program that may open no more files blames itself, not the service",
	async () => {
		const program = `
		import { closeSync, openSync } from "node:fs";
		import { attempt, dial } from "${import.meta.dir}/../../../src/forward/tcp.ts";
		const at = { host: "127.0.0.1", port: ${service.port} };
		const held = [];
		try { for (;;) held.push(openSync("/dev/null", "r")); } catch {}
		const kinds = [];
		for (const connect of [() => dial(at, 1000), () => attempt(at, new AbortController().signal)])
			kinds.push(await connect().then(() => "connected", (error) => error.kind + ": " + error.message));
		for (const one of held) closeSync(one);
		console.log(kinds.join("\\n"));
		process.exit();
	`;
		const run = Bun.spawn(["sh", "-c", 'ulimit -n 64; exec "$0" "$@"', process.execPath, "-e", program], {
			stdout: "pipe",
			stderr: "inherit",
		});
		const said = "descriptors: this program has too many open files\n";
		expect(await new Response(run.stdout).text()).toBe(said + said);
	},
);
