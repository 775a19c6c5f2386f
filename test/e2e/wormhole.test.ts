// Join codes from `offerCodes` to `redeem`, over our mailbox server on loopback.
import { expect, spyOn, test } from "bun:test";
import { HivemindError } from "../../src/base/errors.ts";
import { offerCodes } from "../../src/wormhole/client/offer.ts";
import { redeem } from "../../src/wormhole/client/redeem.ts";
import { Rendezvous } from "../../src/wormhole/server/rendezvous.ts";
import { startMailbox } from "../../src/wormhole/server/server.ts";
import { Hub, mailboxProcess, nameplates, RawClient } from "../support/wormhole.ts";

const TICKET = "endpointaaaa2345";
const QUICK = { retryFirstMs: 10, retryMaxMs: 100 };

function server() {
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	return { ...mailbox, [Symbol.asyncDispose]: () => mailbox.stop() };
}

/** Our mailbox servers greet their clients like other operators' from now on. */
function greetWith(welcome: { motd?: string; error?: string }): Disposable {
	const { connect } = Rendezvous.prototype;
	const greeting = spyOn(Rendezvous.prototype, "connect");
	greeting.mockImplementation(function (this: Rendezvous, address, { send, close }) {
		const greet: typeof send = (message) => send(message.type === "welcome" ? { type: "welcome", welcome } : message);
		return connect.call(this, address, { send: greet, close });
	});
	return { [Symbol.dispose]: () => greeting.mockRestore() };
}

async function failure(promise: Promise<unknown>): Promise<HivemindError> {
	const error = await promise.then(
		(value) => new Error(`it worked: ${value}`),
		(reason) => reason,
	);
	if (!(error instanceof HivemindError)) throw error;
	return error;
}

test("each peer gets a code of its own, and the next code follows at once", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url);
	const codes = new Set<string>();
	for (let i = 0; i < 5; i++) {
		const code = await hub.code();
		codes.add(code);
		expect(await redeem(code, { url: mailbox.url })).toBe(TICKET);
		expect(await hub.next()).toEqual({ type: "taken" });
	}
	expect(codes.size).toBe(5);
	await hub.code();
	await hub.stop();
	expect(await nameplates(mailbox.url)).toEqual([]);
});

test("after a code was taken the next one waits as long as asked, and never comes once the peer has joined", async () => {
	await using mailbox = server();
	const codes: string[] = [];
	const said: string[] = [];
	const offered = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
	const [first, second] = offered as [PromiseWithResolvers<string>, PromiseWithResolvers<string>];
	const end = new AbortController();
	/** No other wait has this length; the test decides when it is over. */
	const afterTakenMs = 123_456;
	const waits = Promise.withResolvers<() => void>();
	const { setTimeout: start } = globalThis;
	const timers = spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) => {
		if (ms !== afterTakenMs) return start(run, ms);
		waits.resolve(run);
		return start(() => {}, 0);
	}) as typeof setTimeout);
	const offering = offerCodes({
		ticket: TICKET,
		url: mailbox.url,
		signal: end.signal,
		afterTakenMs,
		onCode(code) {
			said.push("code");
			codes.push(code);
			offered[codes.length - 1]?.resolve(code);
		},
		onTaken() {
			said.push("taken");
			// The peer with the second code has joined.
			if (codes.length === 2) end.abort();
		},
		onWrongCode() {},
		onUnreachable() {},
	});
	try {
		expect(await redeem(await first.promise, { url: mailbox.url })).toBe(TICKET);
		const over = await Promise.race([waits.promise, second.promise]);
		if (typeof over === "string") throw new Error("it did not wait");
		expect(said).toEqual(["code", "taken"]);
		over();
		expect(await redeem(await second.promise, { url: mailbox.url })).toBe(TICKET);
		await offering;
		expect(said).toEqual(["code", "taken", "code", "taken"]);
	} finally {
		timers.mockRestore();
	}
});

test("a sloppily typed code is accepted, and redeeming it reports what it waits for", async () => {
	using _greeting = greetWith({ motd: "be kind" });
	await using mailbox = server();
	await using hub = new Hub(mailbox.url.replace("ws:", "http:").replace("/v1", ""), TICKET, 4);
	expect(await hub.next()).toEqual({ type: "motd", text: "be kind" });
	const code = await hub.code();
	expect(code.split("-")).toHaveLength(5);
	const waits: string[] = [];
	const motds: string[] = [];
	const ticket = await redeem(` ${code.toUpperCase().replaceAll("-", " ")} `, {
		url: mailbox.url,
		onWaiting: (what) => waits.push(what),
		onMotd: (text) => motds.push(text),
	});
	expect(ticket).toBe(TICKET);
	expect(waits).toEqual(["the mailbox server", "the hub", "the ticket"]);
	expect(motds).toEqual(["be kind"]);
	expect(await hub.next()).toEqual({ type: "taken" });
	// The operator's message is not repeated with the next code.
	await hub.code();
});

test("a wrong code fails at once, and the hub shows a new one", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url);
	const code = await hub.code();
	const error = await failure(redeem(`${code.slice(0, -1)}x`, { url: mailbox.url }));
	expect(error.code).toBe("code");
	expect(error.hint).toContain("Ask for a new code");
	expect(await hub.next()).toEqual({ type: "wrong", waitMs: 0 });
	const next = await hub.code();
	expect(next).not.toBe(code);
	expect(await redeem(next, { url: mailbox.url })).toBe(TICKET);
});

test("after a few wrong codes guessing is slowed down, until a peer succeeds", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url);
	const waits: number[] = [];
	for (let i = 0; i < 5; i++) {
		const code = await hub.code();
		await failure(redeem(`${code}x`, { url: mailbox.url }));
		const event = await hub.next();
		if (event.type === "wrong") waits.push(event.waitMs);
	}
	expect(waits.map((ms) => ms > 0)).toEqual([false, false, false, true, true]);
	expect(await redeem(await hub.code(), { url: mailbox.url })).toBe(TICKET);
	expect(await hub.next()).toEqual({ type: "taken" });
	await failure(redeem(`${await hub.code()}x`, { url: mailbox.url }));
	expect(await hub.next()).toEqual({ type: "wrong", waitMs: 0 });
});

test("two peers with one code: one of them gets the ticket", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url);
	const code = await hub.code();
	const end = new AbortController();
	const tries = [1, 2].map(() => redeem(code, { url: mailbox.url, signal: end.signal }));
	expect(await Promise.any(tries)).toBe(TICKET);
	// The other one was told "crowded", or came after the nameplate was free again and waits in vain.
	end.abort(new HivemindError("nobody", "aborted"));
	const results = await Promise.allSettled(tries);
	expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
	for (const result of results) {
		if (result.status === "rejected") expect(["code", "nobody"]).toContain(result.reason.code);
	}
	expect(await hub.next()).toEqual({ type: "taken" });
	await hub.code();
});

test("a third client at a nameplate is told that the code is used up", async () => {
	await using mailbox = server();
	await using first = await new RawClient(mailbox.url).bind("a");
	await using second = await new RawClient(mailbox.url).bind("b");
	await first.send({ type: "allocate" });
	const { nameplate } = await first.next("allocated");
	await second.send({ type: "claim", nameplate });
	await second.next("claimed");
	const error = await failure(redeem(`${nameplate}-hamburger-endorse`, { url: mailbox.url }));
	expect(error).toMatchObject({ code: "code", hint: "Ask for a new code." });
	expect(error.message).toContain("two others are already using the code");
});

test("a code without a hub behind it: a clear error, and no nameplate is left behind", async () => {
	await using mailbox = server();
	const error = await failure(redeem("9-hamburger-endorse", { url: mailbox.url, timeoutMs: 1000 }));
	expect(error.code).toBe("nobody");
	expect(await nameplates(mailbox.url)).toEqual([]);
});

test("a peer that is aborted leaves no nameplate behind and rejects with the reason", async () => {
	await using mailbox = server();
	const end = new AbortController();
	const reason = new Error("Ctrl+C");
	const running = redeem("9-hamburger-endorse", {
		url: mailbox.url,
		signal: end.signal,
		onWaiting: (what) => what === "the hub" && end.abort(reason),
	});
	expect(await running.catch((error) => error)).toBe(reason);
	expect(await nameplates(mailbox.url)).toEqual([]);
	expect(await redeem("9-a-b", { url: mailbox.url, signal: end.signal }).catch((error) => error)).toBe(reason);
});

test("a hub that is stopped before its first code leaves nothing behind either", async () => {
	await using mailbox = server();
	const hub = new Hub(mailbox.url);
	await hub.stop();
	expect(await nameplates(mailbox.url)).toEqual([]);
});

test("a mailbox server that is down: the peer's error names the URL and the way to join without it", async () => {
	const gone = server();
	await gone.stop();
	const error = await failure(redeem("5-hamburger-endorse", { url: gone.url }));
	expect(error.code).toBe("mailbox");
	expect(error.message).toContain(gone.url);
	expect(error.hint).toContain("--ticket");
});

test("a mailbox server that is down: the hub reports it once, and shows a code as soon as it is up", async () => {
	const { url, port, kill } = await mailboxProcess();
	await kill();
	await using hub = new Hub(url);
	expect(await hub.next()).toMatchObject({ type: "unreachable", url });
	const again = await mailboxProcess(port);
	expect(await redeem(await hub.code(), { url })).toBe(TICKET);
	await hub.stop();
	await again.kill();
});

test("the mailbox server is killed while a hub waits: the hub reports it, and later shows a code that works", async () => {
	const first = await mailboxProcess();
	await using hub = new Hub(first.url);
	const dead = await hub.code();
	await first.kill();
	expect(await hub.next()).toMatchObject({ type: "unreachable", url: first.url });
	const again = await mailboxProcess(first.port);
	expect(await hub.next()).toEqual({ type: "spoiled", why: "the mailbox server has forgotten the code", waitMs: 0 });
	const code = await hub.code();
	expect(code).not.toBe(dead);
	expect(await redeem(code, { url: again.url })).toBe(TICKET);
	expect(await hub.next()).toEqual({ type: "taken" });
	await hub.stop();
	await again.kill();
});

test("the mailbox server is killed after the first messages: the ticket still arrives, or both sides drop the code", async () => {
	const first = await mailboxProcess();
	await using hub = new Hub(first.url);
	const code = await hub.code();
	let again: ReturnType<typeof mailboxProcess> | undefined;
	const ticket = redeem(code, {
		url: first.url,
		timing: QUICK,
		// Called when the hub's first message is there, before anything that follows from it is sent.
		onWaiting(what) {
			if (what === "the ticket") again = first.kill().then(() => mailboxProcess(first.port));
		},
	});
	const outcome = await ticket.catch((error) => error);
	expect(again).toBeDefined();
	// Either the last messages were quicker than the kill, or both sides came back and resent what the server had lost. Or
	// it died before the hub saw the peer's first message: then the code is dead on both sides.
	if (outcome !== TICKET) expect(outcome).toMatchObject({ code: "code", hint: "Ask for a new code." });
	let event = await hub.next();
	while (event.type !== "code") event = await hub.next();
	expect(await redeem(event.code, { url: first.url, timing: QUICK })).toBe(TICKET);
	await hub.stop();
	await (await again)?.kill();
}, 60_000);

test("a server that refuses all clients ends both hub and peer, with its message", async () => {
	using _greeting = greetWith({ error: "closed for today" });
	await using mailbox = server();
	const hub = new Hub(mailbox.url);
	const errors = [await failure(hub.done), await failure(redeem("5-a-b", { url: mailbox.url }))];
	for (const error of errors) {
		expect(error.code).toBe("mailbox");
		expect(error.message).toContain("closed for today");
	}
});

test("a server that requires hashcash gets a stamp", async () => {
	const answers: unknown[] = [];
	const required = { "permission-required": { hashcash: { bits: 12, resource: "here" } } };
	const listener = Bun.serve({
		hostname: "127.0.0.1",
		port: 0,
		fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("", { status: 400 })),
		websocket: {
			// Binary frames, as some servers send them.
			open: (socket) => void socket.sendBinary(Buffer.from(JSON.stringify({ type: "welcome", welcome: required }))),
			message(socket, frame) {
				const message = JSON.parse(String(frame));
				answers.push(message);
				if (message.type === "claim") socket.send(JSON.stringify({ type: "error", error: "enough" }));
				if (message.type === "release") socket.send(JSON.stringify({ type: "released" }));
			},
		},
	});
	const error = await failure(redeem("5-a-b", { url: `ws://127.0.0.1:${listener.port}` }));
	expect(error.message).toContain("reported an error: enough");
	expect(answers).toMatchObject([
		{ type: "submit-permissions", method: "hashcash", stamp: expect.stringMatching(/^1:12:\d{6}:here::/) },
		{ type: "bind" },
		{ type: "claim", nameplate: "5" },
		{ type: "release" },
	]);
	await listener.stop(true);
});

test("an ordinary web server instead of a mailbox server: the error names its answer", async () => {
	const web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
	const error = await failure(redeem("5-a-b", { url: `http://127.0.0.1:${web.port}` }));
	expect(error.code).toBe("mailbox");
	expect(error.message).toContain("Unexpected server response: 200");
	await web.stop(true);
});

test("a server that accepts the socket and never answers is given up on", async () => {
	const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	const error = await failure(redeem("5-a-b", { url: `ws://127.0.0.1:${silent.port}`, timing: { connectMs: 20 } }));
	expect(error.message).toContain("it does not answer");
	silent.stop(true);
});

/** A server that accepts the upgrade, sends `bytes`, and then nothing more, not even a pong. */
function mute(bytes: Uint8Array, onUpgrade: () => void) {
	return Bun.listen<{ head: string }>({
		hostname: "127.0.0.1",
		port: 0,
		data: { head: "" },
		socket: {
			open(socket) {
				socket.data = { head: "" };
			},
			data(socket, received) {
				socket.data.head += received.toString("latin1");
				const key = /Sec-WebSocket-Key: (\S+)\r\n/i.exec(socket.data.head)?.[1];
				if (!socket.data.head.endsWith("\r\n\r\n")) return;
				socket.data.head = "";
				const accept = new Bun.CryptoHasher("sha1")
					.update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
					.digest("base64");
				const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
				socket.write(Buffer.concat([Buffer.from(head), bytes]));
				onUpgrade();
			},
		},
	});
}

/** A text frame, or a fragment of one, with an extended payload length. */
function frame(first: number, length: number, payload = Buffer.alloc(length, "a")): Buffer {
	const head = Buffer.alloc(10);
	head[0] = first;
	head[1] = 127;
	head.writeBigUInt64BE(BigInt(length), 2);
	return Buffer.concat([head, payload]);
}

test.each([
	["in fragments that never end", Buffer.concat([frame(0x01, 40_000), frame(0x00, 40_000)])],
	["in one frame", frame(0x81, 1024 ** 3, Buffer.from("a"))],
])("a message of the server that is too long %s ends the socket at the bound", async (_, bytes) => {
	const hostile = mute(bytes, () => {});
	const error = await failure(redeem("5-a-b", { url: `ws://127.0.0.1:${hostile.port}` }));
	expect(error.message).toContain("a message that is too long");
	hostile.stop(true);
});

test("a socket that falls silent is replaced", async () => {
	let opened = 0;
	const twice = Promise.withResolvers<void>();
	const welcome = '{"type":"welcome","welcome":{}}';
	const silent = mute(Buffer.concat([Buffer.of(0x81, welcome.length), Buffer.from(welcome)]), () => {
		opened += 1;
		if (opened === 2) twice.resolve();
	});
	const end = new AbortController();
	const running = redeem("5-a-b", {
		url: `ws://127.0.0.1:${silent.port}`,
		signal: end.signal,
		timing: { ...QUICK, pingMs: 5, silenceMs: 20 },
	}).catch((error) => error);
	await twice.promise;
	end.abort();
	await running;
	silent.stop(true);
});
