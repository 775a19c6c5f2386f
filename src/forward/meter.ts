// Counts connections and bytes of each service. The bytes of running connections are those that their bridges count in
// anyway, so that nothing is counted twice and nothing is done for each piece.
import { newTraffic, type Traffic } from "./bridge.ts";

/** Bytes to and from the service, whichever side of the tunnel counts them. */
export interface Count {
	open: number;
	/** All connections there have been, the open ones included. */
	total: number;
	toService: number;
	fromService: number;
}

export class Meter {
	readonly #services = new Map<string, { ended: Count; running: Set<Traffic> }>();

	/** A connection begins: bridge it with `traffic`, whose `forth` goes to the service, and call `end` when it is over. */
	begin(service: string): { traffic: Traffic; end: () => void } {
		const entry = this.#entry(service);
		const traffic = newTraffic();
		entry.running.add(traffic);
		return {
			traffic,
			end: () => {
				if (!entry.running.delete(traffic)) return;
				entry.ended.total++;
				entry.ended.toService += traffic.forth;
				entry.ended.fromService += traffic.back;
			},
		};
	}

	/** What was counted so far. */
	count(service: string): Count {
		const { ended, running } = this.#entry(service);
		const sum = { ...ended, open: running.size, total: ended.total + running.size };
		for (const { forth, back } of running) {
			sum.toService += forth;
			sum.fromService += back;
		}
		return sum;
	}

	// --- internal ---

	#entry(service: string): { ended: Count; running: Set<Traffic> } {
		const entry = this.#services.get(service) ?? {
			ended: { open: 0, total: 0, toService: 0, fromService: 0 },
			running: new Set(),
		};
		this.#services.set(service, entry);
		return entry;
	}
}
