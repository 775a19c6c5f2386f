// Ends a loop that nobody can see, as one through two hubs: connections to one service that are open, are new and came
// after its last byte are counted, and in a loop each of them opens the next.
import type { Traffic } from "../forward/bridge.ts";
import { UNANSWERED_MAX, UNANSWERED_MS } from "./limits.ts";

export class Unanswered {
	/** Open connections, and `performance.now()` of when each was made. */
	readonly #open = new Map<Traffic, number>();
	/** `performance.now()` of the last byte on a connection that is over. */
	#answeredAt = Number.NEGATIVE_INFINITY;
	/** No more than so many can be unanswered; the exact number is found out only when these are too many. */
	#most = 0;

	/** Whether {@link UNANSWERED_MAX} are unanswered: there may not be one more. */
	isFull(): boolean {
		if (this.#most < UNANSWERED_MAX) return false;
		const answeredAt = Math.max(this.#answeredAt, ...[...this.#open.keys()].map(({ backAt }) => backAt));
		const since = Math.max(answeredAt, performance.now() - UNANSWERED_MS);
		this.#most = [...this.#open.values()].filter((at) => at > since).length;
		return this.#most >= UNANSWERED_MAX;
	}

	/** A connection was made; `traffic` is what will be moved on it. */
	opened(traffic: Traffic): void {
		this.#open.set(traffic, performance.now());
		this.#most++;
	}

	closed(traffic: Traffic): void {
		this.#open.delete(traffic);
		this.#answeredAt = Math.max(this.#answeredAt, traffic.backAt);
	}
}
