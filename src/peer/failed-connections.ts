// Local connections that fail for want of a hub or of its service: how they end, and how much is said of them. While the
// hub is away a browser may try several times a second, and each failure says the same.
import { Aborted } from "../forward/duplex.ts";
import { ORIGINAL_SERVICES, serviceNoun } from "../protocol/services.ts";
import { HUB_WAIT_MS } from "./limits.ts";

/** How a local connection ends that has waited for {@link HUB_WAIT_MS}. */
export class NoHub extends Aborted {
	constructor() {
		super(`the hub was unreachable for ${HUB_WAIT_MS / 1000} s`);
	}
}

/** How a local connection ends whose service the hub does not have, or no longer. */
export class NotShared extends Aborted {
	constructor() {
		super("the hub does not share it");
	}
}

/** Counts the failures of one outage after another. The first one begins with the program: no hub was reached yet. */
export class OutageCount {
	/** By service; undefined: there is a hub. */
	#failed: Map<string, number> | undefined = new Map();

	begin(): void {
		this.#failed ??= new Map();
	}

	/** One more failure. `first` and `repeated`: of this service in this outage. */
	add(service: string): "first" | "repeated" | "no_outage" {
		if (!this.#failed) return "no_outage";
		const count = (this.#failed.get(service) ?? 0) + 1;
		this.#failed.set(service, count);
		return count === 1 ? "first" : "repeated";
	}

	/** The outage is over. How many connections to which services it has cost, unless all of that was said already. */
	end(): string | undefined {
		const failed = [...(this.#failed ?? [])];
		this.#failed = undefined;
		if (failed.every(([, count]) => count === 1)) return undefined;
		failed.sort(([a], [b]) => place(a) - place(b));
		const parts = failed.map(
			([service, count], i) => `${count}${i === 0 ? noun(count) : ""} to the ${serviceNoun(service)}`,
		);
		const last = parts.pop();
		const list = parts.length > 0 ? `${parts.join(", ")} and ${last}` : last;
		return `${list} were reset meanwhile.`;
	}
}

// --- internal ---

const place = (service: string): number => ORIGINAL_SERVICES.findIndex(({ name }) => name === service);

const noun = (count: number): string => (count === 1 ? " connection" : " connections");
