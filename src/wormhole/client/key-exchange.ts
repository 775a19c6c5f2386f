// The talk through the mailbox: SPAKE2, the version message, the ticket and its answer.
// Called by machine.ts with a draft of the state; calls spake2, keys, messages, farewell. The other side's messages are
// kept as a set, and `advance` takes from it what comes next: order, duplicates and replays cannot matter.

import { EXCHANGE_MS, PAYLOAD_MAX, PHASES_MAX } from "../limits.ts";
import { parseAnswer, parsePake, parsePayload, parseVersion, type ServerMessage } from "../messages.ts";
import { end, release } from "./closing.ts";
import { fromHex, phaseKey, seal, unseal } from "./keys.ts";
import { BadElement, finish } from "./spake2.ts";
import type { Draft, Effect, State } from "./state.ts";

/** What our `version` phase says: the original's peers and ours read the ticket itself from phase 0. */
const VERSIONS = { "hivemind-p2p": { "hivemind-p2p": { v: 1 } }, nothing: {} };

const utf8 = new TextEncoder();

/** One message of the mailbox: an echo of ours, something new, or a repetition. */
export function heard(state: Draft, effects: Effect[], message: ServerMessage & { type: "message" }) {
	const { side, phase, body } = message;
	if (!state.open) return;
	if (side === state.setup.secrets.side) {
		state.mine = state.mine.map((own) => (own.phase === phase ? { ...own, echoed: true, stored: true } : own));
	} else {
		state.present = true;
		const known = state.heard.some((one) => one.side === side && one.phase === phase);
		if (known) return advance(state, effects);
		if (state.heard.length >= PHASES_MAX || body.length > 4 * PAYLOAD_MAX) {
			return end(state, effects, { kind: "error", why: "more messages in the mailbox than an exchange has" }, "errory");
		}
		state.heard = [...state.heard, { side, phase, body }];
	}
	advance(state, effects);
}

/** Adds a message of ours; during a replay it waits for the end, which adds what the server lacks. */
export function add(state: Draft, effects: Effect[], phase: string, body: string) {
	state.mine = [...state.mine, { phase, body, echoed: false, stored: false }];
	if (state.checked) effects.push({ type: "send", message: { type: "add", phase, body } });
}

// --- internal ---

/** Takes every step that the messages heard so far allow. */
function advance(state: Draft, effects: Effect[]) {
	if (!state.other) agree(state, effects);
	while (state.other && !state.ending) {
		const phase = state.other.textClient === undefined ? "version" : String(state.next);
		const { side, key } = state.other;
		const message = state.heard.find((one) => one.side === side && one.phase === phase);
		if (!message) break;
		const plaintext = unseal(phaseKey(key, side, phase), message.body);
		if (!plaintext) return end(state, effects, { kind: "wrong code" }, "scary");
		if (phase === "version") verified(state, effects, plaintext);
		else payload(state, effects, plaintext);
	}
	delivered(state, effects);
}

/** The other side's pake message: the key follows, the nameplate is free for others, and `version` proves the key. */
function agree(state: Draft, effects: Effect[]) {
	const pake = state.heard.find(({ phase }) => phase === "pake");
	if (!pake || !state.spake) return;
	const message = fromHex(parsePake(fromHex(pake.body)) ?? "");
	let key: Uint8Array;
	try {
		key = finish(state.spake, message ?? new Uint8Array());
	} catch (error) {
		if (!(error instanceof BadElement)) throw error;
		return end(state, effects, { kind: "wrong code" }, "scary");
	}
	state.other = { side: pake.side, key, textClient: undefined };
	effects.push({ type: "met" }, { type: "timer", name: "exchange", ms: EXCHANGE_MS });
	// During a replay the end of it does this.
	if (state.checked) release(state, effects);
	addSealed(state, effects, "version", JSON.stringify({ app_versions: VERSIONS[state.setup.announce] }), 0);
}

function verified(state: Draft, effects: Effect[], plaintext: Uint8Array) {
	const version = parseVersion(plaintext);
	const other = state.other as NonNullable<State["other"]>;
	if (!version) return end(state, effects, { kind: "lost", why: "the other side speaks another protocol" }, "errory");
	state.other = { ...other, ...version };
	const { setup } = state;
	if (setup.role !== "offer") return;
	const text = version.textClient ? JSON.stringify({ offer: { message: setup.ticket } }) : setup.ticket;
	addSealed(state, effects, "0", text, 1);
}

function payload(state: Draft, effects: Effect[], plaintext: Uint8Array) {
	state.next += 1;
	if (state.setup.role === "offer") {
		const answer = parseAnswer(plaintext);
		if (answer === "ok") end(state, effects, { kind: "taken" }, "happy");
		else if (answer)
			end(state, effects, { kind: "lost", why: `the other side refused the ticket: ${answer.why}` }, "errory");
		return;
	}
	if (state.mine.some(({ phase }) => phase === "0")) return;
	const result = parsePayload(plaintext);
	if ("why" in result) return end(state, effects, { kind: "no ticket", why: result.why }, "errory");
	if (!result.asOffer) return end(state, effects, { kind: "ticket", ticket: result.ticket }, "happy");
	state.ticket = result.ticket;
	addSealed(state, effects, "0", JSON.stringify({ answer: { message_ack: "ok" } }), 1);
}

/**
 * Our last word is in the mailbox, and nobody answers it: the ticket for a native peer, the ack for a text hub. It must
 * be the mailbox that the other side is in: a server that forgot it takes it away again when we close it alone.
 */
function delivered(state: Draft, effects: Effect[]) {
	if (
		state.ending ||
		!state.other ||
		!state.present ||
		!state.mine.some(({ phase, stored }) => phase === "0" && stored)
	)
		return;
	if (state.ticket !== undefined) end(state, effects, { kind: "ticket", ticket: state.ticket }, "happy");
	else if (state.setup.role === "offer" && state.other.textClient === false)
		end(state, effects, { kind: "taken" }, "happy");
}

function addSealed(state: Draft, effects: Effect[], phase: string, text: string, nonce: 0 | 1) {
	const { key } = state.other as NonNullable<State["other"]>;
	const { side, nonces } = state.setup.secrets;
	add(state, effects, phase, seal(phaseKey(key, side, phase), nonces[nonce], utf8.encode(text)));
}
