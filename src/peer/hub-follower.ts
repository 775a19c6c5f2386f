// Turns what the hub says about its services into local ports and events. Until the peer is ready only what the list of
// services does not show is told, and after that each change.
import { HivemindError } from "../base/errors.ts";
import type { EmitPeerEvent, LocalService, PortReplacement } from "./events.ts";
import type { HubService } from "./hub-services.ts";
import type { LocalPorts } from "./local-ports.ts";
import { type PortChoices, unknownServices, wantedServices } from "./port-choices.ts";
import type { ServiceStatus } from "./service-status.ts";
import { unknownText } from "./texts.ts";

export interface FollowerOptions {
	ports: LocalPorts;
	choices: PortChoices;
	status: ServiceStatus;
	emit: EmitPeerEvent;
}

export class HubFollower {
	readonly #failure = Promise.withResolvers<never>();
	/** Rejects when a service has no port although it must have one, or nothing is left of what was named. Never resolves. */
	readonly failed = this.#failure.promise;
	readonly #options: FollowerOptions;
	/** Of the hub's first list: the ports that may be asked about. */
	#replaced: readonly PortReplacement[] | undefined;
	#hub: string | undefined;
	#ready = false;

	constructor(options: FollowerOptions) {
		this.#options = options;
		this.failed.catch(() => {});
	}

	/** Takes the hub's list as it is now, and its name. Never throws. */
	heard(services: readonly HubService[], hub?: string): void {
		const before = this.#hub;
		this.#hub = hub ?? before;
		try {
			if (this.#ready && hub !== undefined && before !== undefined && hub !== before)
				this.#options.emit({ type: "hub_renamed", name: hub });
			if (this.#replaced) this.#heardAgain(services);
			else this.#heardFirst(services);
		} catch (error) {
			this.#failure.reject(error);
		}
	}

	/** To be called once, after the first list. Resolves when nothing has to be asked about the ports any more. */
	async settle(): Promise<readonly LocalService[]> {
		const { ports, emit } = this.#options;
		const told = await ports.ask(this.#replaced ?? []);
		for (const one of told) emit({ type: "port_replaced", ...one });
		this.#ready = true;
		return ports.services();
	}

	// --- internal ---

	#heardFirst(services: readonly HubService[]): void {
		this.#checkNames(services);
		const { ports, status } = this.#options;
		const { replaced, failed } = ports.follow(services);
		if (failed[0]) throw failed[0].error;
		status.update(ports.wanted);
		this.#replaced = replaced;
	}

	#heardAgain(services: readonly HubService[]): void {
		const { ports, status, emit } = this.#options;
		const before = new Map(ports.services().map((service) => [service.name, service]));
		const { added, removed, replaced, failed } = ports.follow(services);
		if (this.#ready) for (const one of removed) emit({ type: "service_removed", ...one });
		for (const { error } of failed) emit({ type: "port_failed", reason: error.message });
		for (const one of replaced) emit({ type: "port_replaced", ...one });
		for (const service of this.#ready ? ports.services() : []) {
			const from = before.get(service.name);
			if (added.includes(service.name)) emit({ type: "service_added", service });
			else if (from && (from.address !== service.address || from.scheme !== service.scheme))
				emit({ type: "service_moved", service, from: { scheme: from.scheme, address: from.address } });
		}
		// Last: whether they run is told of services that the lines before have named.
		status.update(ports.wanted);
	}

	/** What was named and is not there; later it may go and come. @throws HivemindError `usage` */
	#checkNames(services: readonly HubService[]): void {
		const { choices, emit } = this.#options;
		const unknown = unknownServices(services, choices);
		if (unknown.names.length === 0) return;
		if (choices.strict || wantedServices(services, choices).length === 0)
			throw new HivemindError("usage", unknownText(unknown));
		emit({ type: "unknown_services", ...unknown });
	}
}
