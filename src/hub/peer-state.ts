// Whether one connection's peer may use the hub: a pure state machine. It decides; peer-session.ts does what it says.
// No stream reaches a service, and no message but a denial reaches the peer, before the hub has admitted it.

import type { Message } from "../protocol/control-messages.ts";
import type { Denial } from "./admission.ts";

export type Hello = Extract<Message, { type: "hello" }>;
export type Welcome = Extract<Message, { type: "welcome" }>;

export type PeerState =
	/** Connected, and has not introduced itself in any way. */
	| { phase: "new" }
	/** Has opened its control stream, and has yet to send its hello. */
	| { phase: "greeting" }
	/** Admitted by an open hub without a hello, like peers of the original program; with `control`, has yet to send one. */
	| { phase: "original"; control: boolean }
	/** Admitted; its welcome is being prepared. */
	| { phase: "admitted" }
	| { phase: "welcomed" }
	/** Has said goodbye. Streams that it opened just before may arrive afterwards. */
	| { phase: "leaving"; welcomed: boolean }
	| { phase: "denied" }
	| { phase: "closed" };

export type PeerInput =
	/** It has opened a control stream. Ignored unless {@link awaitsControl}. */
	| { type: "control" }
	/** A valid header asks for a service. */
	| { type: "service" }
	| { type: "hello"; hello: Hello }
	/** The time for a hello is over. */
	| { type: "timeout" }
	/** The hub's answers to `decide`. */
	| { type: "admitted" }
	| { type: "denied"; denial: Denial }
	/** The welcome that was asked for by `prepare` can be sent. */
	| { type: "prepared"; welcome: Welcome }
	| { type: "bye"; reason: string }
	| { type: "closed"; reason: string };

export type PeerAction =
	/** Ask the hub, and feed in its answer at once. */
	| { type: "decide"; hello?: Hello }
	/** The peer counts from now on, until `leave`. */
	| { type: "enter" }
	| { type: "prepare" }
	| { type: "welcome"; welcome: Welcome }
	| { type: "deny"; denial: Denial }
	| { type: "close"; reason: string }
	| { type: "leave"; reason: string };

export interface Step {
	state: PeerState;
	/** In this order. */
	actions: readonly PeerAction[];
}

/** The next state, and what to do. `open`: the hub has no secret, and admits peers that send no hello. */
export function transition(state: PeerState, input: PeerInput, open: boolean): Step {
	switch (input.type) {
		case "control":
			if (state.phase === "new") return to({ phase: "greeting" });
			return awaitsControl(state) ? to({ phase: "original", control: true }) : to(state);
		case "service":
			return open && state.phase === "new" ? to(state, { type: "decide" }) : to(state);
		case "timeout":
			if (open && state.phase === "new") return to(state, { type: "decide" });
			return isPending(state) ? to(state, { type: "close", reason: "no valid hello in time" }) : to(state);
		case "hello":
			return greeted(state, input.hello);
		case "admitted":
			if (state.phase === "new") return to({ phase: "original", control: false }, { type: "enter" });
			return state.phase === "greeting" ? to({ phase: "admitted" }, { type: "enter" }, { type: "prepare" }) : to(state);
		case "denied":
			return isPending(state) ? to({ phase: "denied" }, { type: "deny", denial: input.denial }) : to(state);
		case "prepared": {
			const welcome = { type: "welcome", welcome: input.welcome } as const;
			if (state.phase === "admitted") return to({ phase: "welcomed" }, welcome);
			if (state.phase === "leaving" && !state.welcomed) return to({ ...state, welcomed: true }, welcome);
			return to(state);
		}
		case "bye":
			if (!isStaying(state)) return to(state);
			return to({ phase: "leaving", welcomed: state.phase === "welcomed" }, { type: "leave", reason: input.reason });
		case "closed":
			return to({ phase: "closed" }, ...left(state, input.reason));
	}
}

/** Whether the peer counts: admitted, and its connection not over. */
export function isAdmitted({ phase }: PeerState): boolean {
	return phase === "original" || phase === "admitted" || phase === "welcomed" || phase === "leaving";
}

/** Admitted, and has not said goodbye. */
export function isStaying(state: PeerState): boolean {
	return isAdmitted(state) && state.phase !== "leaving";
}

/** Whether a control stream is accepted: each connection has one at most. */
export function awaitsControl(state: PeerState): boolean {
	return state.phase === "new" || (state.phase === "original" && !state.control);
}

/** Whether its streams are served now. A peer that has said hello waits for its welcome. */
export function isServed(state: PeerState): boolean {
	return (state.phase === "original" && !state.control) || isListening(state);
}

/** Whether it gets messages: none before the welcome, which says the same. */
export function isListening(state: PeerState): boolean {
	return state.phase === "welcomed" || (state.phase === "leaving" && state.welcomed);
}

/** Whether it may open only a few streams. At an open hub, peers of the original program begin with their streams. */
export function isLimited(state: PeerState, open: boolean): boolean {
	return !isAdmitted(state) && !(open && state.phase === "new");
}

// --- internal ---

const to = (state: PeerState, ...actions: PeerAction[]): Step => ({ state, actions });

const isPending = ({ phase }: PeerState): boolean => phase === "new" || phase === "greeting";

/** A peer that counted no longer does. */
const left = (state: PeerState, reason: string): PeerAction[] => (isStaying(state) ? [{ type: "leave", reason }] : []);

function greeted(state: PeerState, hello: Hello): Step {
	const late = (state.phase === "original" && state.control) || (state.phase === "leaving" && !state.welcomed);
	if (state.phase !== "greeting" && !late) return to(state);
	if (hello.v < 1) {
		const denial = { reason: "version", message: `protocol version ${hello.v} is not supported` } as const;
		return to({ phase: "denied" }, { type: "deny", denial }, ...left(state, `denied: ${denial.message}`));
	}
	if (state.phase === "greeting") return to(state, { type: "decide", hello });
	// Admitted already, by an open hub.
	return to(state.phase === "original" ? { phase: "admitted" } : state, { type: "prepare" });
}
