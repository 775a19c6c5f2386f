// Copies Duplex ↔ Duplex: two independent directions with backpressure, half-close, abort and byte counts.
// Knows neither QUIC nor TCP. Called by drain.ts, once for each TCP connection.
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
	/** The second has ended and the first was told so: what it has not received yet is in safe hands. */
	backEnded: boolean;
	/** Writes that wait for a slow reader now, and `performance.now()` when the last such wait ended. */
	waiting: number;
	waitedAt: number;
	/** Everything was read and written; what is on its way is not yet acknowledged. */
	copied: boolean;
	/** What ended a direction early first, if anything did. */
	cause: Error | undefined;
}

export function newTraffic(): Traffic {
	return {
		forth: 0,
		back: 0,
		lastAt: performance.now(),
		lastForth: true,
		backEnded: false,
		waiting: 0,
		waitedAt: Number.NEGATIVE_INFINITY,
		copied: false,
		cause: undefined,
	};
}

/**
 * Runs until both ends are over and released. Resolves with undefined when both directions ended cleanly, else with
 * the first cause; it never rejects.
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

/** A reset that no read shows, because that direction has ended or is blocked, shows in `closed` only. */
function watch(one: Duplex, other: Duplex, outgoing: Promise<void>, traffic: Traffic): void {
	void one.closed.then(async (error) => {
		if (!error) return;
		traffic.cause ??= error;
		// What was read before the reset is delivered first: all of it after a clean end, else what goes at once.
		if (one.ended) {
			await outgoing;
			// Our own clean end is on its way, and on TCP an abort would overtake the bytes before it: only stop listening.
			other.cancel();
			return;
		}
		await Promise.race([outgoing, Bun.sleep(RESET_GRACE_MS)]);
		if (!traffic.copied) other.abort();
	});
}

/** A write, noted when its reader is slower than we are. */
async function written(to: Duplex, bytes: Uint8Array, traffic: Traffic): Promise<void> {
	const begun = performance.now();
	traffic.waiting++;
	try {
		await to.write(bytes);
	} finally {
		traffic.waiting--;
	}
	const now = performance.now();
	if (now - begun > SLOW_WRITE_MS) traffic.waitedAt = now;
}

/** One direction, until its end; what ended it early is the traffic's cause. Never rejects. */
async function copy(from: Duplex, to: Duplex, traffic: Traffic, forth: boolean): Promise<void> {
	for (;;) {
		let bytes: Uint8Array | null;
		try {
			bytes = await from.read();
		} catch (error) {
			// The source was reset: so is the sink, and what the sink still has to say has no reader.
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
			await written(to, bytes, traffic);
		} catch (error) {
			// The sink is gone. It may have said its last word before, and that must still arrive: only this
			// direction ends here.
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
