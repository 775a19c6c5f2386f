// What a hub shows of itself: follows its events, and makes snapshots of them and of what is counted. Prints nothing.
import { formatAddress } from "../base/address.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { VERSION } from "../base/version.ts";
import type { SharedService } from "../protocol/services.ts";
import type { ProgramEvent, TimedEvent } from "../status/program-events.ts";
import type { HubSnapshot, ProcessSnapshot, RemoteSnapshot, ServiceSnapshot } from "../status/snapshot.ts";
import { EventLog, type StatusSource } from "../status/source.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import type { ConnectedPeer, HubEvent, HubView } from "./events.ts";
import { programEvent } from "./program-events.ts";

export interface HubStatusOptions {
	name: string;
	services: readonly SharedService[];
	/** Memory and the like, now. */
	process: () => ProcessSnapshot;
}

export class HubStatus implements StatusSource {
	readonly #options: HubStatusOptions;
	readonly #log = new EventLog();
	readonly #rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	readonly #started = new Date().toISOString();
	#view: HubView | undefined;
	#state: HubSnapshot["state"] = "starting";
	#ticket: string | undefined;
	#code: HubSnapshot["code"];
	/** When each peer joined, by its id. */
	readonly #joined = new Map<string, string>();
	/** Since when a service is down, and the reason of the last dial. */
	readonly #down = new Map<string, { since: string; reason?: string }>();
	readonly #refused = new Map<string, number>();

	constructor(options: HubStatusOptions) {
		this.#options = options;
	}

	/** The hub runs: to be given to it as its `onStart`. */
	attach(view: HubView): void {
		this.#view = view;
	}

	/** Takes every event of the hub, as it happens. */
	take(event: HubEvent): void {
		this.#follow(event);
		const told = programEvent(event, this.#view?.id ?? "");
		if (told && this.#isWorthTelling(event, told)) this.#log.add(told);
	}

	snapshot(): HubSnapshot {
		const { name, process } = this.#options;
		const open = this.#state === "open";
		return {
			role: "hub",
			version: VERSION,
			name,
			id: this.#view?.id ?? "",
			started: this.#started,
			state: this.#state,
			...(open && this.#ticket !== undefined && { ticket: this.#ticket }),
			...(open && this.#code && { code: this.#code }),
			services: this.#services(),
			peers: this.#view?.peers().map((peer) => this.#peer(peer)) ?? [],
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
		this.#log.add({ event: "stats", peers: this.#view?.peers().length ?? 0, services });
	}

	// --- internal ---

	#follow(event: HubEvent): void {
		const now = new Date().toISOString();
		switch (event.type) {
			case "ready":
				this.#ticket = event.ticket;
				if (this.#state === "starting") this.#state = "open";
				break;
			case "code":
				this.#code = { code: event.code, ...(event.mailbox !== undefined && { mailbox: event.mailbox }) };
				break;
			case "code_taken":
			case "wrong_code":
			case "code_spoiled":
			case "mailbox_unreachable":
			case "codes_ended":
				this.#code = undefined;
				break;
			case "peer_joined":
				this.#joined.set(event.peer.id, now);
				break;
			case "peer_left":
				this.#joined.delete(event.peer.id);
				break;
			case "denied":
				this.#count(event.reason);
				break;
			case "stream_refused":
				this.#count(`stream_${event.why}`);
				break;
			case "service_unreachable":
				this.#count("service_unreachable");
				if (event.kind !== "descriptors")
					this.#down.set(event.service, { since: now, ...this.#down.get(event.service), reason: event.reason });
				break;
			case "service":
				if (event.up) this.#down.delete(event.service);
				else this.#down.set(event.service, { since: now, ...this.#down.get(event.service) });
				break;
			case "closed_to_new_peers":
				if (this.#state !== "stopping") this.#state = "closed";
				break;
			case "stopping":
				this.#state = "stopping";
		}
	}

	#count(reason: string): void {
		this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
	}

	/** Strangers must not be able to fill anybody's log. */
	#isWorthTelling(event: HubEvent, told: ProgramEvent): boolean {
		if (told.event === "denied") return this.#rate.take(`denied: ${told.reason}`);
		return told.event !== "error" || this.#rate.take(event.type);
	}

	#services(): ServiceSnapshot[] {
		const states = new Map(this.#view?.services().map((state) => [state.name, state]));
		return this.#options.services.map(({ name, scheme, address }) => {
			const state = states.get(name);
			const down = state?.up === false ? this.#down.get(name) : undefined;
			const count = this.#view?.meter.count(name) ?? { open: 0, total: 0, toService: 0, fromService: 0 };
			return {
				name,
				scheme,
				address: formatAddress(address),
				state: state?.up === undefined ? "unknown" : state.up ? "up" : "down",
				...(down && { down }),
				...count,
			};
		});
	}

	#peer({ id, name, path, rttMs }: ConnectedPeer): RemoteSnapshot {
		return {
			...(name !== undefined && { name }),
			id,
			since: this.#joined.get(id) ?? this.#started,
			...(path && { path: { kind: path.kind, address: path.address, rttMs: rttMs ?? 0 } }),
		};
	}
}
