// Notices that this program was suspended (Ctrl+Z, a closed lid, a frozen container; they look the same from inside).
// A connection that ends right afterwards has ended because of that, and not because of the other side.
import { STALL_MS } from "../base/limits.ts";
import type { Loss } from "./events.ts";
import { SUSPECT_MS } from "./limits.ts";

/** A period in which this program did not run; both ends in milliseconds of performance.now(). */
export interface Suspension {
	since: number;
	until: number;
}

export class SuspendDetector {
	#tickedAt = performance.now();
	#last: Suspension | undefined;

	/** Call this regularly, more often than {@link STALL_MS}. */
	tick(): void {
		this.#tickedAt = performance.now();
	}

	/** Call this instead of {@link tick} when the tick comes late because of a suspension. */
	resumed(): void {
		this.#last = { since: this.#tickedAt, until: performance.now() };
		this.tick();
	}

	/** The suspension that has just ended, whether a tick has noticed it yet or not; undefined when there was none. */
	recent(): Suspension | undefined {
		const now = performance.now();
		if (now - this.#tickedAt > STALL_MS) return { since: this.#tickedAt, until: now };
		return this.#last && now - this.#last.until < SUSPECT_MS ? this.#last : undefined;
	}

	/** Why a connection was lost that ends just now for this reason, and since when. */
	lossAt(reason: string): { loss: Loss; since: number } {
		const suspension = this.recent();
		if (!suspension) return { loss: { kind: "ended", reason }, since: performance.now() };
		const { since, until } = suspension;
		return { loss: { kind: "suspended", suspendedMs: until - since }, since };
	}
}
