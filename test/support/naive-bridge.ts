// A slow, obvious version of src/forward/bridge.ts: it copies one byte at a time and does only what the contract
// requires. The property tests compare the two wherever the outcome does not depend on timing.
import { newTraffic, type Traffic } from "../../src/forward/bridge.ts";
import type { Duplex } from "../../src/forward/duplex.ts";
import { RESET_GRACE_MS } from "../../src/forward/limits.ts";

export async function naiveBridge(a: Duplex, b: Duplex, traffic: Traffic = newTraffic()): Promise<Error | undefined> {
	const causes: Error[] = [];
	let copying = 2;

	const copy = async (from: Duplex, to: Duplex, count: () => void): Promise<void> => {
		await copyBytes(from, to, count, causes);
		copying -= 1;
		if (copying === 0) traffic.copied = true;
	};

	const watch = async (one: Duplex, other: Duplex, itsBytes: Promise<void>): Promise<void> => {
		const cause = await one.closed;
		if (!cause) return;
		causes.push(cause);
		if (one.ended) {
			await itsBytes;
			other.cancel();
			return;
		}
		await Promise.race([itsBytes, Bun.sleep(RESET_GRACE_MS)]);
		if (copying > 0) other.abort();
	};

	const forth = copy(a, b, () => {
		traffic.forth += 1;
	});
	const back = copy(b, a, () => {
		traffic.back += 1;
	});
	await Promise.all([forth, back, watch(a, b, forth), watch(b, a, back)]);
	return causes[0];
}

// --- internal ---

async function copyBytes(from: Duplex, to: Duplex, count: () => void, causes: Error[]): Promise<void> {
	while (true) {
		const chunk = await from.read().catch((cause: Error) => cause);
		if (chunk instanceof Error) {
			causes.push(chunk);
			to.abort();
			from.abort();
			return;
		}
		try {
			if (chunk === null) {
				await to.end();
				return;
			}
			for (const byte of chunk) {
				await to.write(Uint8Array.of(byte));
				count();
			}
		} catch (cause) {
			causes.push(cause as Error);
			from.cancel();
			return;
		}
	}
}
