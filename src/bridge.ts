// Copies Duplex ↔ Duplex: two independent directions with backpressure, half-close, abort and byte counts.
// Knows neither QUIC nor TCP. Called by drain.ts, once for each TCP connection.
import type { Duplex } from "./duplex.ts";
import { RESET_GRACE_MS } from "./limits.ts";

/** What a bridge has moved so far; live while it runs. */
export interface Traffic {
	/** Bytes from the first duplex to the second, and back. */
	forth: number;
	back: number;
	/** `performance.now()` of the last bytes, and whether they went from the first to the second. */
	lastAt: number;
	lastForth: boolean;
	/** Everything was read and written; what is on its way is not yet acknowledged. */
	copied: boolean;
}

export function newTraffic(): Traffic {
	return { forth: 0, back: 0, lastAt: performance.now(), lastForth: true, copied: false };
}

/**
 * Runs until both ends are over and released. Resolves with undefined when both directions ended cleanly, else with
 * the first cause; it never rejects.
 */
export async function bridge(a: Duplex, b: Duplex, traffic: Traffic = newTraffic()): Promise<Error | undefined> {
	let cause: Error | undefined;
	const failed = (error: unknown) => {
		cause ??= error instanceof Error ? error : new Error(String(error));
	};
	const moved = (forth: boolean) => (bytes: number) => {
		if (forth) traffic.forth += bytes;
		else traffic.back += bytes;
		traffic.lastAt = performance.now();
		traffic.lastForth = forth;
	};
	const forth = copy(a, b, failed, moved(true));
	const back = copy(b, a, failed, moved(false));
	const both = Promise.all([forth, back]).then(() => {
		traffic.copied = true;
	});
	const ends = [abortAfter(a, b, forth), abortAfter(b, a, back)];
	await both;
	const causes = await Promise.all(ends);
	return cause ?? causes.find((error) => error !== undefined);

	/** A reset that no read shows, because that direction has ended or is blocked, shows in `closed` only. */
	async function abortAfter(one: Duplex, other: Duplex, outgoing: Promise<void>): Promise<Error | undefined> {
		const error = await one.closed;
		if (error) {
			// What was read before the reset is delivered first: all of it after a clean end, else what goes at once.
			await (one.ended ? outgoing : Promise.race([outgoing, Bun.sleep(RESET_GRACE_MS)]));
			if (!traffic.copied) other.abort();
		}
		return error;
	}
}

// --- internal ---

async function copy(
	from: Duplex,
	to: Duplex,
	failed: (error: unknown) => void,
	moved: (bytes: number) => void,
): Promise<void> {
	for (;;) {
		let bytes: Uint8Array | null;
		try {
			bytes = await from.read();
		} catch (error) {
			// The source was reset: so is the sink, and what the sink still has to say has no reader.
			failed(error);
			to.abort();
			from.abort();
			return;
		}
		try {
			if (bytes === null) return await to.end();
			await to.write(bytes);
			moved(bytes.length);
		} catch (error) {
			// The sink is gone. It may have said its last word before, and that must still arrive: only this
			// direction ends here.
			failed(error);
			from.cancel();
			return;
		}
	}
}
