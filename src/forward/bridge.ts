// Copies Duplex ↔ Duplex: two independent directions with backpressure, half-close, abort and byte counts. Knows
// neither QUIC nor TCP. Bytes that were read before an end or a reset are delivered before it is passed on.
import type { Duplex } from "./duplex.ts";
import { RESET_GRACE_MS, SLOW_WRITE_MS } from "./limits.ts";

/** What a bridge has moved so far; live while it runs. */
export interface Traffic {
	/** Bytes from the first duplex to the second, and back. */
	forth: number;
	back: number;
	/** `performance.now()` of the last bytes, and whether they went from the first to the second. */
	lastAt: number;
	lastForth: boolean;
	/** `performance.now()` of the last bytes from the second. */
	backAt: number;
	/** The second has ended and the first was told so; the transport delivers what it has not received yet. */
	backEnded: boolean;
	/** Writes that are waiting for a slow reader, and `performance.now()` when the last such wait ended. */
	waiting: number;
	waitedAt: number;
	/** Everything was read and written, but maybe not acknowledged yet. */
	copied: boolean;
	/** What first ended a direction early, if anything did. */
	cause: Error | undefined;
}

export function newTraffic(): Traffic {
	return {
		forth: 0,
		back: 0,
		lastAt: performance.now(),
		lastForth: true,
		backAt: Number.NEGATIVE_INFINITY,
		backEnded: false,
		waiting: 0,
		waitedAt: Number.NEGATIVE_INFINITY,
		copied: false,
		cause: undefined,
	};
}

/**
 * Runs until both ends are over and released. Resolves with undefined when both directions ended cleanly, else with the
 * first cause. Never rejects.
 */
export async function bridge(a: Duplex, b: Duplex, traffic: Traffic = newTraffic()): Promise<Error | undefined> {
	const forth = copy(a, b, traffic, true);
	const back = copy(b, a, traffic, false);
	watch(a, b, forth, traffic);
	watch(b, a, back, traffic);
	await forth;
	await back;
	traffic.copied = true;
	const endA = await a.closed;
	const endB = await b.closed;
	return traffic.cause ?? endA ?? endB;
}

// --- internal ---

/** A reset is seen in `closed` only, if its direction has ended already or nobody reads because a write is blocked. */
function watch(one: Duplex, other: Duplex, outgoing: Promise<void>, traffic: Traffic): void {
	void one.closed.then(async (error) => {
		if (!error) return;
		traffic.cause ??= error;
		// What was read before the reset is delivered first: all of it after a clean end, else what can be at once.
		if (one.ended) {
			await outgoing;
			// Our own clean end is on its way, and on TCP an abort would destroy the bytes before it: only stop reading.
			other.cancel();
			return;
		}
		await Promise.race([outgoing, Bun.sleep(RESET_GRACE_MS)]);
		if (!traffic.copied) other.abort();
	});
}

/** A write; notes in the traffic when the bytes came, and when the reader is slower than we are. */
async function written(to: Duplex, bytes: Uint8Array, traffic: Traffic, forth: boolean): Promise<void> {
	const begun = performance.now();
	if (!forth) traffic.backAt = begun;
	traffic.waiting++;
	try {
		await to.write(bytes);
	} finally {
		traffic.waiting--;
	}
	const now = performance.now();
	if (now - begun > SLOW_WRITE_MS) traffic.waitedAt = now;
}

/** Copies one direction until its end; what ends it early becomes the traffic's cause. Never rejects. */
async function copy(from: Duplex, to: Duplex, traffic: Traffic, forth: boolean): Promise<void> {
	for (;;) {
		let bytes: Uint8Array | null;
		try {
			bytes = await from.read();
		} catch (error) {
			// The source was reset, so the sink is reset, too: nobody would read what it still has to say.
			to.abort();
			from.abort();
			traffic.cause ??= error as Error;
			return;
		}
		try {
			if (bytes === null) {
				await to.end();
				traffic.backEnded ||= !forth;
				return;
			}
			await written(to, bytes, traffic, forth);
		} catch (error) {
			// The sink is gone. What it sent before must still arrive, so only this direction ends here.
			from.cancel();
			traffic.cause ??= error as Error;
			return;
		}
		if (forth) traffic.forth += bytes.length;
		else traffic.back += bytes.length;
		traffic.lastAt = performance.now();
		traffic.lastForth = forth;
	}
}
