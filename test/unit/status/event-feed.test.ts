// /events over real HTTP: what a client gets and when, and what clients cost that stop reading.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { EventFeed } from "../../../src/status/event-feed.ts";
import { EVENT_CLIENTS_MAX } from "../../../src/status/limits.ts";
import type { TimedEvent } from "../../../src/status/program-events.ts";
import { type StatusServer, startStatusServer } from "../../../src/status/server.ts";
import { EVENT_BYTES, EVENTS_AT_ONCE } from "../../support/status-process.ts";
import { CODE, FakeSource, hubSnapshot, PEER_ID, service, TICKET } from "../../support/status-source.ts";

let source: FakeSource;
let server: StatusServer;
const open: { close(): void }[] = [];

beforeEach(() => {
	source = new FakeSource(hubSnapshot());
	server = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source });
});

afterEach(async () => {
	for (const one of open.splice(0)) one.close();
	await server.stop();
});

interface Message {
	event: string;
	data: string;
}

/** Reads server-sent events, as the HTML standard has them. */
class Events {
	readonly response: Response;
	comments = 0;
	retry = 0;
	readonly #messages: AsyncGenerator<Message, void>;

	constructor(response: Response) {
		this.response = response;
		this.#messages = this.#read();
	}

	async next(): Promise<Message> {
		const { value } = await this.#messages.next();
		if (!value) throw new Error("the stream has ended");
		return value;
	}

	async *#read(): AsyncGenerator<Message, void> {
		const decoder = new TextDecoder();
		let text = "";
		for await (const bytes of this.response.body as unknown as AsyncIterable<Uint8Array>) {
			text += decoder.decode(bytes, { stream: true });
			for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
				const fields = new Map(
					text
						.slice(0, end)
						.split("\n")
						.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]),
				);
				text = text.slice(end + 2);
				if (fields.has("")) this.comments++;
				this.retry = Number(fields.get("retry") ?? this.retry);
				const data = fields.get("data");
				if (data !== undefined) yield { event: fields.get("event") ?? "message", data };
			}
		}
	}
}

async function listen(query = "", { token, url = server.url }: { token?: string; url?: string } = {}): Promise<Events> {
	const gone = new AbortController();
	const response = await fetch(`${url}events${query}`, {
		signal: gone.signal,
		headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
	});
	open.push({ close: () => gone.abort() });
	return new Events(response);
}

const token = () => new URL(server.link).searchParams.get("token") as string;
const joined = (name: string) => ({ event: "peer_joined" as const, peer: { id: PEER_ID, name } });
const eventIn = ({ data }: Message) => JSON.parse(data) as TimedEvent;

test("a client gets the last events, then each new one", async () => {
	source.emit(joined("alice"), joined("bob"));
	const events = await listen();
	expect(events.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
	expect(eventIn(await events.next())).toMatchObject({ event: "peer_joined", peer: { name: "alice" } });
	expect(eventIn(await events.next())).toMatchObject({ peer: { name: "bob" } });
	expect(events.retry).toBeGreaterThan(0);
	const next = events.next();
	source.emit(joined("carol\n\nevent: fake\ndata: {}"));
	expect(eventIn(await next)).toMatchObject({ peer: { name: "carol\n\nevent: fake\ndata: {}" } });
	expect((await next).event).toBe("message");
});

test("secrets are only in the events of those who may see them", async () => {
	source.emit({ event: "ready", role: "hub", name: "h", id: "x", ticket: TICKET, services: [] });
	source.emit({ event: "code", code: CODE }, joined("alice"));
	const [stranger, owner] = [await listen("?snapshots=1"), await listen("?snapshots=1", { token: token() })];
	const seen = [await stranger.next(), await stranger.next(), await stranger.next()];
	expect(seen.map(({ event }) => event)).toEqual(["message", "message", "snapshot"]);
	expect(JSON.stringify(seen)).not.toMatch(new RegExp(`${TICKET}|${CODE}`));
	expect(eventIn(await owner.next())).toMatchObject({ event: "ready", ticket: TICKET });
	expect(eventIn(await owner.next())).toMatchObject({ event: "code", code: CODE });
});

test("a page also gets a snapshot at once and regularly, made once for all pages alike", async () => {
	const [first, second, plain] = [await listen("?snapshots=1"), await listen("?snapshots=1"), await listen()];
	for (const page of [first, second]) expect(JSON.parse((await page.next()).data)).toMatchObject({ name: "my-hub" });
	const before = source.snapshots;
	source.state = hubSnapshot({ name: "renamed" });
	const next = await Promise.all([first.next(), second.next()]);
	for (const { event, data } of next) expect([event, JSON.parse(data).name]).toEqual(["snapshot", "renamed"]);
	expect(source.snapshots).toBe(before + 1);
	source.emit(joined("alice"));
	expect(eventIn(await plain.next())).toMatchObject({ event: "peer_joined" });
});

test("no timer runs while nobody listens", async () => {
	const [started, ended] = [spyOn(globalThis, "setInterval"), spyOn(globalThis, "clearInterval")];
	const feed = new EventFeed(source, () => {});
	expect(started).not.toHaveBeenCalled();
	const options = { snapshots: true, secrets: false, cut: () => {} };
	const bodies = [feed.open(options), feed.open(options)];
	expect(started).toHaveBeenCalledTimes(2);
	await bodies[0]?.cancel();
	expect(ended).not.toHaveBeenCalled();
	await bodies[1]?.cancel();
	const timers: unknown[] = started.mock.results.map(({ value }) => value);
	expect(ended.mock.calls.flat() as unknown[]).toEqual(timers);
	feed.close();
	started.mockRestore();
	ended.mockRestore();
});

test("a stream is not ended by the time limit of responses, which is counted from the request on", async () => {
	const { serve } = Bun;
	const limits: number[] = [];
	const watched = spyOn(Bun, "serve").mockImplementation(((options: Parameters<typeof serve>[0]) => {
		const real = serve(options);
		spyOn(real, "timeout").mockImplementation((_, seconds) => void limits.push(seconds));
		return real;
	}) as typeof serve);
	const other = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source });
	watched.mockRestore();
	const gone = new AbortController();
	const response = await fetch(`${other.url}events`, { signal: gone.signal });
	expect([response.status, limits]).toEqual([200, [0]]);
	gone.abort();
	await other.stop();
});

test("there is a limit to clients, and room again when one goes", async () => {
	const clients = await Promise.all(Array.from({ length: EVENT_CLIENTS_MAX }, () => listen()));
	expect(clients.every(({ response }) => response.status === 200)).toBe(true);
	const refused = await listen();
	expect([refused.response.status, refused.response.headers.get("retry-after")]).toEqual([503, "5"]);
	open[0]?.close();
	for (let tries = 0; ; tries++) {
		const { response } = await listen();
		if (response.status === 200) break;
		expect(tries).toBeLessThan(1000);
	}
});

test("an exception in a source's snapshot ends neither the stream nor the program", async () => {
	const faults: string[] = [];
	await server.stop();
	server = startStatusServer({
		address: { host: "127.0.0.1", port: 0 },
		source,
		onFault: (reason) => faults.push(reason),
	});
	const page = await listen("?snapshots=1");
	await page.next();
	source.onSnapshot = () => {
		source.onSnapshot = () => {};
		throw new Error("a bug");
	};
	expect((await page.next()).event).toBe("snapshot");
	expect(faults).toEqual(["a bug"]);
});

test("clients that read nothing cost a bounded amount of memory, and are dropped", async () => {
	const child = Bun.spawn([process.execPath, `${import.meta.dir}/../../support/status-process.ts`], {
		stdin: "pipe",
		stdout: "pipe",
	});
	open.push({ close: () => child.kill("SIGKILL") });
	const lines = linesOf(child.stdout);
	const url = (await lines.next()).value as string;
	const stuck = await Promise.all(Array.from({ length: EVENT_CLIENTS_MAX - 1 }, () => stuckClient(url)));
	const reader = await listen("", { url });
	const SENT = 200_000_000;
	const memory: number[] = [];
	let read = 0;
	for (let sent = 0; sent < SENT; sent += EVENTS_AT_ONCE * EVENT_BYTES) {
		child.stdin.write("\n");
		memory.push(Number((await lines.next()).value));
		// The one that reads gets each of them.
		for (let i = 0; i < EVENTS_AT_ONCE; i++) if (eventIn(await reader.next()).event === "peer_joined") read++;
	}
	expect(read).toBe(SENT / EVENT_BYTES);
	// Clients share each text, so without a bound this would be SENT at least. The kernel's buffers are not in here.
	expect(Math.max(...memory) - (memory[0] as number)).toBeLessThan(SENT / 2);
	await Promise.all(stuck.map((one) => one.readOn()));
	// There is room for others.
	for (let i = 0; i < EVENT_CLIENTS_MAX - 1; i++) expect((await listen("", { url })).response.status).toBe(200);
	child.kill("SIGKILL");
	await child.exited;
}, 60_000);

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
	let text = "";
	for await (const bytes of stream) {
		text += new TextDecoder().decode(bytes);
		const whole = text.split("\n");
		text = whole.pop() as string;
		yield* whole;
	}
}

/** A client that asks and then reads nothing. `readOn` reads what is on the way, until the server has closed. */
async function stuckClient(url: string): Promise<{ readOn: () => Promise<void> }> {
	const socket: Socket = connect(Number(new URL(url).port), "127.0.0.1");
	open.push({ close: () => socket.destroy() });
	await new Promise((resolve) => socket.once("connect", resolve));
	socket.write("GET /events?snapshots=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	// The head, and then no more.
	await new Promise((resolve) => socket.once("data", resolve));
	socket.pause();
	const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()).on("error", () => {}));
	const readOn = () => {
		socket.resume();
		return closed;
	};
	return { readOn };
}

test("many services and long events go through whole", async () => {
	source.state = hubSnapshot({ services: Array.from({ length: 32 }, (_, i) => service(`service-${i}`)) });
	source.state.services[0] = service("a", {
		state: "down",
		down: { since: "2026-01-01T00:00:00Z", reason: "é".repeat(500) },
	});
	const page = await listen("?snapshots=1");
	expect(JSON.parse((await page.next()).data).services).toHaveLength(32);
});
