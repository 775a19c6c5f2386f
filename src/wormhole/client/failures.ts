// What the user is told about an exchange that failed.
import { HivemindError } from "../../base/errors.ts";
import type { Outcome } from "./state.ts";

const BY_TICKET = "Joining with the hub's ticket (--ticket) needs no mailbox server.";

/** Why a code is dead, as a clause. */
export function explain(outcome: Outcome | { kind: "unreachable"; why: string }): string {
	switch (outcome.kind) {
		case "wrong code":
			return "somebody has another code, or interfered";
		case "crowded":
			return "two others are already using the code";
		case "forgotten":
			return "the mailbox server has forgotten the code";
		default:
			return "why" in outcome ? outcome.why : outcome.kind;
	}
}

/** The error of a peer whose exchange ended without a ticket. */
export function failure(url: string, outcome: Outcome): HivemindError {
	const hint = "Ask for a new code.";
	switch (outcome.kind) {
		case "wrong code":
			return new HivemindError("code", "The join code is wrong, and now used up.", {
				hint: `${hint} If you did not mistype it, this is a sign of an attacker.`,
			});
		case "refused":
			return refusal(url, outcome.why);
		case "error":
			return new HivemindError("mailbox", `The mailbox server ${url} reported an error: ${outcome.why}.`, {
				hint: BY_TICKET,
			});
		case "no ticket":
			return new HivemindError("code", `The join code leads to ${outcome.why}.`, {
				hint: "It belongs to another program. Use the code shown by the hub.",
			});
		default:
			return new HivemindError("code", `The join code is used up: ${explain(outcome)}.`, { hint });
	}
}

export function unreachable(url: string, why: string): HivemindError {
	return new HivemindError("mailbox", `The mailbox server ${url} cannot be reached: ${why}.`, { hint: BY_TICKET });
}

export function refusal(url: string, why: string): HivemindError {
	return new HivemindError("mailbox", `The mailbox server ${url} refused this client: ${why}.`, { hint: BY_TICKET });
}
