// The end of an exchange: give the nameplate back, close the mailbox with a mood, and wait a bounded time for the
// answer (docs/mailbox-protocol.md, "Ending an exchange").
import type { Mood } from "../messages.ts";
import { explain } from "./failures.ts";
import { MAILBOX_CLOSE_MS } from "./limits.ts";
import { answered, type Draft, type Effect, type Event, isAsking, type Outcome, type State } from "./state.ts";

/** Begins the end. Later calls do nothing: the first outcome stays. */
export function end(state: Draft, effects: Effect[], outcome: Outcome, mood: Mood) {
	if (state.ending) return;
	const { at } = state.connection;
	state.ending = { stage: "closing", outcome: handedOver(state, outcome), mood };
	effects.push({ type: "timer", name: "setup" }, { type: "timer", name: "exchange" });
	// Not bound yet, or no longer: there is nothing to give back, or no way to.
	if (at === "down" || at === "greeting" || at === "stamping") return finish(state, effects);
	effects.push({ type: "timer", name: "close", ms: MAILBOX_CLOSE_MS });
	// An end found in a replay: the server may lack our messages, from which the other side learns the same.
	if (state.other && at === "replaying") addMissing(state, effects);
	// The answer to an allocation or a claim brings a nameplate or a mailbox that has to be given back: wait for it.
	if (!isAsking(state.connection)) leave(state, effects);
}

/** An event after {@link end}. */
export function closing(state: Draft, effects: Effect[], event: Event) {
	if (event.type === "dropped" || (event.type === "timer" && event.name === "close")) return finish(state, effects);
	if (event.type !== "message") return;
	const { message } = event;
	const { connection } = state;
	if (message.type === "closed") return finish(state, effects);
	if (message.type === "released" && state.mailbox === undefined) return finish(state, effects);
	if (message.type === "error") {
		if (!isAsking(connection)) return finish(state, effects);
		state.connection = answered(connection);
		return leave(state, effects);
	}
	if (message.type === "allocated" && connection.at === "allocating") {
		// An allocation claims as well, and only the answer to a claim names the mailbox behind the nameplate.
		state.nameplate = { name: message.nameplate, use: "held" };
		state.connection = { at: "claiming" };
		effects.push({ type: "send", message: { type: "claim", nameplate: message.nameplate } });
	} else if (message.type === "claimed" && isAsking(connection) && connection.at !== "allocating") {
		state.mailbox ??= message.mailbox;
		state.connection = answered(connection);
		leave(state, effects);
	}
}

/** Gives the nameplate back, once on each connection: the reference server answers a second release with an error. */
export function release(state: Draft, effects: Effect[]) {
	const { nameplate } = state;
	if (nameplate?.use !== "held") return;
	state.nameplate = { ...nameplate, use: "releasing" };
	effects.push({ type: "send", message: { type: "release", nameplate: nameplate.name } });
}

/** Adds again what the server did not echo on this connection. */
export function addMissing(state: Draft, effects: Effect[]) {
	for (const { phase, body, echo } of state.mine) {
		if (echo !== "here") effects.push({ type: "send", message: { type: "add", phase, body } });
	}
}

// --- internal ---

/**
 * Once a hub's ticket is in the mailbox, the side that proved the code can read it: whatever ends the exchange then, the
 * ticket counts as handed over.
 */
function handedOver({ setup, mine }: State, outcome: Outcome): Outcome {
	if (outcome.kind === "taken" || outcome.kind === "cancelled" || outcome.kind === "refused") return outcome;
	const stored = setup.role === "offer" && mine.some(({ phase, echo }) => phase === "0" && echo !== "none");
	return stored ? { kind: "taken", doubt: explain(outcome) } : outcome;
}

function leave(state: Draft, effects: Effect[]) {
	const mood = state.ending?.mood ?? "errory";
	release(state, effects);
	if (state.mailbox !== undefined) {
		effects.push({ type: "send", message: { type: "close", mailbox: state.mailbox, mood } });
	} else if (state.nameplate?.use !== "releasing") finish(state, effects);
}

function finish(state: Draft, effects: Effect[]) {
	if (!state.ending) return;
	state.ending = { ...state.ending, stage: "done" };
	effects.push({ type: "timer", name: "close" }, { type: "done", outcome: state.ending.outcome });
}
