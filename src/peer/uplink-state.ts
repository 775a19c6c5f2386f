// Which connection to the hub is in use, as one value, and what each event makes of it; what a look at a session means.
// Pure: time comes in, sessions are only compared.
import { CONNECTIONS_PER_ID } from "../transport/limits.ts";
import { PEER_SILENCE_MS, REPLACED_MS, STILL_LOST_MS, SUSPECT_MS, UPLINK_TICK_MS } from "./limits.ts";

/** All times are milliseconds of performance.now(). `enteredAt` is when a welcome last put a session in use. */
export type UplinkState<S> =
	/** The first connection is being made. */
	| { kind: "connecting" }
	| { kind: "connected"; session: S; enteredAt: number }
	/** Another connection is looked for. `hinted`: the person was told what else may be wrong. */
	| { kind: "lost"; since: number; enteredAt: number; hinted: boolean }
	/** For good. */
	| { kind: "closed" };

export type UplinkInput<S> =
	/** The hub has let a new session in. */
	| { type: "welcomed"; session: S; at: number }
	/** A session is of no more use for new connections, since `since`. */
	| { type: "left"; session: S; since: number }
	/** An old session works again. */
	| { type: "recovered"; session: S }
	| { type: "tick"; at: number }
	| { type: "close" };

/** The state after `input`; the very same object where the input means nothing in it. */
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

/** What follows from a look: close it for the reason named, give it up, stop using it, use it again, or nothing. */
export type Verdict = "replaced" | "finished" | "dead" | "suspect" | "recovered" | "fine";

export function judge<S>(state: UplinkState<S>, session: S, seen: Observation, now: number): Verdict {
	// Whatever was about to be opened on it when it was replaced is open by now, and counts as running.
	const replaced = state.kind === "connected" && state.session !== session && now - state.enteredAt > REPLACED_MS;
	if (replaced && seen.running === 0) return "replaced";
	if (seen.leaving && seen.running === 0) return "finished";
	if (seen.silentMs > PEER_SILENCE_MS) return "dead";
	if (seen.silentMs > SUSPECT_MS) return "suspect";
	return state.kind === "lost" && !seen.leaving && seen.silentMs < 2 * UPLINK_TICK_MS ? "recovered" : "fine";
}

/**
 * Which sessions end when `next` is put in use, oldest first. The old run of a hub that was restarted answers nobody any
 * more: what waits for it is reset now. Of the sessions with a hub that sends the peer away again and again, and keeps
 * what it has, the oldest end.
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
