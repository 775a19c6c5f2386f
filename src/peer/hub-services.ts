// The hub's services, as far as it tells about them. A hub of the original program tells nothing, and has the three
// original ones. Pure.
import type { ServiceState } from "../protocol/control-messages.ts";
import { ORIGINAL_SERVICES, OTHER_PORT_IDS, type Service } from "../protocol/services.ts";

export interface HubService extends Service {
	/** Where the hub reaches it: the hub's words, cleaned. */
	readonly address: string | undefined;
	readonly up: boolean | undefined;
}

/** The services of a hub of the original program. */
export function originalHubServices(): HubService[] {
	return ORIGINAL_SERVICES.map(({ portId, name, scheme }) => ({
		portId,
		name,
		scheme,
		address: undefined,
		up: undefined,
	}));
}

/** The services of a welcome, without those whose port id no service may have (PROTOCOL.md, "Streams"). */
export function welcomedServices(states: readonly ServiceState[]): HubService[] {
	return states
		.filter(({ port }) => port > 0 && port <= OTHER_PORT_IDS.last)
		.map(({ port, name, scheme, address, up }) => ({ portId: port, name, scheme, address, up }));
}

/** What the hub says later changes which of them are up, and nothing else: other services come with another run. */
export function updatedServices(known: readonly HubService[], states: readonly ServiceState[]): HubService[] {
	const up = new Map(states.map((state) => [state.name, state.up]));
	return known.map((service) => ({ ...service, up: up.get(service.name) ?? service.up }));
}
