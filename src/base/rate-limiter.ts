// The one rate limiter: a token bucket for each key, kept as the time at which the bucket would be full again (the
// generic cell rate algorithm, ITU-T I.371). Pure; time comes in.
import { setBounded } from "./bounded-map.ts";
import { RATE_KEYS } from "./limits.ts";

export interface Rate {
	/** How many may come at once after a quiet time. */
	burst: number;
	/** Milliseconds until one more may come. */
	everyMs: number;
	/** Keys remembered; the oldest is forgotten beyond that, and starts with a full burst again. */
	keys?: number;
}

export class RateLimiter {
	readonly #burst: number;
	readonly #everyMs: number;
	readonly #keys: number;
	/** When each key's bucket is full again. */
	readonly #fullAt = new Map<string, number>();

	constructor({ burst, everyMs, keys = RATE_KEYS }: Rate) {
		this.#burst = burst;
		this.#everyMs = everyMs;
		this.#keys = keys;
	}

	/** Takes one, if there is one to take; whether there was. `now` is milliseconds of a clock that never goes back. */
	take(key = "", now = performance.now()): boolean {
		if (this.waitMs(key, now) > 0) return false;
		const fullAt = Math.max(now, this.#fullAt.get(key) ?? now);
		setBounded(this.#fullAt, key, fullAt + this.#everyMs, this.#keys);
		return true;
	}

	/** Milliseconds until there is one to take; 0 when there is one now. Takes nothing. */
	waitMs(key = "", now = performance.now()): number {
		const fullAt = this.#fullAt.get(key) ?? now;
		return Math.max(0, fullAt - now - (this.#burst - 1) * this.#everyMs);
	}
}
