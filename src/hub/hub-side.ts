// The hub as one of its sessions sees it: what a session asks of it, and what it tells it.

import type { Path } from "../transport/path-watch.ts";
import type { Denial } from "./admission.ts";
import type { HubEvent } from "./events.ts";
import type { Welcome } from "./peer-state.ts";
import type { ServiceRequest } from "./serve-stream.ts";
import type { StreamQuota } from "./stream-quota.ts";

/** `Session` is what tells it. */
export interface HubSide<Session> {
	/** Whether it has no secret, and so admits peers of the original program, which send no hello. */
	readonly open: boolean;
	/** Counts the streams of all connections. */
	readonly quota: StreamQuota;
	/** Why this id is not admitted, or undefined when it is. */
	admit(id: string, secret: string | undefined): Denial | undefined;
	/** What an admitted peer is told first. */
	welcome(): Promise<Welcome>;
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
	| Extract<HubEvent, { type: "denied" | "path" | "stream_refused" | "protocol_error" | "bug" }>;
