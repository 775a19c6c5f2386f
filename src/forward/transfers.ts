// Running bridges, and how long a program that was told to stop waits for them.
// Called by hub.ts, serve.ts and join.ts.

import { bridge, newTraffic, type Traffic } from "./bridge.ts";
import type { Duplex } from "./duplex.ts";
import { DRAIN_MS, HALF_CLOSED_IDLE_MS, IDLE_MS } from "./limits.ts";

/** A bridge that runs; `b` is the service's side. */
interface Running {
	traffic: Traffic;
	a: Duplex;
	b: Duplex;
}

/** Of all Transfers: a process that ends must not look like a clean end to whoever waits for more. */
const everywhere = new Set<Running>();
process.on("exit", () => everywhere.forEach(abort));

export class Transfers {
	#running = new Set<Running>();

	/** Bridges two ends, and counts them as running until both are over. `b` is the service's side. */
	async run(a: Duplex, b: Duplex): Promise<{ traffic: Traffic; error: Error | undefined }> {
		const running = { traffic: newTraffic(), a, b };
		this.#running.add(running);
		everywhere.add(running);
		try {
			return { traffic: running.traffic, error: await bridge(a, b, running.traffic) };
		} finally {
			this.#running.delete(running);
			everywhere.delete(running);
		}
	}

	/**
	 * How many wait for an answer, for a slow reader, for the last acknowledgement, or have moved bytes just now; an idle
	 * keep-alive does not.
	 */
	busy(): number {
		const now = performance.now();
		return [...this.#running].filter(({ traffic }) => isBusy(traffic, now)).length;
	}

	/** Aborts what is half-closed and has moved nothing for {@link HALF_CLOSED_IDLE_MS}; returns how many that were. */
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

	/** Aborts everything that runs, at once: a process that ends must not look like a clean end to its clients. */
	abortAll(): void {
		this.#running.forEach(abort);
	}

	/** Resolves when nothing is busy, after {@link DRAIN_MS} at the latest; what is still open then is aborted. */
	async drain(): Promise<void> {
		const deadline = performance.now() + DRAIN_MS;
		while (this.busy() > 0 && performance.now() < deadline) await Bun.sleep(25);
		this.#running.forEach(abort);
	}
}

// --- internal ---

function isBusy({ copied, lastForth, lastAt, waiting, waitedAt }: Traffic, now: number): boolean {
	return copied || lastForth || waiting > 0 || now - lastAt < IDLE_MS || now - waitedAt < DRAIN_MS;
}

/** What was ended cleanly is on its way, by the transport or the kernel, and an abort would destroy it. */
function abort({ traffic, a, b }: Running): void {
	if (!traffic.backEnded) a.abort();
	b.abort();
}
