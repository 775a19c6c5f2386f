// The machine with a server and another side that the test plays. Interleavings are in test/property.
import { describe, expect, test } from "bun:test";
import { phaseKey, seal, unseal } from "../../../../src/wormhole/client/keys.ts";
import { ACKNOWLEDGE_MS, PAYLOAD_MAX, PHASES_MAX } from "../../../../src/wormhole/client/limits.ts";
import { begin, step } from "../../../../src/wormhole/client/machine.ts";
import { pakeBody } from "../../../../src/wormhole/client/payload.ts";
import { finish, start } from "../../../../src/wormhole/client/spake2.ts";
import type { Effect, Event, Outcome, Setup } from "../../../../src/wormhole/client/state.ts";
import { MAILBOX_MESSAGE_MAX } from "../../../../src/wormhole/limits.ts";
import { parseServerMessage } from "../../../../src/wormhole/messages.ts";
import { offer, redeem, TICKET } from "../../../support/wormhole-world.ts";

const CODE = "5-hamburger-endorse";
const THEM = "ffffffffff";
const utf8 = new TextEncoder();

/** One machine, with a server and another side (which has `code`) that the test plays. */
class Exchange {
	state;
	effects: Effect[] = [];
	#spake;
	#key: Uint8Array | undefined;

	constructor(setup: Setup, code = CODE) {
		this.state = begin(setup);
		this.#spake = start(code, "app", 77n);
	}

	on(event: Event): Effect[] {
		const { state, effects } = step(this.state, event);
		this.state = state;
		this.effects.push(...effects);
		return effects;
	}

	/** Delivers a frame from the server. */
	gets(json: object): Effect[] {
		const message = parseServerMessage(JSON.stringify(json));
		return message ? this.on({ type: "message", message }) : [];
	}

	/** Goes as far as an open mailbox. */
	ready(): this {
		this.on({ type: "connected" });
		this.gets({ type: "welcome", welcome: {} });
		if (this.state.setup.role === "offer") this.gets({ type: "allocated", nameplate: "5" });
		this.gets({ type: "claimed", mailbox: "box" });
		return this;
	}

	theirPake(side = THEM): Effect[] {
		return this.gets({ type: "message", side, phase: "pake", body: pakeBody(this.#spake.message) });
	}

	theirs(phase: string, plaintext: string | Uint8Array): Effect[] {
		return this.gets({ type: "message", side: THEM, phase, body: this.sealed(phase, plaintext) });
	}

	sealed(phase: string, plaintext: string | Uint8Array): string {
		const bytes = typeof plaintext === "string" ? utf8.encode(plaintext) : plaintext;
		return seal(phaseKey(this.key, THEM, phase), new Uint8Array(24), bytes);
	}

	get key(): Uint8Array {
		const own = this.state.spake as NonNullable<typeof this.state.spake>;
		this.#key ??= finish(this.#spake, own.message);
		return this.#key;
	}

	/** The types of the messages that the machine has sent. */
	get sent(): string[] {
		return this.effects.flatMap((effect) => {
			if (effect.type !== "send") return [];
			const { message } = effect;
			return [message.type === "add" ? `add ${message.phase}` : message.type];
		});
	}

	/** The plaintext of one of our sealed messages. */
	said(phase: string): string {
		const { body } = this.state.mine.find((message) => message.phase === phase) as { body: string };
		const plaintext = unseal(phaseKey(this.key, this.state.setup.secrets.side, phase), body);
		return new TextDecoder().decode(plaintext);
	}

	echo(phase: string): Effect[] {
		return this.gets({ type: "message", side: this.state.setup.secrets.side, phase, body: "00" });
	}

	get mood(): string | undefined {
		for (const effect of this.effects) {
			if (effect.type === "send" && effect.message.type === "close") return effect.message.mood;
		}
		return undefined;
	}

	/** The outcome, after the server has confirmed the end. */
	get outcome(): Outcome | undefined {
		this.gets({ type: "released" });
		this.gets({ type: "closed" });
		return this.effects.flatMap((effect) => (effect.type === "done" ? [effect.outcome] : []))[0];
	}
}

const NATIVE = '{"app_versions":{"hivemind-p2p":{"v":1}}}';
const TEXT = '{"app_versions":{}}';

describe("hub", () => {
	test("a native peer gets the bare ticket", () => {
		const hub = new Exchange(offer(1)).ready();
		expect(hub.sent).toEqual(["bind", "allocate", "claim", "open", "add pake"]);
		expect(hub.effects).toContainEqual({ type: "live", code: CODE });
		hub.theirPake();
		expect(hub.sent.slice(5)).toEqual(["release", "add version"]);
		expect(JSON.parse(hub.said("version"))).toEqual(JSON.parse(NATIVE));
		hub.theirs("version", NATIVE);
		expect(hub.said("0")).toBe(TICKET);
		expect(hub.mood).toBeUndefined();
		hub.echo("0");
		expect(hub.mood).toBe("happy");
		expect(hub.outcome).toEqual({ kind: "taken" });
	});

	test("a client that announces another program gets the bare ticket, too", () => {
		const hub = new Exchange(offer(1)).ready();
		hub.theirPake();
		hub.theirs("version", '{"app_versions":{"other":{}}}');
		expect(hub.said("0")).toBe(TICKET);
	});

	test("a text client gets an offer, and its answer ends the exchange", () => {
		const hub = new Exchange(offer(1)).ready();
		hub.theirPake();
		hub.theirs("version", TEXT);
		expect(JSON.parse(hub.said("0"))).toEqual({ offer: { message: TICKET } });
		hub.echo("0");
		hub.theirs("0", '{"transit":{}}');
		expect(hub.mood).toBeUndefined();
		hub.theirs("1", '{"answer":{"message_ack":"ok"}}');
		expect(hub.mood).toBe("happy");
		expect(hub.outcome).toEqual({ kind: "taken" });
	});

	test.each(['{"app_versions":null}', "{}", TEXT])(
		"a client that announces %s and acknowledges nothing has the ticket, and the next code follows soon",
		(versions) => {
			const hub = new Exchange(offer(1)).ready();
			hub.theirPake();
			hub.theirs("version", versions);
			expect(JSON.parse(hub.said("0"))).toEqual({ offer: { message: TICKET } });
			expect(hub.echo("0")).toContainEqual({ type: "timer", name: "exchange", ms: ACKNOWLEDGE_MS });
			// The server cannot prolong the wait.
			expect(hub.echo("0")).toEqual([]);
			hub.on({ type: "timer", name: "exchange" });
			expect(hub.outcome).toEqual({ kind: "taken", doubt: "the other side stopped answering" });
		},
	);

	test.each([
		['{"error":"transfer rejected"}', "the other side refused the ticket: transfer rejected"],
		['{"answer":{"message_ack":{"toString":1}}}', 'the other side refused the ticket: {"toString":1}'],
	])("a text client that answers %s has the ticket, but the hub says what it answered", (answer, doubt) => {
		const hub = new Exchange(offer(1)).ready();
		hub.theirPake();
		hub.theirs("version", TEXT);
		hub.echo("0");
		hub.theirs("0", answer);
		expect(hub.mood).toBe("errory");
		expect(hub.outcome).toEqual({ kind: "taken", doubt });
	});

	test("a text client that ends before the ticket is in the mailbox is not counted as a taker", () => {
		const hub = new Exchange(offer(1)).ready();
		hub.theirPake();
		hub.theirs("version", TEXT);
		hub.theirs("0", '{"error":"transfer rejected"}');
		expect(hub.outcome?.kind).toBe("lost");
	});

	test("a side that proved the code has the ticket, even if it makes the rest of the exchange fail", () => {
		for (const fail of [
			(hub: Exchange) => hub.gets({ type: "message", side: THEM, phase: "0", body: "00" }),
			(hub: Exchange) => hub.gets({ type: "error", error: "the mailbox is full" }),
			(hub: Exchange) => hub.gets({ type: "closed" }),
		]) {
			const hub = new Exchange(offer(1)).ready();
			hub.theirPake();
			hub.theirs("version", TEXT);
			hub.echo("0");
			fail(hub);
			expect(hub.outcome).toEqual({ kind: "taken", doubt: expect.any(String) });
		}
	});

	test("a side with a wrong code never sees the ticket", () => {
		const hub = new Exchange(offer(1), "5-hamburger-zulu").ready();
		hub.theirPake();
		hub.theirs("version", NATIVE);
		expect(hub.sent).not.toContain("add 0");
		expect(hub.mood).toBe("scary");
		expect(hub.outcome).toEqual({ kind: "wrong code" });
	});

	test.each([
		["not hex", "zz"],
		["not JSON", "00"],
		["no pake_v1", Buffer.from("{}").toHex()],
		["not hex inside", Buffer.from('{"pake_v1":"xx"}').toHex()],
		["the neutral element", Buffer.from(`{"pake_v1":"5301${"00".repeat(31)}"}`).toHex()],
	])("a first message that is %s counts as a wrong code", (_, body) => {
		const hub = new Exchange(offer(1)).ready();
		hub.gets({ type: "message", side: THEM, phase: "pake", body });
		expect(hub.mood).toBe("scary");
		expect(hub.outcome).toEqual({ kind: "wrong code" });
	});

	test("our own first message under another name is refused", () => {
		const hub = new Exchange(offer(1)).ready();
		const own = hub.state.spake as NonNullable<typeof hub.state.spake>;
		hub.gets({ type: "message", side: THEM, phase: "pake", body: pakeBody(own.message) });
		expect(hub.outcome).toEqual({ kind: "wrong code" });
	});

	test("a side that goes silent after its first message does not hold the code forever", () => {
		const hub = new Exchange(offer(1)).ready();
		const effects = hub.theirPake();
		expect(effects).toContainEqual(
			expect.objectContaining({ type: "timer", name: "exchange", ms: expect.any(Number) }),
		);
		hub.on({ type: "timer", name: "exchange" });
		expect(hub.mood).toBe("errory");
		expect(hub.outcome?.kind).toBe("lost");
	});

	test("a third client cannot take over once the other side is known", () => {
		const hub = new Exchange(offer(1)).ready();
		hub.theirPake();
		hub.gets({ type: "message", side: "third", phase: "version", body: "00" });
		hub.gets({ type: "message", side: "third", phase: "pake", body: "00" });
		hub.theirs("version", NATIVE);
		hub.echo("0");
		expect(hub.outcome).toEqual({ kind: "taken" });
	});

	test("a flood of messages ends the exchange instead of filling memory", () => {
		const hub = new Exchange(offer(1)).ready();
		for (let i = 0; i < PHASES_MAX + 10; i++) {
			hub.gets({ type: "message", side: `side${i}`, phase: "x", body: "" });
		}
		expect(hub.state.theirs).toHaveLength(PHASES_MAX);
		expect(hub.outcome?.kind).toBe("error");
	});

	test("phases that arrive twice and in the wrong order are put in order", () => {
		const hub = new Exchange(offer(1)).ready();
		const ack = hub.sealed("0", '{"answer":{"message_ack":"ok"}}');
		for (const _ of [1, 2]) hub.gets({ type: "message", side: THEM, phase: "0", body: ack });
		hub.theirs("version", TEXT);
		expect(hub.sent).not.toContain("release");
		hub.theirPake();
		hub.theirPake();
		expect(hub.sent.filter((type) => type === "release")).toHaveLength(1);
		expect(hub.sent.filter((type) => type === "add 0")).toHaveLength(1);
		expect(hub.outcome).toEqual({ kind: "taken" });
	});
});

describe("peer", () => {
	function peer(code = CODE): Exchange {
		const exchange = new Exchange(redeem(1, CODE), code).ready();
		exchange.theirPake();
		return exchange;
	}

	test("gets the ticket from a native hub", () => {
		const exchange = peer();
		expect(exchange.sent).toEqual(["bind", "claim", "open", "add pake", "release", "add version"]);
		exchange.theirs("version", NATIVE);
		exchange.theirs("0", `${TICKET}\n`);
		expect(exchange.mood).toBe("happy");
		expect(exchange.outcome).toEqual({ kind: "ticket", ticket: TICKET });
	});

	test("a text client's offer is acknowledged before the mailbox is closed", () => {
		const exchange = peer();
		exchange.theirs("version", TEXT);
		exchange.theirs("0", JSON.stringify({ offer: { message: TICKET } }));
		expect(exchange.said("0")).toBe('{"answer":{"message_ack":"ok"}}');
		expect(exchange.mood).toBeUndefined();
		exchange.echo("0");
		expect(exchange.outcome).toEqual({ kind: "ticket", ticket: TICKET });
	});

	test("learns that its code is wrong", () => {
		const exchange = peer("5-hamburger-zulu");
		exchange.theirs("version", NATIVE);
		expect(exchange.mood).toBe("scary");
		expect(exchange.outcome).toEqual({ kind: "wrong code" });
	});

	test.each([
		["hello", "no ticket"],
		["", "no ticket"],
		['{"offer":{"message":"hello"}}', "a text that is not a ticket"],
		['{"offer":{"file":{"filename":"x"}}}', "an offer that is not a ticket"],
		['{"offer":null}', "an offer that is not a ticket"],
		[JSON.stringify({ error: "go\u001b[31m away\n" }), "an error instead of a ticket"],
		[`endpoint${"a".repeat(PAYLOAD_MAX)}`, "more than"],
		["[]", "no ticket"],
	])("a hub that sends %p is not taken for a wrong code", (payload, why) => {
		const exchange = peer();
		exchange.theirs("version", NATIVE);
		exchange.theirs("0", payload);
		expect(exchange.mood).toBe("errory");
		const outcome = exchange.outcome as { kind: string; why: string };
		expect(outcome.kind).toBe("no ticket");
		expect(outcome.why).toContain(why);
		expect(outcome.why).not.toMatch(/\p{C}/u);
	});

	test("a version message that is not JSON means another protocol, not a wrong code", () => {
		const exchange = peer();
		exchange.theirs("version", "\u00ff");
		expect(exchange.outcome).toEqual({ kind: "lost", why: "the other side speaks another protocol" });
	});
});

describe("server", () => {
	function welcomed(welcome: object): Exchange {
		const exchange = new Exchange(redeem(1, CODE));
		exchange.on({ type: "connected" });
		exchange.gets({ type: "welcome", welcome });
		return exchange;
	}

	test("nothing is sent before the welcome", () => {
		const exchange = new Exchange(redeem(1, CODE));
		expect(exchange.on({ type: "connected" }).filter(({ type }) => type === "send")).toEqual([]);
	});

	test("an error in the welcome ends the exchange before anything is claimed", () => {
		const exchange = welcomed({ error: "too old", motd: "hello" });
		expect(exchange.effects).toContainEqual({ type: "motd", text: "hello" });
		expect(exchange.sent).toEqual([]);
		expect(exchange.outcome).toEqual({ kind: "refused", why: "too old" });
	});

	test("the operator's message cannot control the terminal", () => {
		const exchange = welcomed({ motd: `\u001b[2J\u202ehello\n${"x".repeat(5000)}` });
		const [motd] = exchange.effects.flatMap((effect) => (effect.type === "motd" ? [effect.text] : []));
		expect(motd).not.toMatch(/\p{C}/u);
		expect(motd?.length).toBeLessThan(250);
	});

	test("the permission 'none' needs no answer", () => {
		for (const required of [undefined, null, { none: {} }, { none: {}, hashcash: { bits: 99, resource: "r" } }]) {
			expect(welcomed({ "permission-required": required }).sent).toEqual(["bind", "claim"]);
		}
	});

	test("hashcash is solved before the bind", () => {
		const exchange = welcomed({ "permission-required": { hashcash: { bits: 12, resource: "r" } } });
		expect(exchange.effects).toContainEqual({ type: "hashcash", bits: 12, resource: "r" });
		expect(exchange.sent).toEqual([]);
		exchange.on({ type: "stamped", stamp: "1:12:..." });
		expect(exchange.sent).toEqual(["submit-permissions", "bind", "claim"]);
	});

	test("a stamp that comes after the socket was lost is not used", () => {
		const exchange = welcomed({ "permission-required": { hashcash: { bits: 12, resource: "r" } } });
		exchange.on({ type: "dropped" });
		exchange.on({ type: "stamped", stamp: "1:12:..." });
		expect(exchange.sent).toEqual([]);
	});

	test.each([
		[{ hashcash: { bits: 29, resource: "r" } }, "29 bits"],
		[{ hashcash: { bits: 1e9, resource: "r" } }, "1000000000 bits"],
		[{ hashcash: { bits: -1, resource: "r" } }, "hashcash"],
		[{ hashcash: { bits: 20, resource: "a:b" } }, "hashcash"],
		[{ hashcash: { bits: "20", resource: "r" } }, "hashcash"],
		[{ "pay\u0007": {} }, "pay"],
		[{}, "unreadable"],
		["x", "unreadable"],
	])("a server that requires the permission %p ends the exchange, with the reason", (required, why) => {
		const outcome = welcomed({ "permission-required": required }).outcome as { kind: string; why: string };
		expect(outcome.kind).toBe("refused");
		expect(outcome.why).toContain(why);
		expect(outcome.why).not.toMatch(/\p{C}/u);
	});

	test("a server that accepts the socket and sends nothing is disconnected", () => {
		const exchange = new Exchange(redeem(1, CODE));
		const effects = exchange.on({ type: "connected" });
		expect(effects).toContainEqual(expect.objectContaining({ type: "timer", name: "setup", ms: expect.any(Number) }));
		expect(exchange.on({ type: "timer", name: "setup" })[0]?.type).toBe("hangup");
	});

	test("a crowded nameplate is given back", () => {
		const exchange = welcomed({});
		exchange.gets({ type: "error", error: "crowded", orig: {} });
		// The reference server counts us as a third side, so the nameplate must be given back.
		expect(exchange.sent).toEqual(["bind", "claim", "release"]);
		expect(exchange.outcome).toEqual({ kind: "crowded" });
	});

	test("an error that the server reports is passed on", () => {
		const exchange = welcomed({});
		exchange.gets({ type: "error", error: "disk\u0000 full" });
		expect(exchange.outcome).toEqual({ kind: "error", why: "disk full" });
	});

	test.each([
		["a", "malformed"],
		["[]", "malformed"],
		['{"type":"claimed"}', "malformed"],
		['{"type":"claimed","mailbox":7}', "malformed"],
		['{"type":"message","side":"a","phase":"b"}', "malformed"],
		[`{"type":"message","side":"${"a".repeat(65)}","phase":"b","body":""}`, "malformed"],
		['{"type":"allocated","nameplate":"../1"}', "malformed"],
		[`{"type":"pong","pong":1,"x":"${"a".repeat(MAILBOX_MESSAGE_MAX)}"}`, "malformed"],
		['{"type":"ack"}', undefined],
		['{"type":"__proto__"}', undefined],
		["{}", undefined],
	])("the frame %p is %p", (frame, type) => {
		expect(parseServerMessage(frame)?.type as string | undefined).toBe(type);
		expect(parseServerMessage(utf8.encode(frame))?.type as string | undefined).toBe(type);
	});

	test("nothing changes after the exchange has ended", () => {
		const exchange = welcomed({ error: "no" });
		const { state } = exchange;
		expect(state.ending?.stage).toBe("done");
		for (const event of [{ type: "connected" }, { type: "dropped" }, { type: "cancel" }] as const) {
			expect(exchange.on(event)).toEqual([]);
			expect(exchange.state).toBe(state);
		}
	});
});

test("a release that was not confirmed before the connection was lost is sent again", () => {
	const hub = new Exchange(offer(1)).ready();
	hub.theirPake();
	expect(hub.sent.filter((type) => type === "release")).toHaveLength(1);
	hub.on({ type: "dropped" });
	hub.on({ type: "connected" });
	hub.gets({ type: "welcome", welcome: {} });
	hub.gets({ type: "pong", pong: 1 });
	expect(hub.sent.filter((type) => type === "release")).toHaveLength(2);
	hub.gets({ type: "released" });
	hub.on({ type: "cancel" });
	expect(hub.sent.filter((type) => type === "release")).toHaveLength(2);
});

test("cancelling closes the mailbox as lonely while waiting, and as errory in the middle of an exchange", () => {
	const lonely = new Exchange(offer(1)).ready();
	lonely.on({ type: "cancel" });
	expect(lonely.mood).toBe("lonely");
	expect(lonely.sent.slice(-2)).toEqual(["release", "close"]);
	expect(lonely.outcome).toEqual({ kind: "cancelled" });
	const errory = new Exchange(offer(1)).ready();
	errory.theirPake();
	errory.on({ type: "cancel" });
	expect(errory.mood).toBe("errory");
});

test("a server that does not confirm the end is abandoned after a bounded time", () => {
	const hub = new Exchange(offer(1)).ready();
	const effects = hub.on({ type: "cancel" });
	expect(effects).toContainEqual({ type: "timer", name: "close", ms: 1000 });
	expect(hub.on({ type: "timer", name: "close" })).toContainEqual({ type: "done", outcome: { kind: "cancelled" } });
});
