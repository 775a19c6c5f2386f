// When this program stood still (Ctrl+Z, a closed lid, a frozen container): what ends in the moments after has ended for
// that, and not for the other side. Called by uplink.ts, which looks regularly.
import { STALL_MS } from "../base/limits.ts";
import { SUSPECT_MS } from "./limits.ts";

export interface Stop {
	/** Of performance.now(). */
	since: number;
	until: number;
}

export class SuspendDetector {
	#lookedAt = performance.now();
	#last: Stop = { since: 0, until: Number.NEGATIVE_INFINITY };

	/** To be called at every look, more often than {@link STALL_MS}. */
	looked(): void {
		this.#lookedAt = performance.now();
	}

	/** To be called at the first look after one. */
	woken(): void {
		this.#last = { since: this.#lookedAt, until: performance.now() };
		this.looked();
	}

	/** The one that is just over, whether a look has noticed or not. */
	recent(): Stop | undefined {
		const now = performance.now();
		if (now - this.#lookedAt > STALL_MS) return { since: this.#lookedAt, until: now };
		return now - this.#last.until < SUSPECT_MS ? this.#last : undefined;
	}
}
