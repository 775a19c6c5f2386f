// The memory of this process, and how late its event loop is: the time in which nothing is forwarded.
import { LAG_EVERY_MS, LAG_WINDOW_MS } from "./limits.ts";
import type { ProcessSnapshot } from "./snapshot.ts";

export class ProcessStats {
	/** How late each of the last looks was, in milliseconds. */
	readonly #lags = new Float64Array(LAG_WINDOW_MS / LAG_EVERY_MS);
	readonly #timer: Timer;
	#looks = 0;
	#lookedAt = performance.now();

	constructor() {
		this.#timer = setInterval(() => this.#look(), LAG_EVERY_MS);
		this.#timer.unref();
	}

	snapshot(): ProcessSnapshot {
		const now = performance.now();
		return {
			rss: process.memoryUsage.rss(),
			// The next look may be late already.
			loopLagMs: Math.round(Math.max(this.#lateness(now), ...this.#lags) * 10) / 10,
			// performance.now() counts from the start of the process.
			uptimeMs: Math.floor(now),
		};
	}

	/** Idempotent. */
	close(): void {
		clearInterval(this.#timer);
	}

	// --- internal ---

	#look(): void {
		const now = performance.now();
		this.#lags[this.#looks++ % this.#lags.length] = this.#lateness(now);
		this.#lookedAt = now;
	}

	#lateness(now: number): number {
		return Math.max(0, now - this.#lookedAt - LAG_EVERY_MS);
	}
}
