// The events that programs read: lines of `--json`, and /events. Their names and fields are an interface
// (docs/events.schema.json): fields may be added, but not renamed or removed. Secrets are only in `ready` and `code`.
import type { ErrorCode } from "../base/errors.ts";
import type { Scheme } from "../protocol/services.ts";
import type { ServiceSnapshot } from "./snapshot.ts";

/** A hub or peer as the other side knows it. */
export interface Remote {
	/** What it calls itself, if it has said so. */
	name?: string;
	/** Its public id. */
	id: string;
}

export interface EventPath {
	kind: "direct" | "relay";
	/** An IP address and port, or the relay's URL. */
	address: string;
}

export interface ReadyService {
	name: string;
	scheme: Scheme;
	/** Where the hub reaches it, if it says so. */
	address?: string;
	/** Where the peer listens for it; only at a peer. */
	local?: string;
	/** Whether it runs, as far as that is known. */
	up?: boolean;
}

export type ProgramEvent =
	/** A hub can be joined, or a peer's local ports lead to its hub. `url`: the mailbox server's, of `mailbox`. */
	| { event: "ready"; role: "hub"; name: string; id: string; ticket: string; services: ReadyService[] }
	| { event: "ready"; role: "peer"; name: string; id: string; hub: Remote; services: ReadyService[] }
	| { event: "ready"; role: "mailbox"; url: string }
	/** A join code is valid now; the one before is not any more. */
	| { event: "code"; code: string; mailbox?: string }
	| { event: "peer_joined"; peer: Remote; path?: EventPath }
	| { event: "peer_left"; peer: Remote; reason: string }
	/** A connection has taken another path: a hub's to `peer`, a peer's to its hub. */
	| { event: "path"; peer?: Remote; path: EventPath }
	| { event: "service"; service: string; up: boolean; address: string }
	/** A hub was restarted with other services: a peer listens for one more, or one less. */
	| { event: "service_added"; service: ReadyService }
	| { event: "service_removed"; service: string }
	/** It was restarted with a service elsewhere, or with another scheme; the peer's port for it is the same. */
	| { event: "service_moved"; service: ReadyService; from: Pick<ReadyService, "scheme" | "address"> }
	| { event: "hub_renamed"; name: string }
	/** A peer has lost its hub. */
	| { event: "lost"; reason: string; reconnecting: boolean }
	| { event: "reconnected"; afterMs: number; path?: EventPath }
	/** A hub has turned a peer away. */
	| { event: "denied"; peer: Remote; reason: string; message: string }
	/** What a person would be told; the program ends only if `fatal`. `code` is a name of the table of exit statuses. */
	| { event: "error"; code: ErrorCode; message: string; hint?: string; fatal: boolean }
	/** Every 10 s. */
	| { event: "stats"; peers: number; services: Pick<ServiceSnapshot, "name" | keyof Counters>[] }
	| { event: "stopping"; interrupted: boolean };

/** As in {@link ServiceSnapshot}. */
interface Counters {
	open: number;
	total: number;
	toService: number;
	fromService: number;
}

/** With the time it happened, RFC 3339. */
export type TimedEvent = ProgramEvent & { time: string };
