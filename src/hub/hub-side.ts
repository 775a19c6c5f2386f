// The hub as one of its sessions sees it: what a session asks of it, and what it tells it.

import type { Path } from "../transport/path-watch.ts";
import type { Denial } from "./admission.ts";
import type { HubEvent } from "./events.ts";
import type { Hello, Welcome } from "./peer-state.ts";
import type { ServiceRequest } from "./serve-stream.ts";
import type { StreamQuota } from "./stream-quota.ts";

/** `Session` is what tells it. */
export interface HubSide<Session> {
	/** Whether it has no secret, and so admits peers of the original program, which send no hello. */
	readonly open: boolean;
	/** Whether it takes streams whose data is in frames. */
	readonly compress: boolean;
	/** Counts the streams of all connections. */
	readonly quota: StreamQuota;
	/** The id that a peer whose connection has the id `own` counts as, or why it is denied; without a hello at an open hub. */
	admit(own: string, hello: Hello | undefined): { id: string } | Denial;
	/** What the admitted peer with this id is told first. */
	welcome(id: string): Promise<Welcome>;
	/** Dials the service and forwards until the end, or refuses. */
	serve(request: ServiceRequest): Promise<void>;
	onEvent(session: Session, event: SessionEvent): void;
}

export type SessionEvent =
	/** The peer was admitted and counts from now on. `path` is undefined in the first moments. */
	| { type: "entered"; path: Path | undefined }
	/** It no longer counts: it has said goodbye, or its connection is over. */
	| { type: "left"; reason: string }
	| { type: "closed" }
	/** It listens at other addresses from now on: see LoopGuard. */
	| { type: "listens"; listens: readonly string[] }
	/** It comes through a relay, and no longer answers. */
	| { type: "relay_silent" }
	| Extract<HubEvent, { type: "denied" | "path" | "stream_refused" | "protocol_error" | "bug" }>;

/** What a peer is told when a bug has ended its connection. */
export const INTERNAL_ERROR = "internal error at the hub";
