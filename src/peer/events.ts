// What a peer tells its owner while it runs: facts, not sentences. reporter.ts turns them into lines.
import type { Address } from "../base/address.ts";
import type { PortOwner } from "../base/port-owner.ts";
import type { Meter } from "../forward/meter.ts";
import type { RedeemEvent } from "../invite/redeem-code.ts";
import type { Scheme } from "../protocol/services.ts";
import type { Path, PathChange } from "../transport/path-watch.ts";
import type { Refusal, UnknownServices } from "./port-choices.ts";

/** A service of the hub that is at a local port. */
export interface LocalService {
	readonly name: string;
	readonly scheme: Scheme;
	readonly local: Address;
	/** Where the hub reaches it, and whether it answers; undefined at a hub of the original program. */
	readonly address: string | undefined;
	readonly up: boolean | undefined;
}

/** A service that could not have the port at which it belongs, and is at another one. */
export interface PortReplacement {
	readonly service: string;
	readonly wanted: Address;
	readonly local: Address;
	readonly why: Refusal;
	/** Who has the wanted port, as far as the system tells. */
	readonly owner: PortOwner | undefined;
}

/** What is known of a running peer at any moment. */
export interface PeerView {
	/** Its own public id, and the hub's. */
	readonly id: string;
	readonly hubId: string;
	services(): readonly LocalService[];
	/** The hub, while a connection to it is in use. `rttMs`: milliseconds. */
	hub(): { name: string | undefined; path: Path | undefined; rttMs: number | undefined } | undefined;
	readonly meter: Meter;
}

export type PeerEvent =
	/** From redeeming a join code; `waiting` and `waited` are also used for the hub and for running transfers. */
	| RedeemEvent
	/** Every local port forwards to the hub from now on. `hub` is its name, which one of the original program does not tell. */
	| { type: "ready"; name: string; hub: string | undefined; services: readonly LocalService[] }
	/** Nobody was asked about it. */
	| ({ type: "port_replaced" } & PortReplacement)
	/** A service of the hub has no local port at all. */
	| { type: "port_failed"; reason: string }
	| ({ type: "unknown_services" } & UnknownServices)
	/** The hub was restarted with a service more or less. */
	| { type: "service_added"; service: LocalService }
	| { type: "service_removed"; service: string; local: Address }
	/** It was restarted with this service at another address than `from`, or with another scheme; the local port is as it was. */
	| { type: "service_moved"; service: LocalService; from: Pick<LocalService, "scheme" | "address"> }
	| { type: "hub_renamed"; name: string }
	/** A connection to the hub was put in use. `path`: undefined in the first moments. */
	| { type: "connected"; path: Path | undefined }
	/** The connection in use has taken another path. */
	| ({ type: "path" } & PathChange)
	/** The connection in use was lost. If not `reconnecting`, the peer ends with the error `lost`. */
	| { type: "lost"; loss: Loss; reconnecting: boolean }
	/** The hub has not been found for {@link STILL_LOST_MS}; once for each loss. */
	| { type: "still_lost"; lostMs: number }
	/** One attempt to find the hub again has failed; more follow. */
	| { type: "attempt_failed"; reason: string }
	/** The hub is back after `afterMs` milliseconds: on a new connection, or on the old one, which answers again. */
	| { type: "reconnected"; connection: "new" | "old"; afterMs: number; path: Path | undefined }
	/** An old connection to the hub was given up, and this many local connections with it. */
	| { type: "reset"; connections: number; reason: string }
	/** Half-closed local connections were reset because they moved nothing for {@link HALF_CLOSED_IDLE_MS}. */
	| { type: "idle_reset"; connections: number }
	/** A service of the hub went down or came up; at most one a second for each service, and the last one is true. */
	| { type: "service"; service: string; up: boolean; address: string }
	/** The hub refused a connection. `state`: what it last said about the service; `repeated`: already reported since. */
	| {
			type: "refused";
			service: string;
			local: string;
			state: "up" | "down" | "unknown";
			address?: string;
			repeated: boolean;
	  }
	/**
	 * A local connection was reset. `no_hub`: it has waited for a hub in vain. `hub_lost`: its stream was lost before the
	 * hub answered. `no_stream`: there is a hub, but it got no stream. `not_shared`: the hub no longer has the service.
	 */
	| {
			type: "connection_failed";
			service: string;
			local: string;
			why: "no_hub" | "hub_lost" | "no_stream" | "not_shared";
			reason: string;
	  }
	/**
	 * `full`: a local connection was reset because `open` of `limit` file descriptors are in use, and so are the next
	 * ones, without further events. `room`: no longer.
	 */
	| { type: "descriptors"; state: "full" | "room"; open: number; limit: number }
	/** A local connection is over; `sent` and `received` are bytes to and from the hub. */
	| { type: "connection_ended"; service: string; sent: number; received: number; error: Error | undefined }
	/** An unexpected exception. Only what `where` names has ended because of it. */
	| { type: "bug"; where: string; error: unknown }
	/** The peer is about to end: no new connections. `interrupted`: because of a signal. */
	| { type: "stopping"; interrupted: boolean };

/** The `what` of `waiting` while a peer that was told to stop lets transfers finish. */
export const RUNNING_TRANSFERS = "running transfers";

/** Takes each event as it happens; must not throw. */
export type EmitPeerEvent = (event: PeerEvent) => void;

/** How the hub was lost. */
export type Loss =
	/** The connection ended, or the hub said goodbye; `reason` is safe to print. */
	| { kind: "ended"; reason: string }
	/** No answer to any ping for `silentMs`, or no path to a hub that has no control stream. */
	| { kind: "silent"; silentMs: number }
	/** The connection ended while this program was suspended, so the hub is not to blame. */
	| { kind: "suspended"; suspendedMs: number };
