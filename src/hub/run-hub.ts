// The hub: an endpoint, its ticket and codes, and who comes. Called by cli.ts and demo.ts; calls endpoint, hub, invite,
// relay.
import type { Address } from "../base/address.ts";
import { box, log, print, talk, waiting } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
import { PROGRAM } from "../base/version.ts";
import { type CodeOptions, offer } from "../invite/join-code.ts";
import { formatTicket } from "../invite/ticket.ts";
import { bindEndpoint, type EndpointOptions } from "../transport/endpoint.ts";
import type { EndpointEvent } from "../transport/events.ts";
import { Admission, type Policy } from "./admission.ts";
import { Hub } from "./hub.ts";
import { RelayProbe } from "./relay-probe.ts";
import { type RelayEvent, watchRelay } from "./relay-watchdog.ts";

export interface ShareOptions {
	name: string;
	/** Where the services of SERVICES are, in that order. */
	services: readonly Address[];
	endpoint: EndpointOptions;
	/** Who may come. */
	policy: Policy;
	/** Also offer join codes. */
	codes?: CodeOptions;
	/** False: learn of the services from dials only, and never connect to them just to look. True when not given. */
	look?: boolean;
	/** Called with the ticket once peers can come; prints it when not given. */
	onReady?: (ticket: string) => void;
}

/** Runs a hub until `stop` is aborted, then lets running transfers finish. @throws HivemindError `bind`, `addon` */
export async function share(options: ShareOptions, stop: AbortSignal): Promise<void> {
	const stopped = aborted(stop);
	const hub = new Hub(options, new Admission(options.policy));
	const endpoint = await bindEndpoint(options.endpoint);
	try {
		const online = await Promise.race([waiting("a relay", endpoint.online()), stopped]);
		if (stop.aborted) return;
		if (online === false) {
			talk("No relay answers: only peers that reach this machine directly can join (same machine, LAN, VPN).");
		}
		const probe = new RelayProbe(endpoint);
		const onEvent = (event: EndpointEvent | RelayEvent) => report(event, hub);
		void endpoint.accept({
			onConnection: (connection) => hub.welcome(connection),
			onEvent,
			isKnown: (hostOrId) => probe.is(hostOrId) || hub.knows(hostOrId),
			stop,
		});
		const watching = watchRelay({ endpoint, probe, onEvent }, stop);
		const ticket = await formatTicket({ address: endpoint.address(), secret: options.policy.secret });
		(options.onReady ?? ((text) => announce(options, text)))(ticket);
		const noMoreCodes = AbortSignal.any([stop, hub.closedToNewPeers]);
		const offering = options.codes
			? offer(ticket, { ...options.codes, once: options.policy.once }, noMoreCodes)
			: undefined;
		await stopped;
		// The mailbox is told while transfers finish: no nameplate is left behind.
		await Promise.all([hub.stop(), offering, watching]);
		await endpoint.settled();
	} finally {
		await endpoint.close();
	}
}

// --- internal ---

function report(event: EndpointEvent | RelayEvent, hub: Hub): void {
	if (event.type === "attempt_failed") hub.complain("attempts", `A connection attempt failed: ${event.reason}`);
	else if (event.type === "endpoint_restarting") log.error("The network part ended by itself. Starting it again …");
	else if (event.type === "endpoint_bind_failed") log.error(`${event.reason} Retrying …`);
	else if (event.type === "relay_probe_failed") log.debug(`Cannot check whether the relay leads here: ${event.reason}`);
	else {
		talk(`No relay for ${event.afterMs / 1000} s: starting the network part again. Peers come back by themselves.`);
		hub.restarting();
	}
}

function announce({ name, codes }: ShareOptions, ticket: string): void {
	print(`${box(codes ? `Hub '${name}' starting with Magic Wormhole` : `Hub '${name}' is running`)}

Ticket: ${ticket}

To connect, run:
  ${PROGRAM} join <name> --ticket '${ticket}'
`);
}
