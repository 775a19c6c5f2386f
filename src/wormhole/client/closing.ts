// The way out of an exchange: give the nameplate back, close the mailbox with a mood, wait for the answer.
// Called by machine.ts and exchange.ts with a draft of the state; calls nothing.
import { MAILBOX_CLOSE_MS } from "../limits.ts";
import type { Mood } from "../messages.ts";
import type { Draft, Effect, Event, Outcome } from "./state.ts";

/** Begins the end. Later calls do nothing: the first outcome stays. */
export function end(state: Draft, effects: Effect[], outcome: Outcome, mood: Mood) {
	if (state.ending) return;
	state.ending = { outcome, mood };
	effects.push({ type: "timer", name: "setup" }, { type: "timer", name: "exchange" });
	if (state.link !== "bound") return finish(state, effects);
	effects.push({ type: "timer", name: "close", ms: MAILBOX_CLOSE_MS });
	// An end found in a replay: the server may lack our messages, from which the other side learns the same.
	if (state.other && state.open && !state.checked) addMissing(state, effects);
	// An answer under way makes a nameplate ours: what it says is needed to give it back.
	if (!state.asked) leave(state, effects);
}

/** An event after {@link end}. */
export function farewell(state: Draft, effects: Effect[], event: Event) {
	if (event.type === "dropped" || (event.type === "timer" && event.name === "close")) return finish(state, effects);
	if (event.type !== "message") return;
	const { message } = event;
	if (message.type === "closed") return finish(state, effects);
	if (message.type === "released" && state.mailbox === undefined) return finish(state, effects);
	if (message.type === "error") {
		if (!state.asked) return finish(state, effects);
		state.asked = undefined;
		return leave(state, effects);
	}
	if (message.type === "allocated" && state.asked === "allocate") {
		// Allocating claims already, and only a claim tells the mailbox behind the nameplate.
		state.nameplate = message.nameplate;
		state.asked = "claim";
		effects.push({ type: "send", message: { type: "claim", nameplate: message.nameplate } });
	} else if (message.type === "claimed" && state.asked === "claim") {
		state.mailbox ??= message.mailbox;
		state.asked = undefined;
		leave(state, effects);
	}
}

/** Gives the nameplate back, once on each connection (the reference server takes a second release for an error). */
export function release(state: Draft, effects: Effect[]) {
	if (state.nameplate === undefined || state.released || state.releasing) return;
	state.releasing = true;
	effects.push({ type: "send", message: { type: "release", nameplate: state.nameplate } });
}

/** Adds again what the server did not echo on this connection. */
export function addMissing(state: Draft, effects: Effect[]) {
	for (const { phase, body, echoed } of state.mine) {
		if (!echoed) effects.push({ type: "send", message: { type: "add", phase, body } });
	}
}

// --- internal ---

function leave(state: Draft, effects: Effect[]) {
	const mood = state.ending?.mood ?? "errory";
	release(state, effects);
	if (state.mailbox !== undefined)
		effects.push({ type: "send", message: { type: "close", mailbox: state.mailbox, mood } });
	else if (!state.releasing) finish(state, effects);
}

function finish(state: Draft, effects: Effect[]) {
	state.done = true;
	effects.push({ type: "timer", name: "close" });
	if (state.ending) effects.push({ type: "done", outcome: state.ending.outcome });
}
