// What a peer reports about the hub's services: which went down, which came up, and why a connection was refused. For
// each service a change is reported once and at most once a second, and the last one is always reported. A refusal by a
// service that is down is reported once until it is up again.
import { ChangeFilter } from "../base/change-filter.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import type { EmitPeerEvent } from "./events.ts";
import type { HubService } from "./hub-services.ts";
import { REFUSAL_REASON_MS } from "./limits.ts";

export class ServiceStatus {
	#emit: EmitPeerEvent;
	/** "quiet": changes are kept for later. */
	#phase: "quiet" | "reporting" | "closed" = "quiet";
	#services: readonly HubService[] = [];
	/** Whether each service was last reported as up; nothing is reported about one that has always been up. */
	#reported = new ChangeFilter<boolean>();
	/** `performance.now()` of each service's last report. */
	#reportedAt = new Map<string, number>();
	/** Services whose refusals were reported since they were last up. */
	#asked = new ChangeFilter<true>();
	#rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	#later: Timer | undefined;

	constructor(emit: EmitPeerEvent) {
		this.#emit = emit;
	}

	/** Takes what the hub says about all services that are wanted here. One that is new is announced with its state. */
	update(services: readonly HubService[]): void {
		for (const { name } of this.#services) if (!services.some((service) => service.name === name)) this.#forget(name);
		const isNew = ({ name }: HubService) => !this.#find(name);
		if (this.#phase === "reporting") this.#noteDown(services.filter(isNew));
		this.#services = services;
		for (const { name, up } of services) if (up) this.#asked.forget(name);
		if (this.#phase === "reporting") this.#reportChanges();
	}

	/** From now on changes are reported; what is down already has been told with the list of services. */
	startReporting(): void {
		if (this.#phase === "quiet") this.#phase = "reporting";
		this.#noteDown(this.#services);
	}

	/**
	 * A connection to `local` that began at `begun` (of performance.now()) was refused. Reports why, unless the message
	 * about the service that the refusal caused has been reported since.
	 */
	async refused(name: string, local: string, begun: number): Promise<void> {
		// When the hub could not dial the service it says so on the control stream, which may arrive a moment later.
		if (this.#find(name)?.up) await Bun.sleep(REFUSAL_REASON_MS);
		if (this.#phase === "closed" || this.#wasReportedDown(name, begun) || !this.#rate.take(name)) return;
		const service = this.#find(name);
		const event = { type: "refused", service: name, local } as const;
		if (service?.up === undefined) return this.#emit({ ...event, state: "unknown", repeated: false });
		if (service.up) return this.#emit({ ...event, state: "up", repeated: false });
		// A client that polls must not fill the screen.
		const repeated = !this.#asked.changed(name, true);
		if (!repeated) this.#note(name, false);
		const { address } = service;
		this.#emit({ ...event, state: "down", ...(address !== undefined && { address }), repeated });
	}

	/** Nothing more is reported. Idempotent. */
	close(): void {
		this.#phase = "closed";
		clearTimeout(this.#later);
	}

	// --- internal ---

	#find(name: string): HubService | undefined {
		return this.#services.find((service) => service.name === name);
	}

	/** The hub chooses the names: of those that it no longer has nothing is kept. */
	#forget(name: string): void {
		this.#reported.forget(name);
		this.#reportedAt.delete(name);
		this.#asked.forget(name);
	}

	/** These have been told as down, where they are. */
	#noteDown(services: readonly HubService[]): void {
		for (const { name, up } of services) if (up === false) this.#note(name, false);
	}

	#note(name: string, up: boolean): void {
		this.#reported.changed(name, up);
		this.#reportedAt.set(name, performance.now());
	}

	#wasReportedDown(name: string, since: number): boolean {
		return this.#reported.last(name) === false && (this.#reportedAt.get(name) ?? 0) >= since;
	}

	#reportChanges(): void {
		if (this.#phase !== "reporting") return;
		for (const { name, up, address } of this.#services) {
			if (up === undefined || address === undefined || up === (this.#reported.last(name) ?? true)) continue;
			if (!this.#rate.take(`state of ${name}`)) {
				// The last change counts most, so it is reported as soon as it may be.
				this.#later ??= setTimeout(() => {
					this.#later = undefined;
					this.#reportChanges();
				}, REPORT_EVERY_MS);
				continue;
			}
			this.#note(name, up);
			this.#emit({ type: "service", service: name, up, address });
		}
	}
}
