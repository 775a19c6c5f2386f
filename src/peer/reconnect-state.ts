// How far the search for a lost hub has got, as one value. Pure: the time is passed in.
// A denial that arrives after its attempt's time is remembered: it ends the search only if the attempts under way since
// then have found nothing.
import type { HivemindError } from "../base/errors.ts";

/** All times are milliseconds of performance.now(). */
export type ReconnectState =
	/** No other connection is wanted. */
	| { kind: "idle" }
	| { kind: "waiting"; until: number; denied: HivemindError | undefined }
	| { kind: "attempting"; since: number; denied: HivemindError | undefined }
	/** For good: trying again would not help. */
	| { kind: "failed"; error: HivemindError };

export type ReconnectInput =
	/** The hub is lost: the first attempt is due at `until`. */
	| { type: "start"; until: number }
	| { type: "attempt"; at: number }
	/** The attempt has failed: the next one is due `pauseMs` after its start. */
	| { type: "retry"; pauseMs: number }
	/** An attempt has learned that trying again would not help. */
	| { type: "fail"; error: HivemindError }
	/** An attempt was denied, perhaps when its time was over and the next one was under way. */
	| { type: "denied"; error: HivemindError }
	/** No other connection is wanted any more. */
	| { type: "stop" };

/** The state after `input`; the very same object if the input does not apply. */
export function nextReconnectState(state: ReconnectState, input: ReconnectInput): ReconnectState {
	if (state.kind === "failed") return state;
	switch (input.type) {
		case "start":
			return state.kind === "idle" ? { kind: "waiting", until: input.until, denied: undefined } : state;
		case "attempt":
			if (state.kind !== "waiting") return state;
			return { kind: "attempting", since: input.at, denied: state.denied };
		case "retry":
			if (state.kind !== "attempting") return state;
			if (state.denied) return { kind: "failed", error: state.denied };
			return { kind: "waiting", until: state.since + input.pauseMs, denied: undefined };
		case "denied":
			if (state.kind === "idle" || state.denied) return state;
			return { ...state, denied: input.error };
		case "fail":
			return state.kind === "attempting" ? { kind: "failed", error: input.error } : state;
		case "stop":
			return { kind: "idle" };
	}
}
