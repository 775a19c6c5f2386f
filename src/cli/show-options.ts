// How a command that runs shows what it does: a panel on a terminal, or events for programs.
import type { Definitions } from "./definition.ts";

/** Commands with these write events, and nothing else, to standard output. */
export const EVENTS = {
	json: { type: "boolean", description: "Write events to standard output, one JSON object a line" },
} as const satisfies Definitions;

export const SHOW = {
	...EVENTS,
	plain: { type: "boolean", description: "On a terminal: no live panel below the log" },
} as const satisfies Definitions;
