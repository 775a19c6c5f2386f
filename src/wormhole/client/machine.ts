// One code's exchange as a pure function: (state, event) → {state, effects}. No clock, no socket, no randomness.
// This file is the talk with the mailbox server; exchange.ts the talk through it, farewell.ts the way out.
// Called by mailbox.ts, which runs the effects.

import { EXCHANGE_MS, HASHCASH_BITS_MAX, MAILBOX_SETUP_MS } from "../limits.ts";
import { pakeBody, type ServerMessage } from "../messages.ts";
import { addMissing, end, farewell, release } from "./closing.ts";
import { add, heard } from "./key-exchange.ts";
import { start } from "./spake2.ts";
import type { Draft, Effect, Event, Setup, State, Step } from "./state.ts";

/** The state before the first connection. */
export function begin(setup: Setup): State {
	return {
		setup,
		link: "down",
		asked: undefined,
		open: false,
		checked: false,
		present: false,
		releasing: false,
		nameplate: setup.role === "redeem" ? setup.code.nameplate : undefined,
		mailbox: undefined,
		released: false,
		spake: setup.role === "redeem" ? start(setup.code.text, setup.appid, setup.secrets.scalar) : undefined,
		mine: [],
		heard: [],
		other: undefined,
		next: 0,
		ticket: undefined,
		ending: undefined,
		done: false,
	};
}

/** The next state and what to do now. Total: no event in any state throws. */
export function step(before: State, event: Event): Step {
	if (before.done) return { state: before, effects: [] };
	const state: Draft = { ...before };
	const effects: Effect[] = [];
	if (state.ending) farewell(state, effects, event);
	else handle(state, effects, event);
	return { state, effects };
}

// --- internal ---

/** What a new connection begins with. */
const CONNECTED = {
	link: "greeting",
	asked: undefined,
	open: false,
	checked: false,
	present: false,
	releasing: false,
} as const;

function handle(state: Draft, effects: Effect[], event: Event) {
	switch (event.type) {
		case "connected":
			Object.assign(state, CONNECTED);
			// What the server keeps shows in its replay.
			state.mine = state.mine.map((message) => ({ ...message, echoed: false }));
			effects.push({ type: "timer", name: "setup", ms: MAILBOX_SETUP_MS });
			return;
		case "dropped":
			state.link = "down";
			effects.push({ type: "timer", name: "setup" }, { type: "timer", name: "exchange" });
			return;
		case "stamped":
			if (state.link !== "stamping") return;
			effects.push({ type: "send", message: { type: "submit-permissions", method: "hashcash", stamp: event.stamp } });
			return bind(state, effects);
		case "timer":
			if (event.name === "setup") effects.push({ type: "hangup", why: "it does not answer" });
			if (event.name === "exchange") end(state, effects, { kind: "lost", why: "the other side fell silent" }, "errory");
			return;
		case "cancel":
			return end(state, effects, { kind: "cancelled" }, state.other ? "errory" : "lonely");
		case "message":
			return receive(state, effects, event.message);
	}
}

function receive(state: Draft, effects: Effect[], message: ServerMessage) {
	switch (message.type) {
		case "welcome":
			return welcome(state, effects, message);
		case "allocated":
			if (state.asked !== "allocate" || state.setup.role !== "offer") return;
			state.nameplate = message.nameplate;
			state.spake = start(code(state), state.setup.appid, state.setup.secrets.scalar);
			return claim(state, effects);
		case "claimed":
			return claimed(state, effects, message.mailbox);
		case "pong":
			if (state.open && !state.checked) afterReplay(state, effects);
			return;
		case "message":
			return heard(state, effects, message);
		case "released":
			state.released = true;
			return;
		case "error":
			state.asked = undefined;
			if (message.error === "crowded") return end(state, effects, { kind: "crowded" }, "errory");
			if (message.error === "reclaimed") return end(state, effects, { kind: "forgotten" }, "errory");
			return end(state, effects, { kind: "error", why: message.error }, "errory");
		case "malformed":
			return end(state, effects, { kind: "error", why: message.why }, "errory");
		case "closed":
			// We did not ask for it: the server is done with this mailbox.
			return end(state, effects, { kind: "forgotten" }, "errory");
	}
}

function welcome(state: Draft, effects: Effect[], message: ServerMessage & { type: "welcome" }) {
	if (state.link !== "greeting") return;
	const { permission } = message;
	const refuse = (why: string) => end(state, effects, { kind: "refused", why }, "errory");
	if (message.motd !== undefined) effects.push({ type: "motd", text: message.motd });
	if (message.error !== undefined) return refuse(message.error);
	if (permission.method === "none") return bind(state, effects);
	if (permission.method === "unknown")
		return refuse(`it asks for a permission that this program lacks: ${permission.names}`);
	if (permission.bits > HASHCASH_BITS_MAX) {
		return refuse(
			`it asks for ${permission.bits} bits of hashcash, more than the ${HASHCASH_BITS_MAX} that are worth it`,
		);
	}
	state.link = "stamping";
	effects.push({ type: "timer", name: "setup" });
	effects.push({ type: "hashcash", bits: permission.bits, resource: permission.resource });
}

function bind(state: Draft, effects: Effect[]) {
	const { appid, secrets } = state.setup;
	state.link = "bound";
	effects.push({ type: "timer", name: "setup", ms: MAILBOX_SETUP_MS });
	effects.push({ type: "send", message: { type: "bind", appid, side: secrets.side } });
	if (state.mailbox !== undefined) {
		// Back again. Look into the mailbox before touching the nameplate: when the server has forgotten us, the
		// nameplate may be somebody else's, and a claim would spend their code. The pong ends the replay.
		state.open = true;
		effects.push({ type: "send", message: { type: "open", mailbox: state.mailbox } });
		effects.push({ type: "send", message: { type: "ping", ping: 1 } });
	} else if (state.nameplate !== undefined) {
		claim(state, effects);
	} else {
		state.asked = "allocate";
		effects.push({ type: "send", message: { type: "allocate" } });
	}
}

function claim(state: Draft, effects: Effect[]) {
	state.asked = "claim";
	effects.push({ type: "send", message: { type: "claim", nameplate: state.nameplate as string } });
}

function claimed(state: Draft, effects: Effect[], mailbox: string) {
	if (state.asked !== "claim") return;
	state.asked = undefined;
	if (state.mailbox === undefined) {
		state.mailbox = mailbox;
		state.open = true;
		state.checked = true;
		effects.push({ type: "send", message: { type: "open", mailbox } });
		add(state, effects, "pake", pakeBody((state.spake as NonNullable<State["spake"]>).message));
	} else if (state.mailbox !== mailbox) {
		// `release` belongs to the nameplate; `close` to the mailbox that is open.
		return end(state, effects, { kind: "forgotten" }, "errory");
	} else {
		addMissing(state, effects);
	}
	live(state, effects);
}

/** Everything that the server still has of this exchange is here. */
function afterReplay(state: Draft, effects: Effect[]) {
	state.checked = true;
	const pake = state.mine.find(({ phase }) => phase === "pake");
	if (state.other) {
		release(state, effects);
		addMissing(state, effects);
		live(state, effects);
	} else if (pake?.stored && !pake.echoed) {
		end(state, effects, { kind: "forgotten" }, "lonely");
	} else {
		claim(state, effects);
	}
}

/** The code works from here on (again), or the exchange goes on. */
function live(state: Draft, effects: Effect[]) {
	effects.push({ type: "timer", name: "setup" });
	if (state.other) effects.push({ type: "timer", name: "exchange", ms: EXCHANGE_MS });
	else effects.push({ type: "live", code: code(state) });
}

function code(state: Draft): string {
	const { setup } = state;
	return setup.role === "redeem" ? setup.code.text : `${state.nameplate}-${setup.words}`;
}
