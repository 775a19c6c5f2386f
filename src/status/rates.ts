// Bytes a second, from counters that are looked at now and then. Pure: the time is passed in.
import { RATE_WINDOW_MS } from "./limits.ts";
import type { TrafficSnapshot } from "./snapshot.ts";

type Bytes = Pick<TrafficSnapshot, "toService" | "fromService">;

interface Sample extends Bytes {
	at: number;
}

export class Rates {
	readonly #samples = new Map<string, Sample[]>();

	/** Bytes a second of a service over the last {@link RATE_WINDOW_MS}, given its counters at `at` milliseconds. */
	next(service: string, { toService, fromService }: Bytes, at: number): Bytes {
		const samples = this.#samples.get(service) ?? [];
		this.#samples.set(service, samples);
		samples.push({ at, toService, fromService });
		while (samples.length > 2 && at - (samples[1] as Sample).at >= RATE_WINDOW_MS) samples.shift();
		const first = samples[0] as Sample;
		const seconds = (at - first.at) / 1000;
		if (seconds <= 0) return { toService: 0, fromService: 0 };
		return {
			toService: (toService - first.toService) / seconds,
			fromService: (fromService - first.fromService) / seconds,
		};
	}
}
