// The only rate limiter: a token bucket per key, stored as the time at which the bucket will be full again (the generic
// cell rate algorithm, ITU-T I.371). Pure: the time is passed in.
import { setBounded } from "./bounded-map.ts";
import { RATE_KEYS } from "./limits.ts";

export interface Rate {
	/** How many are allowed at once after a quiet period. */
	burst: number;
	/** Milliseconds between two in the long run. */
	everyMs: number;
	/** Keys to remember. Beyond that the oldest is forgotten and starts with a full burst again. */
	keys?: number;
}

export class RateLimiter {
	readonly #burst: number;
	readonly #everyMs: number;
	readonly #keys: number;
	/** When each key's bucket will be full again. */
	readonly #fullAt = new Map<string, number>();

	constructor({ burst, everyMs, keys = RATE_KEYS }: Rate) {
		this.#burst = burst;
		this.#everyMs = everyMs;
		this.#keys = keys;
	}

	/** Takes a token if there is one, and says whether there was. `now` is the milliseconds of a monotonic clock. */
	take(key = "", now = performance.now()): boolean {
		if (this.waitMs(key, now) > 0) return false;
		const fullAt = Math.max(now, this.#fullAt.get(key) ?? now);
		setBounded(this.#fullAt, key, fullAt + this.#everyMs, this.#keys);
		return true;
	}

	/** Milliseconds until a token is available, 0 if one is now. Takes nothing. */
	waitMs(key = "", now = performance.now()): number {
		const fullAt = this.#fullAt.get(key) ?? now;
		return Math.max(0, fullAt - now - (this.#burst - 1) * this.#everyMs);
	}
}
