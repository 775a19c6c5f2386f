// Running bridges, and how long a program that was told to stop waits for them.
// Called by share.ts and join.ts.
import { bridge, newTraffic, type Traffic } from "./bridge.ts";
import type { Duplex } from "./duplex.ts";
import { DRAIN_MS, HALF_CLOSED_IDLE_MS, IDLE_MS } from "./limits.ts";

export class Transfers {
	#running = new Map<Traffic, [Duplex, Duplex]>();

	/** Bridges two ends, and counts them as running until both are over. `b` is the service's side. */
	async run(a: Duplex, b: Duplex): Promise<{ traffic: Traffic; error: Error | undefined }> {
		const traffic = newTraffic();
		this.#running.set(traffic, [a, b]);
		try {
			return { traffic, error: await bridge(a, b, traffic) };
		} finally {
			this.#running.delete(traffic);
		}
	}

	/** How many wait for an answer, for the last acknowledgement, or have moved bytes just now; an idle keep-alive does not. */
	busy(): number {
		const now = performance.now();
		let count = 0;
		for (const { copied, lastAt, lastForth } of this.#running.keys())
			if (copied || lastForth || now - lastAt < IDLE_MS) count++;
		return count;
	}

	/** Aborts what is half-closed and has moved nothing for {@link HALF_CLOSED_IDLE_MS}. */
	sweep(): void {
		const now = performance.now();
		for (const [{ lastAt }, ends] of this.#running) {
			if (now - lastAt > HALF_CLOSED_IDLE_MS && ends.some(({ ended }) => ended)) for (const end of ends) end.abort();
		}
	}

	/** Resolves when nothing is busy, after {@link DRAIN_MS} at the latest; what is still open then is aborted. */
	async drain(): Promise<void> {
		const deadline = performance.now() + DRAIN_MS;
		while (this.busy() > 0 && performance.now() < deadline) await Bun.sleep(25);
		for (const ends of this.#running.values()) for (const end of ends) end.abort();
	}
}
