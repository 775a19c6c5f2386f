// What a peer shows of itself: follows its events, and makes snapshots of them and of what is counted. Prints nothing.
import { formatAddress } from "../base/address.ts";
import { VERSION } from "../base/version.ts";
import type { TimedEvent } from "../status/program-events.ts";
import type { PeerSnapshot, ProcessSnapshot, RemoteSnapshot, ServiceSnapshot } from "../status/snapshot.ts";
import { EventLog, type StatusSource } from "../status/source.ts";
import type { PeerEvent, PeerView } from "./events.ts";
import { programEvent } from "./program-events.ts";

export interface PeerStatusOptions {
	name: string;
	/** Memory and the like, now. */
	process: () => ProcessSnapshot;
}

export class PeerStatus implements StatusSource {
	readonly #options: PeerStatusOptions;
	readonly #log = new EventLog();
	readonly #started = new Date().toISOString();
	#view: PeerView | undefined;
	#state: PeerSnapshot["state"] = "connecting";
	/** The hub as it was last seen. */
	#hub: RemoteSnapshot | undefined;
	#reconnects = 0;
	/** Since when a service is down. */
	readonly #down = new Map<string, string>();
	readonly #refused = new Map<string, number>();

	constructor(options: PeerStatusOptions) {
		this.#options = options;
	}

	/** The peer runs: to be given to it as its `onStart`. */
	attach(view: PeerView): void {
		this.#view = view;
	}

	/** Takes every event of the peer, as it happens. */
	take(event: PeerEvent): void {
		this.#follow(event);
		const told = programEvent(event, { id: this.#view?.id ?? "", hubId: this.#view?.hubId ?? "" });
		if (told) this.#log.add(told);
	}

	snapshot(): PeerSnapshot {
		const { name, process } = this.#options;
		const hub = this.#hubNow();
		return {
			role: "peer",
			version: VERSION,
			name,
			id: this.#view?.id ?? "",
			started: this.#started,
			state: this.#state,
			...(hub && { hub }),
			services: this.#services(),
			reconnects: this.#reconnects,
			refused: Object.fromEntries(this.#refused),
			process: process(),
		};
	}

	recent(): readonly TimedEvent[] {
		return this.#log.recent();
	}

	subscribe(listener: (event: TimedEvent) => void): () => void {
		return this.#log.subscribe(listener);
	}

	tellStats(): void {
		const services = this.#services().map(({ name, open, total, toService, fromService }) => ({
			name,
			open,
			total,
			toService,
			fromService,
		}));
		this.#log.add({ event: "stats", peers: this.#state === "connected" ? 1 : 0, services });
	}

	// --- internal ---

	#follow(event: PeerEvent): void {
		const now = new Date().toISOString();
		switch (event.type) {
			case "connected":
				this.#hub = { id: this.#view?.hubId ?? "", since: now };
				break;
			case "ready":
				this.#state = "connected";
				for (const { name, up } of event.services) if (up === false) this.#down.set(name, now);
				break;
			case "service_added":
				if (event.service.up === false) this.#down.set(event.service.name, now);
				break;
			case "service_removed":
				this.#down.delete(event.service);
				break;
			case "lost":
				if (this.#state !== "stopping") this.#state = "lost";
				break;
			case "reconnected":
				this.#state = "connected";
				this.#reconnects++;
				break;
			case "service":
				if (event.up) this.#down.delete(event.service);
				else if (!this.#down.has(event.service)) this.#down.set(event.service, now);
				break;
			case "refused":
				this.#count(`service_${event.state}`);
				break;
			case "connection_failed":
				this.#count(event.why);
				break;
			case "stopping":
				this.#state = "stopping";
		}
	}

	#count(reason: string): void {
		this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
	}

	/** While the hub is lost, what is last known of it, without a path. */
	#hubNow(): RemoteSnapshot | undefined {
		const now = this.#view?.hub();
		if (!this.#hub || !now) return this.#hub;
		const { name, path, rttMs } = now;
		this.#hub = { ...this.#hub, ...(name !== undefined && { name }) };
		return { ...this.#hub, ...(path && { path: { kind: path.kind, address: path.address, rttMs: rttMs ?? 0 } }) };
	}

	#services(): ServiceSnapshot[] {
		const view = this.#view;
		if (!view) return [];
		return view.services().map(({ name, scheme, address, local, up }) => {
			const since = up === false ? this.#down.get(name) : undefined;
			return {
				name,
				scheme,
				...(address !== undefined && { address }),
				local: formatAddress(local),
				state: up === undefined ? "unknown" : up ? "up" : "down",
				...(since !== undefined && { down: { since } }),
				...view.meter.count(name),
			};
		});
	}
}
