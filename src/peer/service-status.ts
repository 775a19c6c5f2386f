// What a peer says of the hub's services: which are down, which run again, and why a connection was refused. A change is
// said once, and at most once a second for each service; that it was asked for, once until it runs again.
// Called by join.ts.

import { log, talk } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import type { ServiceState } from "../protocol/control-messages.ts";
import { SERVICES, type Service } from "../protocol/services.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import { WORD_MS } from "./limits.ts";

export class ServiceStatus {
	#services: ServiceState[] = [];
	/** Services of which the last word was that they are down, and `performance.now()` when it was said. */
	#saidDown = new Map<string, number>();
	/** Port ids of services that were asked for in vain since they were up. */
	#asked = new Set<number>();
	#reports = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	#later: Timer | undefined;
	#quiet = true;
	#closed = false;

	/** The hub's states, of all its services. */
	heard(services: ServiceState[]): void {
		this.#services = services;
		for (const { up, port } of services) if (up) this.#asked.delete(port);
		if (!this.#quiet) this.#sayChanges();
	}

	/** From now on changes are said; what is down already is said now, under the list of services. */
	speak(): void {
		this.#quiet = false;
		this.#sayChanges();
	}

	/**
	 * A connection that came to `local` at `begun` (of performance.now()) was refused. Says why, unless the hub's word
	 * that came of it has said so already.
	 */
	async refused({ portId, name }: Service, local: string, begun: number): Promise<void> {
		// The hub's word about a service that it could not dial comes on another stream.
		if (this.#state(portId)?.up) await Bun.sleep(WORD_MS);
		const saidAt = this.#saidDown.get(name) ?? Number.NEGATIVE_INFINITY;
		if (this.#closed || saidAt >= begun || !this.#reports.take(name)) return;
		const state = this.#state(portId);
		if (state?.up) return log.error(`The hub refused a connection for the ${name}, asked for at ${local}.`);
		const text = `${notRunning(name, state?.address)} Asked for at ${local}.`;
		// Something that polls fills no screen.
		if (this.#asked.has(portId)) return log.info(text);
		if (state) {
			this.#asked.add(portId);
			this.#saidDown.set(name, performance.now());
		}
		log.error(text);
	}

	/** Nothing more is said. Idempotent. */
	close(): void {
		this.#closed = true;
		clearTimeout(this.#later);
	}

	// --- internal ---

	#state(portId: number): ServiceState | undefined {
		return this.#services.find(({ port }) => port === portId);
	}

	#sayChanges(): void {
		if (this.#closed) return;
		for (const { portId, name } of SERVICES) {
			const state = this.#state(portId);
			if (!state || state.up !== this.#saidDown.has(name)) continue;
			if (!this.#reports.take(`state of ${name}`)) {
				// Whoever starts a service again at once wants to hear that, too.
				this.#later ??= setTimeout(() => {
					this.#later = undefined;
					this.#sayChanges();
				}, REPORT_EVERY_MS);
				continue;
			}
			if (state.up) this.#saidDown.delete(name);
			else this.#saidDown.set(name, performance.now());
			talk(state.up ? `The ${name} is running again.` : notRunning(name, state.address));
		}
	}
}

// --- internal ---

const notRunning = (name: string, address: string | undefined): string =>
	`The ${name} is not running on the hub${address ? ` (${address})` : ""}.`;
