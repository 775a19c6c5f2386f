// One code's exchange as a pure function: (state, event) → {state, effects}. No clock, no socket, no randomness, and no
// event in any state throws.
import type { ServerMessage } from "../messages.ts";
import { closing, end } from "./closing.ts";
import { mailboxMessage } from "./key-exchange.ts";
import { allocated, claimed, connected, replayed, stamped, welcome } from "./opening.ts";
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
			return stamped(state, effects, event.stamp);
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

/** What an `error` means; these two texts are part of the protocol. */
function reported(error: string): Outcome {
	if (error === "crowded") return { kind: "crowded" };
	if (error === "reclaimed") return { kind: "forgotten" };
	return { kind: "error", why: error };
}
