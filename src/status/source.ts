// Where everything that shows a running program gets it from: its state now, and what happens.
import { RECENT_EVENTS } from "./limits.ts";
import type { ProgramEvent, TimedEvent } from "./program-events.ts";
import type { Snapshot } from "./snapshot.ts";

export interface StatusSource {
	snapshot(): Snapshot;
	/** The last {@link RECENT_EVENTS} events, oldest first, without `stats`. */
	recent(): readonly TimedEvent[];
	/** Lets everybody who listens have a `stats` event. */
	tellStats(): void;
	/** Calls `listener` with each event from now on; returns what ends that. */
	subscribe(listener: (event: TimedEvent) => void): () => void;
}

/** Keeps the last events, and hands on each one. */
export class EventLog {
	readonly #listeners = new Set<(event: TimedEvent) => void>();
	readonly #recent: TimedEvent[] = [];

	add(event: ProgramEvent): void {
		const timed = { time: new Date().toISOString(), ...event };
		if (event.event !== "stats" && this.#recent.push(timed) > RECENT_EVENTS) this.#recent.shift();
		for (const listener of this.#listeners) listener(timed);
	}

	recent(): readonly TimedEvent[] {
		return this.#recent;
	}

	subscribe(listener: (event: TimedEvent) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}
}
