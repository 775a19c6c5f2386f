// What goes through the mailbox: SPAKE2, the version message, the ticket and its acknowledgement
// (docs/mailbox-protocol.md, "Phases"). The other side's messages are kept as a set from which `advance` takes what
// comes next, so that order, duplicates and replays cannot matter.
import type { ServerMessage } from "../messages.ts";
import { end, release } from "./closing.ts";
import { fromHex, phaseKey, seal, unseal } from "./keys.ts";
import { ACKNOWLEDGE_MS, EXCHANGE_MS, PAYLOAD_MAX, PHASES_MAX } from "./limits.ts";
import { ACKNOWLEDGEMENT, parseAnswer, parsePake, parsePayload, parseVersion, ticketPayload } from "./payload.ts";
import { BadElement, finish } from "./spake2.ts";
import type { Draft, Effect, State } from "./state.ts";

/** One message of the mailbox: an echo of ours, something new, or a repetition. */
export function mailboxMessage(state: Draft, effects: Effect[], message: ServerMessage & { type: "message" }) {
	const { side, phase, body } = message;
	const { connection } = state;
	if (!("othersSeen" in connection)) return;
	if (side === state.setup.secrets.side) {
		const own = state.mine.find((one) => one.phase === phase);
		if (!own) return;
		state.mine = state.mine.map((one) => (one === own ? { ...one, echo: "here" } : one));
		advance(state, effects);
		// The ticket is in the mailbox: a text client has this long to acknowledge it.
		if (phase === "0" && own.echo === "none" && state.setup.role === "offer" && !state.ending) {
			effects.push({ type: "timer", name: "exchange", ms: ACKNOWLEDGE_MS });
		}
		return;
	}
	state.connection = { ...connection, othersSeen: true };
	if (!state.theirs.some((known) => known.side === side && known.phase === phase)) {
		if (state.theirs.length >= PHASES_MAX || body.length > 4 * PAYLOAD_MAX) {
			return end(state, effects, { kind: "error", why: "more messages in the mailbox than an exchange has" }, "errory");
		}
		state.theirs = [...state.theirs, { side, phase, body }];
	}
	advance(state, effects);
}

/** Adds a message of ours. During a replay it waits: what the server lacks is added when the replay is over. */
export function add(state: Draft, effects: Effect[], phase: string, body: string) {
	state.mine = [...state.mine, { phase, body, echo: "none" }];
	if (mayAdd(state)) effects.push({ type: "send", message: { type: "add", phase, body } });
}

// --- internal ---

type Other = NonNullable<State["other"]>;

function mayAdd({ connection }: Draft): boolean {
	return connection.at === "open" || connection.at === "reclaiming";
}

/** Takes every step that the messages so far allow. */
function advance(state: Draft, effects: Effect[]) {
	if (!state.other) agree(state, effects);
	while (state.other && !state.ending) {
		const { other } = state;
		const { side, key, kind } = other;
		const phase = kind === "unverified" ? "version" : String(state.next);
		const message = state.theirs.find((one) => one.side === side && one.phase === phase);
		if (!message) break;
		const plaintext = unseal(phaseKey(key, side, phase), message.body);
		if (!plaintext) return end(state, effects, { kind: "wrong code" }, "scary");
		if (kind === "unverified") verified(state, effects, other, plaintext);
		else payload(state, effects, other, plaintext);
	}
	delivered(state, effects);
}

/** The other side's pake message: the key follows, the nameplate is free for others, and `version` proves the key. */
function agree(state: Draft, effects: Effect[]) {
	const pake = state.theirs.find(({ phase }) => phase === "pake");
	if (!pake || !state.spake) return;
	const message = fromHex(parsePake(fromHex(pake.body)) ?? "");
	let key: Uint8Array;
	try {
		key = finish(state.spake, message ?? new Uint8Array());
	} catch (error) {
		if (!(error instanceof BadElement)) throw error;
		return end(state, effects, { kind: "wrong code" }, "scary");
	}
	const other: Other = { side: pake.side, key, kind: "unverified" };
	state.other = other;
	effects.push({ type: "met" }, { type: "timer", name: "exchange", ms: EXCHANGE_MS });
	// During a replay, the end of it does this.
	if (mayAdd(state)) release(state, effects);
	addSealed(state, effects, other, "version", JSON.stringify({ app_versions: state.setup.versions }), 0);
}

function verified(state: Draft, effects: Effect[], other: Other, plaintext: Uint8Array) {
	const kind = parseVersion(plaintext);
	if (!kind) return end(state, effects, { kind: "lost", why: "the other side speaks another protocol" }, "errory");
	state.other = { ...other, kind };
	const { setup } = state;
	if (setup.role === "offer") addSealed(state, effects, other, "0", ticketPayload(setup.ticket, kind), 1);
}

function payload(state: Draft, effects: Effect[], other: Other, plaintext: Uint8Array) {
	state.next += 1;
	if (state.setup.role === "offer") {
		const answer = parseAnswer(plaintext);
		if (answer === "ok") end(state, effects, { kind: "taken" }, "happy");
		else if (answer) {
			end(state, effects, { kind: "lost", why: `the other side refused the ticket: ${answer.why}` }, "errory");
		}
		return;
	}
	if (state.mine.some(({ phase }) => phase === "0")) return;
	const result = parsePayload(plaintext);
	if ("why" in result) return end(state, effects, { kind: "no ticket", why: result.why }, "errory");
	if (!result.asOffer) return end(state, effects, { kind: "ticket", ticket: result.ticket }, "happy");
	state.ticket = result.ticket;
	addSealed(state, effects, other, "0", ACKNOWLEDGEMENT, 1);
}

/**
 * Ends the exchange once our last message is in the mailbox, when nobody answers it: the ticket for a native peer, the
 * acknowledgement for a text client. It must be the mailbox that the other side is in: one that the server forgot and
 * made again for us alone is removed, with our message, as soon as we close it.
 */
function delivered(state: Draft, effects: Effect[]) {
	const { connection, other, ticket } = state;
	if (state.ending || !other || !("othersSeen" in connection && connection.othersSeen)) return;
	if (!state.mine.some(({ phase, echo }) => phase === "0" && echo !== "none")) return;
	if (ticket !== undefined) end(state, effects, { kind: "ticket", ticket }, "happy");
	else if (state.setup.role === "offer" && other.kind === "native") end(state, effects, { kind: "taken" }, "happy");
}

function addSealed(state: Draft, effects: Effect[], { key }: Other, phase: string, text: string, nonce: 0 | 1) {
	const { side, nonces } = state.setup.secrets;
	const sealed = seal(phaseKey(key, side, phase), nonces[nonce], new TextEncoder().encode(text));
	add(state, effects, phase, sealed);
}
