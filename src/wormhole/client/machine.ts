// One code's exchange as a pure function: (state, event) → {state, effects}. No clock, no socket, no randomness, and no
// event in any state throws. Here is the setting up with the mailbox server (docs/mailbox-protocol.md, "Opening a
// mailbox" and "Reconnecting"); key-exchange.ts has what goes through the mailbox, closing.ts the end.

import type { ServerMessage } from "../messages.ts";
import { addMissing, closing, end, release } from "./closing.ts";
import { add, mailboxMessage } from "./key-exchange.ts";
import { EXCHANGE_MS, HASHCASH_BITS_MAX, MAILBOX_SETUP_MS } from "./limits.ts";
import { pakeBody } from "./payload.ts";
import { start } from "./spake2.ts";
import {
	answered,
	type Draft,
	type Effect,
	type Event,
	type Outcome,
	type Setup,
	type State,
	type Step,
} from "./state.ts";

/** The state before the first connection. */
export function begin(setup: Setup): State {
	return {
		setup,
		connection: { at: "down" },
		nameplate: setup.role === "redeem" ? { name: setup.code.nameplate, use: "held" } : undefined,
		mailbox: undefined,
		spake: setup.role === "redeem" ? start(setup.code.text, setup.appid, setup.secrets.scalar) : undefined,
		mine: [],
		theirs: [],
		other: undefined,
		next: 0,
		ticket: undefined,
		ending: undefined,
	};
}

/** The next state and what to do now. */
export function step(before: State, event: Event): Step {
	if (before.ending?.stage === "done") return { state: before, effects: [] };
	const state: Draft = { ...before };
	const effects: Effect[] = [];
	if (state.ending) closing(state, effects, event);
	else handle(state, effects, event);
	return { state, effects };
}

// --- internal ---

function handle(state: Draft, effects: Effect[], event: Event) {
	switch (event.type) {
		case "connected":
			return connected(state, effects);
		case "dropped":
			state.connection = { at: "down" };
			effects.push({ type: "timer", name: "setup" }, { type: "timer", name: "exchange" });
			return;
		case "stamped":
			if (state.connection.at !== "stamping") return;
			effects.push({ type: "send", message: { type: "submit-permissions", method: "hashcash", stamp: event.stamp } });
			return bind(state, effects);
		case "timer":
			if (event.name === "setup") effects.push({ type: "hangup", why: "it does not answer" });
			if (event.name === "exchange") {
				end(state, effects, { kind: "lost", why: "the other side stopped answering" }, "errory");
			}
			return;
		case "cancel":
			return end(state, effects, { kind: "cancelled" }, state.other ? "errory" : "lonely");
		case "message":
			return receive(state, effects, event.message);
	}
}

function connected(state: Draft, effects: Effect[]) {
	state.connection = { at: "greeting" };
	// What reached the server before the last connection was lost will show in the replay.
	state.mine = state.mine.map((own) => (own.echo === "here" ? { ...own, echo: "earlier" } : own));
	if (state.nameplate?.use === "releasing") state.nameplate = { ...state.nameplate, use: "held" };
	effects.push({ type: "timer", name: "setup", ms: MAILBOX_SETUP_MS });
}

function receive(state: Draft, effects: Effect[], message: ServerMessage) {
	switch (message.type) {
		case "welcome":
			return welcome(state, effects, message);
		case "allocated":
			return allocated(state, effects, message.nameplate);
		case "claimed":
			return claimed(state, effects, message.mailbox);
		case "pong":
			return replayed(state, effects);
		case "message":
			return mailboxMessage(state, effects, message);
		case "released":
			if (state.nameplate) state.nameplate = { ...state.nameplate, use: "released" };
			return;
		case "error":
			state.connection = answered(state.connection);
			return end(state, effects, reported(message.error), "errory");
		case "malformed":
			return end(state, effects, { kind: "error", why: message.why }, "errory");
		case "closed":
			// We did not ask for it: the server is done with this mailbox.
			return end(state, effects, { kind: "forgotten" }, "errory");
	}
}

/** The meaning of an `error`; the two words are part of the protocol. */
function reported(error: string): Outcome {
	if (error === "crowded") return { kind: "crowded" };
	if (error === "reclaimed") return { kind: "forgotten" };
	return { kind: "error", why: error };
}

function welcome(state: Draft, effects: Effect[], message: ServerMessage & { type: "welcome" }) {
	if (state.connection.at !== "greeting") return;
	const { permission } = message;
	const refuse = (why: string) => end(state, effects, { kind: "refused", why }, "errory");
	if (message.motd !== undefined) effects.push({ type: "motd", text: message.motd });
	if (message.error !== undefined) return refuse(message.error);
	if (permission.method === "none") return bind(state, effects);
	if (permission.method === "unknown") {
		return refuse(`it requires a permission that this program cannot get: ${permission.names}`);
	}
	if (permission.bits > HASHCASH_BITS_MAX) {
		return refuse(
			`it requires ${permission.bits} bits of hashcash, and ${HASHCASH_BITS_MAX} are the most worth computing`,
		);
	}
	state.connection = { at: "stamping" };
	effects.push({ type: "timer", name: "setup" });
	effects.push({ type: "hashcash", bits: permission.bits, resource: permission.resource });
}

function bind(state: Draft, effects: Effect[]) {
	const { appid, secrets } = state.setup;
	effects.push({ type: "timer", name: "setup", ms: MAILBOX_SETUP_MS });
	effects.push({ type: "send", message: { type: "bind", appid, side: secrets.side } });
	if (state.mailbox !== undefined) {
		// After a reconnection, look into the mailbox before touching the nameplate: if the server has forgotten us, the
		// nameplate may be somebody else's by now, and a claim would spend their code. The pong ends the replay.
		state.connection = { at: "replaying", othersSeen: false };
		effects.push({ type: "send", message: { type: "open", mailbox: state.mailbox } });
		effects.push({ type: "send", message: { type: "ping", ping: 1 } });
	} else if (state.nameplate) {
		state.connection = { at: "claiming" };
		effects.push({ type: "send", message: { type: "claim", nameplate: state.nameplate.name } });
	} else {
		state.connection = { at: "allocating" };
		effects.push({ type: "send", message: { type: "allocate" } });
	}
}

function allocated(state: Draft, effects: Effect[], name: string) {
	const { setup } = state;
	if (state.connection.at !== "allocating" || setup.role !== "offer") return;
	state.nameplate = { name, use: "held" };
	state.spake = start(`${name}-${setup.words}`, setup.appid, setup.secrets.scalar);
	state.connection = { at: "claiming" };
	effects.push({ type: "send", message: { type: "claim", nameplate: name } });
}

function claimed(state: Draft, effects: Effect[], mailbox: string) {
	const { connection, spake } = state;
	if (connection.at === "claiming" && spake) {
		state.mailbox = mailbox;
		state.connection = { at: "open", othersSeen: false };
		effects.push({ type: "send", message: { type: "open", mailbox } });
		add(state, effects, "pake", pakeBody(spake.message));
	} else if (connection.at === "reclaiming") {
		state.connection = answered(connection);
		// `release` belongs to the nameplate; `close` to the mailbox that is open.
		if (state.mailbox !== mailbox) return end(state, effects, { kind: "forgotten" }, "errory");
		addMissing(state, effects);
	} else return;
	live(state, effects);
}

/** Everything that the server still has of this exchange has been replayed. */
function replayed(state: Draft, effects: Effect[]) {
	const { connection, nameplate } = state;
	if (connection.at !== "replaying") return;
	state.connection = { ...connection, at: "open" };
	if (state.other) {
		release(state, effects);
		addMissing(state, effects);
		live(state, effects);
	} else if (state.mine.some(({ phase, echo }) => phase === "pake" && echo === "earlier")) {
		end(state, effects, { kind: "forgotten" }, "lonely");
	} else if (nameplate) {
		state.connection = { ...connection, at: "reclaiming" };
		effects.push({ type: "send", message: { type: "claim", nameplate: nameplate.name } });
	}
}

/** The code works from here on (again), or the exchange goes on. */
function live(state: Draft, effects: Effect[]) {
	const { setup, nameplate } = state;
	effects.push({ type: "timer", name: "setup" });
	if (state.other) effects.push({ type: "timer", name: "exchange", ms: EXCHANGE_MS });
	else if (setup.role === "redeem") effects.push({ type: "live", code: setup.code.text });
	else effects.push({ type: "live", code: `${nameplate?.name}-${setup.words}` });
}
