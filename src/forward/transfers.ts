// Running bridges, and how long a program that was told to stop waits for them.

import { bridge, newTraffic, type Traffic } from "./bridge.ts";
import type { Duplex } from "./duplex.ts";
import { DRAIN_MS, HALF_CLOSED_IDLE_MS, IDLE_MS } from "./limits.ts";

/** A bridge that runs; `b` is the service's side. */
interface Running {
	traffic: Traffic;
	a: Duplex;
	b: Duplex;
}

export class Transfers {
	readonly #running = new Set<Running>();
	/** Nothing is waited for any more. */
	#over = false;

	/**
	 * Bridges two ends, and counts them as running until both are over. `b` is the service's side. `error` is what ended
	 * a direction early first, if anything did; `traffic` is what is counted in. Never rejects.
	 */
	async run(a: Duplex, b: Duplex, traffic = newTraffic()): Promise<{ traffic: Traffic; error: Error | undefined }> {
		const running = { traffic, a, b };
		this.#running.add(running);
		try {
			return { traffic, error: await bridge(a, b, traffic) };
		} finally {
			this.#running.delete(running);
		}
	}

	/**
	 * How many wait for an answer, for a slow reader or for the last acknowledgement, or have moved bytes just now. An
	 * idle keep-alive connection does not count.
	 */
	busy(): number {
		const now = performance.now();
		return [...this.#running].filter(({ traffic }) => isBusy(traffic, now)).length;
	}

	/** Resets what is half-closed and has moved nothing for {@link HALF_CLOSED_IDLE_MS}; returns how many that were. */
	sweep(): number {
		const now = performance.now();
		const idle = [...this.#running].filter(
			({ traffic, a, b }) => now - traffic.lastAt > HALF_CLOSED_IDLE_MS && (a.ended || b.ended),
		);
		for (const { a, b } of idle) {
			a.abort();
			b.abort();
		}
		return idle.length;
	}

	/**
	 * Resolves when nothing is busy, after {@link DRAIN_MS} at the latest or soon after {@link abortAll}; what is still
	 * open then is aborted.
	 */
	async drain(): Promise<void> {
		const deadline = performance.now() + DRAIN_MS;
		while (!this.#over && this.busy() > 0 && performance.now() < deadline) await Bun.sleep(25);
		this.abortAll();
	}

	/**
	 * Ends everything now, except what has ended cleanly and is only on its way. To be called when the process exits,
	 * too: the end of a process must not look like the end of the data.
	 */
	abortAll(): void {
		this.#over = true;
		for (const { traffic, a, b } of this.#running) {
			// A clean end on its way, in the transport or the kernel, would be destroyed by an abort.
			if (!traffic.backEnded) a.abort();
			b.abort();
		}
	}
}

// --- internal ---

function isBusy({ copied, lastForth, lastAt, waiting, waitedAt }: Traffic, now: number): boolean {
	return copied || lastForth || waiting > 0 || now - lastAt < IDLE_MS || now - waitedAt < DRAIN_MS;
}
