// Runs a hub: its endpoint, its ticket and join codes, and incoming connections. Reads from top to bottom.

import { wasInterrupted } from "../base/interrupt.ts";
import { aborted } from "../base/timers.ts";
import { type OfferOptions, offerJoinCodes } from "../invite/offer-codes.ts";
import { formatTicket } from "../invite/ticket.ts";
import { bindEndpoint, type Endpoint, type EndpointOptions } from "../transport/endpoint.ts";
import type { EndpointEvent } from "../transport/events.ts";
import type { HubEvent, HubView } from "./events.ts";
import { Hub } from "./hub.ts";
import { RelayProbe } from "./relay-probe.ts";
import { RelayReturn } from "./relay-return.ts";
import { type RelayEvent, watchRelay } from "./relay-watchdog.ts";
import type { HubSettings } from "./settings.ts";

export interface HubOptions extends Omit<HubSettings, "id"> {
	endpoint: EndpointOptions;
	/** Called at the start, before any event: what is known of the running hub at any moment. */
	onStart?: (view: HubView) => void;
	/** Also offer join codes. */
	codes?: Omit<OfferOptions, "once">;
}

/**
 * Runs a hub until `stop` is aborted, then lets running transfers finish, unless `cut` is aborted. `emit` is called
 * with everything that happens. @throws HivemindError `bind`, `addon`
 */
export async function runHub(
	options: HubOptions,
	emit: (event: HubEvent) => void,
	stop: AbortSignal,
	cut = new AbortController().signal,
): Promise<void> {
	const endpoint = await bindEndpoint(options.endpoint);
	const { id } = endpoint;
	const hub = new Hub({ ...options, id }, emit);
	options.onStart?.({ id, services: () => hub.services(), peers: () => hub.peers(), meter: hub.meter });
	const abortTransfers = () => hub.abortTransfers();
	process.on("exit", abortTransfers);
	cut.addEventListener("abort", abortTransfers);
	try {
		if (await waitForRelay(endpoint, emit, stop)) await servePeers(options, hub, endpoint, emit, { stop, cut });
	} finally {
		await hub.stop(wasInterrupted(stop));
		await endpoint.close();
		cut.removeEventListener("abort", abortTransfers);
		process.off("exit", abortTransfers);
	}
}

// --- internal ---

/** Waits for a relay, and goes on without one; false when `stop` was aborted meanwhile. */
async function waitForRelay(endpoint: Endpoint, emit: (event: HubEvent) => void, stop: AbortSignal): Promise<boolean> {
	emit({ type: "waiting", what: "relay" });
	const online = await Promise.race([endpoint.online(), aborted(stop)]);
	emit({ type: "waiting", what: undefined });
	if (stop.aborted) return false;
	if (online === false) emit({ type: "no_relay" });
	return true;
}

/** Takes connections until `stop` is aborted; resolves when running transfers have ended. */
async function servePeers(
	{ name, codes, policy }: HubOptions,
	hub: Hub,
	endpoint: Endpoint,
	emit: (event: HubEvent) => void,
	{ stop, cut }: { stop: AbortSignal; cut: AbortSignal },
): Promise<void> {
	const probe = new RelayProbe(endpoint);
	const onEvent = (event: EndpointEvent | RelayEvent) => {
		if (event.type === "relay_lost" || event.type === "relay_returned") hub.restarting();
		emit(event);
	};
	void endpoint.accept({
		onConnection: (connection) => hub.add(connection),
		onEvent,
		isKnown: (hostOrId) => probe.is(hostOrId) || hub.knows(hostOrId),
		stop,
	});
	const relayReturn = new RelayReturn({ endpoint, probe, onEvent, isInUse: () => hub.inUse() }, stop);
	hub.onRelaySilent = () => relayReturn.suspect();
	const watching = watchRelay({ endpoint, probe, onEvent }, stop).then(() => relayReturn.settled());
	await hub.look();
	const ticket = await formatTicket({ address: endpoint.address(), secret: policy.secret });
	emit({ type: "ready", name, ticket, codes: codes !== undefined, services: hub.services() });
	const noMoreCodes = AbortSignal.any([stop, hub.closedToNewPeers]);
	const offering = codes && offerJoinCodes(ticket, { ...codes, once: policy.once }, emit, noMoreCodes);
	const background = Promise.all([offering, watching]);
	// A failure ends the hub; an end, like that of the codes after the only peer has joined, does not.
	await Promise.race([aborted(stop), background.then(() => aborted(stop))]);
	// While transfers finish, the nameplate is given back to the mailbox server.
	await Promise.all([hub.stop(wasInterrupted(stop)), Promise.race([background, aborted(cut)])]);
	await endpoint.settled();
}
