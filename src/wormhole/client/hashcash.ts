// Hashcash version 1 with SHA-1: the work that a mailbox server may require before it accepts a client. The format is
// ver:bits:date:resource:ext:rand:counter (http://www.hashcash.org/docs/hashcash.html).
import { HivemindError } from "../../base/errors.ts";
import { HASHCASH_BITS_MAX, HASHCASH_SLICE } from "./limits.ts";

/**
 * A stamp for `resource` whose SHA-1 begins with `bits` zero bits. Computed in slices of a few milliseconds, so that
 * everything else goes on; 20 bits take about a quarter of a second, and each further bit doubles that.
 * @throws HivemindError `mailbox` above 28 bits; the reason of `signal` when that is aborted
 */
export async function stamp(bits: number, resource: string, signal: AbortSignal): Promise<string> {
	if (bits > HASHCASH_BITS_MAX) {
		throw new HivemindError("mailbox", `The mailbox server requires ${bits} bits of hashcash.`, {
			hint: `More than ${HASHCASH_BITS_MAX} would take minutes. Use --ticket, or a mailbox server of your own.`,
		});
	}
	const date = new Date().toISOString().slice(2, 10).replaceAll("-", "");
	const random = crypto.getRandomValues(new Uint8Array(12)).toBase64();
	const prefix = `1:${bits}:${date}:${resource}::${random}:`;
	const hash = new Uint8Array(20);
	for (let counter = 0; ; counter++) {
		if (counter % HASHCASH_SLICE === 0) {
			await new Promise((resolve) => setImmediate(resolve));
			signal.throwIfAborted();
		}
		const candidate = prefix + counter.toString(36);
		Bun.SHA1.hash(candidate, hash);
		if (zeroBits(hash) >= bits) return candidate;
	}
}

/** How many bits from the first on are zero. */
export function zeroBits(hash: Uint8Array): number {
	const index = hash.findIndex((byte) => byte !== 0);
	return index < 0 ? hash.length * 8 : index * 8 + Math.clz32(hash[index] as number) - 24;
}
