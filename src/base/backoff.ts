// The only back-off: pauses grow up to a maximum, with jitter so that many programs that lost the same server do not
// all come back at the same moment ("equal jitter",
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

export interface BackoffOptions {
	/** The first pause and the longest, in milliseconds, before jitter. */
	firstMs: number;
	maxMs: number;
	/** The factor from one pause to the next. */
	growth: number;
}

export class Backoff {
	readonly #options: BackoffOptions;
	#nextMs: number;

	constructor(options: BackoffOptions) {
		this.#options = options;
		this.#nextMs = options.firstMs;
	}

	/** Milliseconds to wait before the next attempt: between half the nominal pause and all of it. */
	next(): number {
		const nominal = this.#nextMs;
		this.#nextMs = Math.min(this.#options.maxMs, nominal * this.#options.growth);
		return nominal * (0.5 + Math.random() / 2);
	}

	/** Starts over with the first pause. */
	reset(): void {
		this.#nextMs = this.#options.firstMs;
	}
}
