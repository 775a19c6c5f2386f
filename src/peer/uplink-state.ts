// Which connection to the hub is in use, as one value; the next value for each input; and what to do with a session.
// Pure: the time is passed in, and sessions are only compared.
import { CONNECTIONS_PER_ID } from "../transport/limits.ts";
import { PEER_SILENCE_MS, REPLACED_MS, STILL_LOST_MS, SUSPECT_MS, UPLINK_TICK_MS } from "./limits.ts";

/** All times are milliseconds of performance.now(). `enteredAt` is when a welcome last put a session in use. */
export type UplinkState<S> =
	/** The first connection is being made. */
	| { kind: "connecting" }
	| { kind: "connected"; session: S; enteredAt: number }
	/** Another connection is looked for. `hinted`: the user has been told what else may be wrong. */
	| { kind: "lost"; since: number; enteredAt: number; hinted: boolean }
	/** For good. */
	| { kind: "closed" };

export type UplinkInput<S> =
	/** The hub has welcomed a new session. */
	| { type: "welcomed"; session: S; at: number }
	/** A session can no longer be used for new connections, as of `since`. */
	| { type: "left"; session: S; since: number }
	/** An old session works again. */
	| { type: "recovered"; session: S }
	| { type: "tick"; at: number }
	| { type: "close" };

/** The state after `input`; the very same object if the input does not apply. */
export function nextUplinkState<S>(state: UplinkState<S>, input: UplinkInput<S>): UplinkState<S> {
	switch (input.type) {
		case "welcomed":
			if (!isWanted(state)) return state;
			return { kind: "connected", session: input.session, enteredAt: input.at };
		case "left":
			if (state.kind !== "connected" || state.session !== input.session) return state;
			return { kind: "lost", since: input.since, enteredAt: state.enteredAt, hinted: false };
		case "recovered":
			if (state.kind !== "lost") return state;
			return { kind: "connected", session: input.session, enteredAt: state.enteredAt };
		case "tick":
			if (state.kind !== "lost" || state.hinted || input.at - state.since < STILL_LOST_MS) return state;
			return { ...state, hinted: true };
		case "close":
			return state.kind === "closed" ? state : { kind: "closed" };
	}
}

/** Whether a new session would be put in use. */
export function isWanted<S>(state: UplinkState<S>): boolean {
	return state.kind === "connecting" || state.kind === "lost";
}

/** What a look at a session finds. */
export interface Observation {
	/** Streams besides the control stream. */
	running: number;
	silentMs: number;
	/** The hub has said goodbye on it. */
	leaving: boolean;
}

/** What to do with a session: close it for the reason named, give it up, stop using it, use it again, or nothing. */
export type Verdict = "replaced" | "finished" | "dead" | "suspect" | "recovered" | "fine";

export function judge<S>(state: UplinkState<S>, session: S, seen: Observation, now: number): Verdict {
	// Streams that were about to be opened on it when it was replaced are open by now, and count as running.
	const replaced = state.kind === "connected" && state.session !== session && now - state.enteredAt > REPLACED_MS;
	if (replaced && seen.running === 0) return "replaced";
	if (seen.leaving && seen.running === 0) return "finished";
	if (seen.silentMs > PEER_SILENCE_MS) return "dead";
	if (seen.silentMs > SUSPECT_MS) return "suspect";
	return state.kind === "lost" && !seen.leaving && seen.silentMs < 2 * UPLINK_TICK_MS ? "recovered" : "fine";
}

/**
 * Which sessions end when `next` is put in use, oldest first. The old run of a hub that was restarted no longer answers,
 * so whatever waits for it is reset now. A hub may also say goodbye again and again while its connections still carry
 * something: then the oldest sessions end.
 */
export function superseded<S extends { readonly run: string | undefined }>(
	sessions: readonly S[],
	next: S,
): { old: S; reason: string }[] {
	const tooMany = Math.max(0, sessions.length + 1 - CONNECTIONS_PER_ID);
	return sessions.flatMap((old, i) => {
		if (i < tooMany) return { old, reason: "too many connections at once" };
		const restarted = old.run !== undefined && next.run !== undefined && old.run !== next.run;
		return restarted ? { old, reason: "the hub was restarted" } : [];
	});
}
