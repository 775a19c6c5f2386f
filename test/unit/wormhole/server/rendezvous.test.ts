// The mailbox server without sockets: what docs/mailbox-protocol.md promises, and what keeps it bounded.
import { expect, test } from "bun:test";
import { MAILBOX_MESSAGE_MAX, MAILBOX_NAME_MAX } from "../../../../src/wormhole/limits.ts";
import {
	SERVER_BODY_MAX,
	SERVER_BYTES_PER_NETWORK,
	SERVER_CLAIMS_BURST,
	SERVER_ERRORS_MAX,
	SERVER_LISTENERS_MAX,
	SERVER_LONELY_MS,
	SERVER_MAILBOX_BYTES,
	SERVER_MAILBOXES_MAX,
	SERVER_MAILBOXES_PER_NETWORK,
	SERVER_MESSAGE_OVERHEAD,
	SERVER_MESSAGES_MAX,
	SERVER_PRUNE_MS,
} from "../../../../src/wormhole/server/limits.ts";
import { Rendezvous } from "../../../../src/wormhole/server/rendezvous.ts";
import type { Session } from "../../../../src/wormhole/server/session.ts";

type Json = Record<string, unknown>;

class Client {
	got: Json[] = [];
	acks: Json[] = [];
	closed = false;
	session: Session;

	constructor(server: Rendezvous, side?: string, appid = "app", address = "127.0.0.1") {
		this.session = server.connect(address, {
			send: (message) => (message.type === "ack" ? this.acks : this.got).push(message),
			close: () => {
				this.closed = true;
			},
		});
		if (side !== undefined) this.says({ type: "bind", appid, side });
	}

	/** Sends a message, and returns the answers without its ack. */
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
	expect(server.mailboxes.size.mailboxes).toBe(1);
	b.says({ type: "close", mailbox, mood: "happy" });
	expect(server.mailboxes.size.mailboxes).toBe(0);
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

test("a mailbox in which two sides met is removed 10 minutes after its last socket; one with a socket never is", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	const [a, b, c] = [new Client(server, "a"), new Client(server, "b"), new Client(server, "c")];
	a.says({ type: "open", mailbox: allocated(a).mailbox });
	const { nameplate, mailbox } = allocated(b);
	for (const client of [b, c]) {
		client.says({ type: "claim", nameplate });
		client.says({ type: "open", mailbox });
	}
	for (const client of [b, c]) client.session.disconnected();
	now += SERVER_PRUNE_MS - 1;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(2);
	now += 1;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(1);
	expect(server.mailboxes.list("app")).toHaveLength(1);
	now += 10 * SERVER_PRUNE_MS;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(1);
});

test("a ping is answered, and permissions are ignored, with or without `bind`", () => {
	const client = new Client(new Rendezvous());
	expect(client.says({ type: "ping", ping: 7 })).toEqual([{ type: "pong", pong: 7 }]);
	expect(client.says({ type: "submit-permissions", method: "hashcash", stamp: "1:" })).toEqual([]);
});

test("every message is acknowledged before it is answered, with or without an id", () => {
	const sent: Json[] = [];
	const session = new Rendezvous().connect("127.0.0.1", { send: (message) => sent.push(message), close() {} });
	for (const message of [
		{ type: "bind", appid: "app", side: "a" },
		{ type: "ping", ping: 7, id: "ab" },
		{ type: "ping", ping: 7, id: "x".repeat(65) },
		{ type: "nonsense" },
		{ id: "without a type" },
	]) {
		session.receive(JSON.stringify(message));
	}
	expect(sent).toEqual([
		{ type: "welcome", welcome: {} },
		{ type: "ack", id: null },
		{ type: "ack", id: "ab" },
		{ type: "pong", pong: 7 },
		{ type: "ack", id: null },
		{ type: "pong", pong: 7 },
		{ type: "ack", id: null },
		{ type: "error", error: "unknown type", orig: { type: "nonsense" } },
		{ type: "error", error: "missing 'type'", orig: { id: "without a type" } },
	]);
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
	// Hex takes two bytes a character when its frame has a character beyond Latin-1.
	const body = "0".repeat(20_000);
	const count = Math.floor(SERVER_MAILBOX_BYTES / (2 * (body.length + 2) + SERVER_MESSAGE_OVERHEAD));
	for (let i = 0; i < count; i++) expect(b.says({ type: "add", phase: "p", body })[0]?.type).toBe("message");
	expect(b.says({ type: "add", phase: "p", body })).toEqual(error("the mailbox is full"));
});

test.each([
	["of an odd length", "ab0", "'body' must be hex"],
	["of other letters", "xy", "'body' must be hex"],
	["of other characters", "ф".repeat(20), "'body' must be hex"],
	["longer than any client's", "0".repeat(SERVER_BODY_MAX + 2), "'body' is too long"],
])("a body %s is refused", (_, body, text) => {
	const client = new Client(new Rendezvous(), "a");
	client.says({ type: "open", mailbox: "m" });
	expect(client.says({ type: "add", phase: "p", body })).toEqual(error(text));
});

test("the longest body with the longest names makes a message that clients accept", () => {
	const longest = "\u0001".repeat(MAILBOX_NAME_MAX);
	const client = new Client(new Rendezvous(), longest);
	client.says({ type: "open", mailbox: "m" });
	const [message] = client.says({ type: "add", phase: longest, body: "0".repeat(SERVER_BODY_MAX) });
	expect(message?.type).toBe("message");
	expect(JSON.stringify(message).length).toBeLessThanOrEqual(MAILBOX_MESSAGE_MAX);
});

test("a mailbox that never had two sides is forgotten after a minute without a socket", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	const [a, b, c] = [new Client(server, "a"), new Client(server, "b"), new Client(server, "c")];
	a.says({ type: "open", mailbox: allocated(a).mailbox });
	allocated(b);
	c.says({ type: "open", mailbox: "made up" });
	c.session.disconnected();
	now += SERVER_LONELY_MS - 1;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(3);
	now += 1;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(1);
	expect(server.mailboxes.list("app")).toHaveLength(1);
});

test("4,096 opens from one network leave room for others, and are forgotten after a minute", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	for (let i = 0; i < 4096; i++) {
		now += 0.5;
		const client = new Client(server, `s${i}`, "app", `2001:db8::${i.toString(16)}`);
		client.says({ type: "open", mailbox: `m${i}` });
		client.session.disconnected();
	}
	expect(server.mailboxes.size.mailboxes).toBeLessThanOrEqual(SERVER_CLAIMS_BURST + 3);
	expect(allocated(new Client(server, "hub", "app", "192.0.2.1")).nameplate).toBeDefined();
	now += SERVER_LONELY_MS;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(0);
});

test("one network holds a quarter of the mailboxes and of the bytes, and they come back when it has gone", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	const greedy: Client[] = [];
	const say = (message: Json) => {
		now += 1000;
		const client = new Client(server, "a", "app", "192.0.2.1");
		greedy.push(client);
		return client.says(message);
	};
	for (let i = 0; i < SERVER_MAILBOXES_PER_NETWORK; i++) expect(say({ type: "open", mailbox: `m${i}` })).toEqual([]);
	const refused = "your network has too much on this server, try again later";
	expect(say({ type: "open", mailbox: "one more" })).toEqual(error(refused));
	expect(say({ type: "allocate" })).toEqual(error(refused));
	const body = "0".repeat(SERVER_BODY_MAX);
	const answers = greedy
		.slice(0, SERVER_MAILBOXES_PER_NETWORK)
		.map((client) => client.says({ type: "add", phase: "p", body })[0]);
	expect(new Set(answers.map((answer) => answer?.error))).toEqual(new Set([undefined, refused]));
	expect(server.mailboxes.size.bytes).toBeLessThanOrEqual(SERVER_BYTES_PER_NETWORK);
	expect(server.mailboxes.size.bytes).toBeGreaterThan(0.9 * SERVER_BYTES_PER_NETWORK);
	const other = new Client(server, "b", "app", "192.0.2.2");
	other.says({ type: "open", mailbox: "other" });
	expect(other.says({ type: "add", phase: "p", body })[0]?.type).toBe("message");
	for (const client of [...greedy, other]) client.session.disconnected();
	now += SERVER_LONELY_MS;
	server.prune();
	expect(server.mailboxes.size.mailboxes).toBe(0);
	expect(server.mailboxes.size.bytes).toBe(0);
});

test("bytes count for the network that adds them, not for the one that made the mailbox", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	const body = "0".repeat(SERVER_BODY_MAX);
	for (let i = 0; i < 1 + SERVER_BYTES_PER_NETWORK / (2 * SERVER_BODY_MAX); i++) {
		now += 1000;
		new Client(server, "victim", `app${i}`, "192.0.2.1").says({ type: "open", mailbox: "m" });
		const vandal = new Client(server, "vandal", `app${i}`, "192.0.2.2");
		vandal.says({ type: "open", mailbox: "m" });
		vandal.says({ type: "add", phase: "p", body });
	}
	const victim = new Client(server, "hub", "app", "192.0.2.1");
	victim.says({ type: "open", mailbox: "m" });
	expect(victim.says({ type: "add", phase: "p", body })[0]?.type).toBe("message");
});

test("a mailbox has a bounded number of listeners", () => {
	const server = new Rendezvous();
	const clients = Array.from({ length: SERVER_LISTENERS_MAX }, () => new Client(server, "a"));
	for (const client of clients) expect(client.says({ type: "open", mailbox: "m" })).toEqual([]);
	const late = new Client(server, "a");
	expect(late.says({ type: "open", mailbox: "m" })).toEqual(error("too many connections to this mailbox"));
	clients[0]?.session.disconnected();
	expect(late.says({ type: "open", mailbox: "m" })).toEqual([]);
});

test("one network gets a burst of claims, then one a second; others are not slowed down", () => {
	let now = 0;
	const server = new Rendezvous(() => now);
	let count = 0;
	const claim = (address: string) =>
		new Client(server, "a", `app${count++}`, address).says({ type: "claim", nameplate: "1" });
	// An IPv6 machine has a /64 of addresses, and an IPv4 one may show as IPv6.
	for (let i = 0; i < SERVER_CLAIMS_BURST; i++) expect(claim(`2001:db8::${i + 1}`)[0]?.type).toBe("claimed");
	expect(claim("2001:db8::ffff")).toEqual(error("too many codes, wait a minute"));
	expect(claim("2001:db8:0:1::1")[0]?.type).toBe("claimed");
	for (let i = 0; i < SERVER_CLAIMS_BURST; i++) expect(claim("::ffff:192.0.2.1")[0]?.type).toBe("claimed");
	expect(claim("192.0.2.1")).toEqual(error("too many codes, wait a minute"));
	expect(claim("::ffff:192.0.2.2")[0]?.type).toBe("claimed");
	now += 1000;
	expect(claim("2001:db8::1")[0]?.type).toBe("claimed");
	expect(claim("2001:db8::1")[0]?.type).toBe("error");
});

test("a client that comes back to what it has entered is not charged again", () => {
	const server = new Rendezvous(() => 0);
	const { nameplate, mailbox } = allocated(new Client(server, "hub"));
	for (let i = 0; i < 3 * SERVER_CLAIMS_BURST; i++) {
		const again = new Client(server, "hub");
		expect(again.says({ type: "open", mailbox })).toEqual([]);
		expect(again.says({ type: "claim", nameplate })).toEqual([{ type: "claimed", mailbox }]);
		again.session.disconnected();
	}
});

test("a full server refuses new mailboxes, and the old ones keep working", () => {
	const server = new Rendezvous();
	const first = new Client(server, "a");
	first.says({ type: "open", mailbox: "first" });
	for (let i = 1; i < SERVER_MAILBOXES_MAX; i++) {
		new Client(server, "a", `app${i}`, `${i}`).says({ type: "open", mailbox: "m" });
	}
	expect(server.mailboxes.size.mailboxes).toBe(SERVER_MAILBOXES_MAX);
	const late = new Client(server, "z");
	expect(late.says({ type: "open", mailbox: "late" })).toEqual(error("the server is full, try again later"));
	expect(late.says({ type: "allocate" })).toEqual(error("the server is full, try again later"));
	expect(first.says({ type: "add", phase: "p", body: "" })).toHaveLength(1);
});
