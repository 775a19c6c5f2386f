// The mailbox server without sockets: what docs/mailbox-protocol.md promises, and what keeps it bounded.
import { expect, test } from "bun:test";
import { MAILBOX_MESSAGE_MAX } from "../../../../src/wormhole/limits.ts";
import {
	SERVER_CLAIMS_BURST,
	SERVER_ERRORS_MAX,
	SERVER_MAILBOX_BYTES,
	SERVER_MAILBOXES_MAX,
	SERVER_MESSAGES_MAX,
	SERVER_PRUNE_MS,
} from "../../../../src/wormhole/server/limits.ts";
import { Rendezvous } from "../../../../src/wormhole/server/rendezvous.ts";
import type { Session } from "../../../../src/wormhole/server/session.ts";

type Json = Record<string, unknown>;

class Client {
	got: Json[] = [];
	closed = false;
	session: Session;

	constructor(server: Rendezvous, side?: string, appid = "app", address = "127.0.0.1") {
		this.session = server.connect(address, {
			send: (message) => this.got.push(message),
			close: () => {
				this.closed = true;
			},
		});
		if (side !== undefined) this.says({ type: "bind", appid, side });
	}

	/** Sends a message, and returns the answers. */
	says(message: Json | string): Json[] {
		const before = this.got.length;
		this.session.receive(typeof message === "string" ? message : JSON.stringify(message));
		return this.got.slice(before);
	}
}

const error = (text: string) => [expect.objectContaining({ type: "error", error: text })];

function allocated(client: Client): { nameplate: string; mailbox: string } {
	const nameplate = client.says({ type: "allocate" })[0]?.nameplate as string;
	const mailbox = client.says({ type: "claim", nameplate })[0]?.mailbox as string;
	return { nameplate, mailbox };
}

test("every client is welcomed first", () => {
	expect(new Client(new Rendezvous()).got).toEqual([{ type: "welcome", welcome: {} }]);
});

test("two sides that claim one nameplate meet in one mailbox", () => {
	const server = new Rendezvous();
	const [a, b] = [new Client(server, "a"), new Client(server, "b")];
	const { nameplate, mailbox } = allocated(a);
	expect(b.says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
	a.says({ type: "open", mailbox });
	expect(a.says({ type: "add", phase: "pake", body: "00" })).toEqual([
		{ type: "message", side: "a", phase: "pake", body: "00" },
	]);
	expect(b.says({ type: "open", mailbox })).toEqual([{ type: "message", side: "a", phase: "pake", body: "00" }]);
	b.says({ type: "add", phase: "pake", body: "11" });
	expect(a.got.at(-1)).toEqual({ type: "message", side: "b", phase: "pake", body: "11" });
});

test("a side that reconnects gets all messages again, its own included", () => {
	const server = new Rendezvous();
	const a = new Client(server, "a");
	const { nameplate, mailbox } = allocated(a);
	a.says({ type: "open", mailbox });
	a.says({ type: "add", phase: "1", body: "00" });
	a.says({ type: "add", phase: "2", body: "11" });
	a.session.disconnected();
	expect(a.says({ type: "list" })).toEqual([]);
	const again = new Client(server, "a");
	expect(again.says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
	expect(again.says({ type: "open", mailbox }).map(({ phase }) => phase)).toEqual(["1", "2"]);
});

test("a third side is told that the nameplate is crowded, and the other two are not affected", () => {
	const server = new Rendezvous();
	const [a, b, c] = [new Client(server, "a"), new Client(server, "b"), new Client(server, "c")];
	const { nameplate, mailbox } = allocated(a);
	b.says({ type: "claim", nameplate });
	expect(c.says({ type: "claim", nameplate })).toEqual(error("crowded"));
	expect(c.says({ type: "open", mailbox })).toEqual(error("crowded"));
	expect(new Client(server, "b").says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
});

test("a side that leaves without having added anything frees its place", () => {
	const server = new Rendezvous();
	const [a, b, c] = [new Client(server, "a"), new Client(server, "b"), new Client(server, "c")];
	const { nameplate, mailbox } = allocated(a);
	b.says({ type: "claim", nameplate });
	b.says({ type: "release", nameplate });
	b.says({ type: "close", mailbox });
	expect(c.says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
});

test("a side that added a message and released cannot claim the nameplate again", () => {
	const server = new Rendezvous();
	const a = new Client(server, "a");
	const { nameplate, mailbox } = allocated(a);
	new Client(server, "b").says({ type: "claim", nameplate });
	a.says({ type: "open", mailbox });
	a.says({ type: "add", phase: "pake", body: "" });
	expect(a.says({ type: "release" })).toEqual([{ type: "released" }]);
	expect(new Client(server, "a").says({ type: "claim", nameplate })).toEqual(error("reclaimed"));
});

test("nameplates are short and are reused", () => {
	const server = new Rendezvous();
	const clients = Array.from({ length: 12 }, (_, i) => new Client(server, `side${i}`));
	const names = clients.map((client) => allocated(client).nameplate);
	expect(new Set(names).size).toBe(12);
	expect(names.slice(0, 9).toSorted()).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
	expect(names.slice(9).every((name) => name.length === 2)).toBe(true);
	clients[3]?.says({ type: "release" });
	expect(allocated(new Client(server, "new")).nameplate).toBe(names[3] as string);
});

test("the mailbox is removed when the last side closes it", () => {
	const server = new Rendezvous();
	const [a, b] = [new Client(server, "a"), new Client(server, "b")];
	const { nameplate, mailbox } = allocated(a);
	b.says({ type: "claim", nameplate });
	for (const client of [a, b]) {
		client.says({ type: "open", mailbox });
		client.says({ type: "add", phase: "pake", body: "00" });
	}
	expect(a.says({ type: "close", mailbox, mood: "happy" })).toEqual([{ type: "closed" }]);
	expect(a.says({ type: "add", phase: "x", body: "" })).toEqual(error("must open mailbox before adding"));
	expect(server.mailboxes.count).toBe(1);
	b.says({ type: "close", mailbox, mood: "happy" });
	expect(server.mailboxes.count).toBe(0);
	expect(server.mailboxes.list("app")).toEqual([]);
});

test("AppIDs do not see each other", () => {
	const server = new Rendezvous();
	const one = new Client(server, "a", "one");
	const { nameplate, mailbox } = allocated(one);
	one.says({ type: "open", mailbox });
	one.says({ type: "add", phase: "pake", body: "00" });
	const two = new Client(server, "b", "two");
	expect(two.says({ type: "list" })).toEqual([{ type: "nameplates", nameplates: [] }]);
	expect(two.says({ type: "open", mailbox })).toEqual([]);
	expect(two.says({ type: "claim", nameplate })[0]?.mailbox).not.toBe(mailbox);
	expect(one.says({ type: "list" })).toEqual([{ type: "nameplates", nameplates: [{ id: nameplate }] }]);
});

test("a mailbox without a socket is removed after 10 minutes; one with a socket never is", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	const [a, b] = [new Client(server, "a"), new Client(server, "b")];
	a.says({ type: "open", mailbox: allocated(a).mailbox });
	b.says({ type: "open", mailbox: allocated(b).mailbox });
	b.session.disconnected();
	now += SERVER_PRUNE_MS - 1;
	server.prune();
	expect(server.mailboxes.count).toBe(2);
	now += 1;
	server.prune();
	expect(server.mailboxes.count).toBe(1);
	expect(server.mailboxes.list("app")).toHaveLength(1);
	now += 10 * SERVER_PRUNE_MS;
	server.prune();
	expect(server.mailboxes.count).toBe(1);
});

test("before `bind`, an id is acknowledged, a ping is answered, and permissions are ignored", () => {
	const client = new Client(new Rendezvous());
	expect(client.says({ type: "ping", ping: 7, id: "ab" })).toEqual([
		{ type: "ack", id: "ab" },
		{ type: "pong", pong: 7 },
	]);
	expect(client.says({ type: "submit-permissions", method: "hashcash", stamp: "1:" })).toEqual([]);
});

test.each([
	["", "not a JSON object, or too long"],
	["[1]", "not a JSON object, or too long"],
	["{}", "missing 'type'"],
	['{"type":7}', "missing 'type'"],
	['{"type":"constructor"}', "unknown type"],
	['{"type":"__proto__"}', "unknown type"],
	['{"type":"bind","appid":"a","side":"b"}', "already bound"],
	['{"type":"claim"}', "claim requires 'nameplate'"],
	['{"type":"claim","nameplate":"x"}', "claim requires 'nameplate'"],
	['{"type":"release"}', "release without nameplate must follow claim"],
	['{"type":"open"}', "open requires 'mailbox'"],
	['{"type":"add","phase":"a","body":""}', "must open mailbox before adding"],
	['{"type":"close"}', "close without mailbox must follow open"],
	['{"type":"ping"}', "ping requires 'ping'"],
	[`{"type":"ping","ping":1,"x":"${"x".repeat(MAILBOX_MESSAGE_MAX)}"}`, "not a JSON object, or too long"],
])("the frame %p gets an error", (frame, text) => {
	const client = new Client(new Rendezvous(), "a");
	expect(client.says(frame)).toEqual(error(text));
	expect(client.says({ type: "ping", ping: 1 })).toEqual([{ type: "pong", pong: 1 }]);
});

test("only `bind` and `ping` work before `bind`", () => {
	const client = new Client(new Rendezvous());
	for (const type of ["list", "allocate", "claim", "release", "open", "add", "close"]) {
		expect(client.says({ type, nameplate: "1", mailbox: "m", phase: "p", body: "" })).toEqual(error("must bind first"));
	}
});

test("a client that causes only errors is disconnected", () => {
	const client = new Client(new Rendezvous());
	for (let i = 1; i < SERVER_ERRORS_MAX; i++) client.says("x");
	expect(client.closed).toBe(false);
	client.says("x");
	expect(client.closed).toBe(true);
});

test("a mailbox holds a bounded number of messages and bytes", () => {
	const server = new Rendezvous();
	const a = new Client(server, "a");
	a.says({ type: "open", mailbox: "many" });
	for (let i = 0; i < SERVER_MESSAGES_MAX; i++) a.says({ type: "add", phase: "p", body: "" });
	expect(a.says({ type: "add", phase: "p", body: "" })).toEqual(error("the mailbox is full"));
	const b = new Client(server, "b");
	b.says({ type: "open", mailbox: "large" });
	const body = "x".repeat(60_000);
	const count = Math.floor(SERVER_MAILBOX_BYTES / body.length);
	for (let i = 0; i < count; i++) b.says({ type: "add", phase: "p", body });
	expect(b.says({ type: "add", phase: "p", body })).toEqual(error("the mailbox is full"));
});

test("one address gets a burst of claims, then one a second; others are not slowed down", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	const claim = (address: string) => new Client(server, "a", "app", address).says({ type: "claim", nameplate: "1" });
	for (let i = 0; i < SERVER_CLAIMS_BURST; i++) expect(claim("1.1.1.1")[0]?.type).toBe("claimed");
	expect(claim("1.1.1.1")).toEqual(error("too many codes, wait a minute"));
	expect(claim("2.2.2.2")[0]?.type).toBe("claimed");
	now += 1000;
	expect(claim("1.1.1.1")[0]?.type).toBe("claimed");
	expect(claim("1.1.1.1")[0]?.type).toBe("error");
});

test("a full server refuses new mailboxes, and the old ones keep working", () => {
	const server = new Rendezvous();
	const first = new Client(server, "a");
	first.says({ type: "open", mailbox: "first" });
	for (let i = 1; i < SERVER_MAILBOXES_MAX; i++) {
		new Client(server, "a", `app${i}`, `${i}`).says({ type: "open", mailbox: "m" });
	}
	expect(server.mailboxes.count).toBe(SERVER_MAILBOXES_MAX);
	const late = new Client(server, "z");
	expect(late.says({ type: "open", mailbox: "late" })).toEqual(error("the server is full, try again later"));
	expect(late.says({ type: "allocate" })).toEqual(error("the server is full, try again later"));
	expect(first.says({ type: "add", phase: "p", body: "" })).toHaveLength(1);
});
