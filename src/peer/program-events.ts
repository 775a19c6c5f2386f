// A peer's events as programs read them (status/program-events.ts). Pure. What only people are told, and what happens for
// each connection, is no event of its own; what a person has to know is an `error` with the person's text.
import { formatAddress } from "../base/address.ts";
import { type ErrorCode, firstLine, unexpected } from "../base/errors.ts";
import type { ProgramEvent, ReadyService } from "../status/program-events.ts";
import type { LocalService, PeerEvent } from "./events.ts";
import { descriptorsText, lossText, replacedText, stillLostText, unknownText } from "./texts.ts";

/** What a `ready` needs besides its event: public ids. */
export interface PeerFacts {
	id: string;
	hubId: string;
}

/** The event for programs; undefined where there is none. */
export function programEvent(event: PeerEvent, { id, hubId }: PeerFacts): ProgramEvent | undefined {
	switch (event.type) {
		case "ready": {
			const hub = { ...(event.hub !== undefined && { name: event.hub }), id: hubId };
			return { event: "ready", role: "peer", name: event.name, id, hub, services: event.services.map(readyService) };
		}
		case "path":
			return { event: "path", path: event.path };
		case "service": {
			const { service, up, address } = event;
			return { event: "service", service, up, address };
		}
		case "service_added":
			return { event: "service_added", service: readyService(event.service) };
		case "service_removed":
			return { event: "service_removed", service: event.service };
		case "service_moved": {
			const { scheme, address } = event.from;
			const from = { scheme, ...(address !== undefined && { address }) };
			return { event: "service_moved", service: readyService(event.service), from };
		}
		case "hub_renamed":
			return { event: "hub_renamed", name: event.name };
		case "lost":
			return { event: "lost", reason: lossText(event.loss), reconnecting: event.reconnecting };
		case "reconnected":
			return { event: "reconnected", afterMs: Math.round(event.afterMs), ...(event.path && { path: event.path }) };
		case "stopping":
			return { event: "stopping", interrupted: event.interrupted };
		case "port_replaced":
			return error("listen", replacedText(event));
		case "port_failed":
			return error("listen", event.reason);
		case "unknown_services":
			return error("usage", unknownText(event));
		case "still_lost":
			return error("lost", stillLostText);
		case "descriptors":
			return event.state === "full" ? error("listen", descriptorsText(event)) : undefined;
		case "bug":
			return error("internal", unexpected(firstLine(event.error), event.where));
		default:
			return undefined;
	}
}

// --- internal ---

const error = (code: ErrorCode, message: string): ProgramEvent => ({ event: "error", code, message, fatal: false });

/** A hub of the original program does not tell where its services are. */
const readyService = ({ name, scheme, address, local, up }: LocalService): ReadyService => ({
	name,
	scheme,
	...(address !== undefined && { address }),
	local: formatAddress(local),
	...(up !== undefined && { up }),
});
