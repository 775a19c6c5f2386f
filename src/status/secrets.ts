// What is shown to whom: a hub's ticket and join code admit anybody who reads them, so they are only for those who have
// proved that they may. Everything else is for whoever may ask at all.
import { joinCommand } from "./join-command.ts";
import type { TimedEvent } from "./program-events.ts";
import type { Snapshot } from "./snapshot.ts";

/** A snapshot with the join command, or without all secrets. */
export function visibleSnapshot(snapshot: Snapshot, secrets: boolean): Snapshot {
	if (snapshot.role === "peer") return snapshot;
	const { ticket, code, joinCommand: _, ...rest } = snapshot;
	if (!secrets) return rest;
	const command = joinCommand(snapshot);
	return { ...snapshot, ...(command !== undefined && { joinCommand: command }) };
}

/** An event, without its secret; undefined for one that is nothing else. */
export function visibleEvent(event: TimedEvent, secrets: boolean): TimedEvent | undefined {
	if (secrets) return event;
	if (event.event === "code") return undefined;
	if (event.event !== "ready" || event.role !== "hub") return event;
	return { ...event, ticket: "" };
}
