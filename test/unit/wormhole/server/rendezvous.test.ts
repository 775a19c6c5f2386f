// The mailbox server without sockets: what PROTOCOL.md promises, and what keeps it bounded.
import { expect, test } from "bun:test";
import {
	MAILBOX_MESSAGE_MAX,
	SERVER_CLAIMS_BURST,
	SERVER_ERRORS_MAX,
	SERVER_MAILBOX_BYTES,
	SERVER_MAILBOXES_MAX,
	SERVER_MESSAGES_MAX,
	SERVER_PRUNE_MS,
} from "../../../../src/wormhole/limits.ts";
import { Rendezvous, type Session } from "../../../../src/wormhole/server/rendezvous.ts";

type Json = Record<string, unknown>;

class Guest {
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

	/** What is answered to a message. */
	says(message: Json | string): Json[] {
		const before = this.got.length;
		this.session.receive(typeof message === "string" ? message : JSON.stringify(message));
		return this.got.slice(before);
	}
}

const error = (text: string) => [expect.objectContaining({ type: "error", error: text })];

function allocated(guest: Guest): { nameplate: string; mailbox: string } {
	const nameplate = guest.says({ type: "allocate" })[0]?.nameplate as string;
	const mailbox = guest.says({ type: "claim", nameplate })[0]?.mailbox as string;
	return { nameplate, mailbox };
}

test("everybody is welcomed first, with the operator's message", () => {
	const server = new Rendezvous({ welcome: { motd: "hello" } });
	expect(new Guest(server).got).toEqual([{ type: "welcome", welcome: { motd: "hello" } }]);
});

test("two sides that claim one nameplate meet in one mailbox", () => {
	const server = new Rendezvous();
	const [a, b] = [new Guest(server, "a"), new Guest(server, "b")];
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

test("a side that reconnects gets everything again, its own messages too", () => {
	const server = new Rendezvous();
	const a = new Guest(server, "a");
	const { nameplate, mailbox } = allocated(a);
	a.says({ type: "open", mailbox });
	a.says({ type: "add", phase: "1", body: "00" });
	a.says({ type: "add", phase: "2", body: "11" });
	a.session.gone();
	expect(a.says({ type: "list" })).toEqual([]);
	const again = new Guest(server, "a");
	expect(again.says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
	expect(again.says({ type: "open", mailbox }).map(({ phase }) => phase)).toEqual(["1", "2"]);
});

test("a third side is told that it is crowded, and the two are not disturbed", () => {
	const server = new Rendezvous();
	const [a, b, c] = [new Guest(server, "a"), new Guest(server, "b"), new Guest(server, "c")];
	const { nameplate, mailbox } = allocated(a);
	b.says({ type: "claim", nameplate });
	expect(c.says({ type: "claim", nameplate })).toEqual(error("crowded"));
	expect(c.says({ type: "open", mailbox })).toEqual(error("crowded"));
	expect(new Guest(server, "b").says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
});

test("a side that came by mistake and said nothing leaves its place free", () => {
	const server = new Rendezvous();
	const [a, b, c] = [new Guest(server, "a"), new Guest(server, "b"), new Guest(server, "c")];
	const { nameplate, mailbox } = allocated(a);
	b.says({ type: "claim", nameplate });
	b.says({ type: "release", nameplate });
	b.says({ type: "close", mailbox });
	expect(c.says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
});

test("a side that spoke and released cannot come back under the nameplate", () => {
	const server = new Rendezvous();
	const a = new Guest(server, "a");
	const { nameplate, mailbox } = allocated(a);
	new Guest(server, "b").says({ type: "claim", nameplate });
	a.says({ type: "open", mailbox });
	a.says({ type: "add", phase: "pake", body: "" });
	expect(a.says({ type: "release" })).toEqual([{ type: "released" }]);
	expect(new Guest(server, "a").says({ type: "claim", nameplate })).toEqual(error("reclaimed"));
});

test("nameplates are short, and given out again", () => {
	const server = new Rendezvous();
	const guests = Array.from({ length: 12 }, (_, i) => new Guest(server, `side${i}`));
	const names = guests.map((guest) => allocated(guest).nameplate);
	expect(new Set(names).size).toBe(12);
	expect(names.slice(0, 9).toSorted()).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
	expect(names.slice(9).every((name) => name.length === 2)).toBe(true);
	guests[3]?.says({ type: "release" });
	expect(allocated(new Guest(server, "new")).nameplate).toBe(names[3] as string);
});

test("the last side that closes takes the mailbox away", () => {
	const server = new Rendezvous();
	const [a, b] = [new Guest(server, "a"), new Guest(server, "b")];
	const { nameplate, mailbox } = allocated(a);
	b.says({ type: "claim", nameplate });
	for (const guest of [a, b]) {
		guest.says({ type: "open", mailbox });
		guest.says({ type: "add", phase: "pake", body: "00" });
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
	const one = new Guest(server, "a", "one");
	const { nameplate, mailbox } = allocated(one);
	one.says({ type: "open", mailbox });
	one.says({ type: "add", phase: "pake", body: "00" });
	const two = new Guest(server, "b", "two");
	expect(two.says({ type: "list" })).toEqual([{ type: "nameplates", nameplates: [] }]);
	expect(two.says({ type: "open", mailbox })).toEqual([]);
	expect(two.says({ type: "claim", nameplate })[0]?.mailbox).not.toBe(mailbox);
	expect(one.says({ type: "list" })).toEqual([{ type: "nameplates", nameplates: [{ id: nameplate }] }]);
});

test("a mailbox without a socket is forgotten after 10 minutes, one with a socket never", () => {
	let now = 0;
	const server = new Rendezvous({ now: () => now });
	const [a, b] = [new Guest(server, "a"), new Guest(server, "b")];
	a.says({ type: "open", mailbox: allocated(a).mailbox });
	b.says({ type: "open", mailbox: allocated(b).mailbox });
	b.session.gone();
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

test("an id is acknowledged, a ping answered, permissions ignored, with or without bind", () => {
	const guest = new Guest(new Rendezvous());
	expect(guest.says({ type: "ping", ping: 7, id: "ab" })).toEqual([
		{ type: "ack", id: "ab" },
		{ type: "pong", pong: 7 },
	]);
	expect(guest.says({ type: "submit-permissions", method: "hashcash", stamp: "1:" })).toEqual([]);
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
	const guest = new Guest(new Rendezvous(), "a");
	expect(guest.says(frame)).toEqual(error(text));
	expect(guest.says({ type: "ping", ping: 1 })).toEqual([{ type: "pong", pong: 1 }]);
});

test("only `bind` and `ping` work before `bind`", () => {
	const guest = new Guest(new Rendezvous());
	for (const type of ["list", "allocate", "claim", "release", "open", "add", "close"]) {
		expect(guest.says({ type, nameplate: "1", mailbox: "m", phase: "p", body: "" })).toEqual(error("must bind first"));
	}
});

test("a client that only makes errors is sent away", () => {
	const guest = new Guest(new Rendezvous());
	for (let i = 1; i < SERVER_ERRORS_MAX; i++) guest.says("x");
	expect(guest.closed).toBe(false);
	guest.says("x");
	expect(guest.closed).toBe(true);
});

test("a mailbox holds so many messages and bytes, and no more", () => {
	const server = new Rendezvous();
	const a = new Guest(server, "a");
	a.says({ type: "open", mailbox: "many" });
	for (let i = 0; i < SERVER_MESSAGES_MAX; i++) a.says({ type: "add", phase: "p", body: "" });
	expect(a.says({ type: "add", phase: "p", body: "" })).toEqual(error("the mailbox is full"));
	const b = new Guest(server, "b");
	b.says({ type: "open", mailbox: "large" });
	const body = "x".repeat(60_000);
	const count = Math.floor(SERVER_MAILBOX_BYTES / body.length);
	for (let i = 0; i < count; i++) b.says({ type: "add", phase: "p", body });
	expect(b.says({ type: "add", phase: "p", body })).toEqual(error("the mailbox is full"));
});

test("a guesser gets so many claims, then one a second; others are not slowed down", () => {
	let now = 0;
	const server = new Rendezvous({ now: () => now });
	const claim = (address: string) => new Guest(server, "a", "app", address).says({ type: "claim", nameplate: "1" });
	for (let i = 0; i < SERVER_CLAIMS_BURST; i++) expect(claim("1.1.1.1")[0]?.type).toBe("claimed");
	expect(claim("1.1.1.1")).toEqual(error("too many codes, wait a minute"));
	expect(claim("2.2.2.2")[0]?.type).toBe("claimed");
	now += 1000;
	expect(claim("1.1.1.1")[0]?.type).toBe("claimed");
	expect(claim("1.1.1.1")[0]?.type).toBe("error");
});

test("a full server refuses new mailboxes and keeps the old ones working", () => {
	const server = new Rendezvous();
	const first = new Guest(server, "a");
	first.says({ type: "open", mailbox: "first" });
	for (let i = 1; i < SERVER_MAILBOXES_MAX; i++) {
		new Guest(server, "a", `app${i}`, `${i}`).says({ type: "open", mailbox: "m" });
	}
	expect(server.mailboxes.count).toBe(SERVER_MAILBOXES_MAX);
	const late = new Guest(server, "z");
	expect(late.says({ type: "open", mailbox: "late" })).toEqual(error("the server is full, try again later"));
	expect(late.says({ type: "allocate" })).toEqual(error("the server is full, try again later"));
	expect(first.says({ type: "add", phase: "p", body: "" })).toHaveLength(1);
});
