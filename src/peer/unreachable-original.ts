// Hubs of the original program (iroh 0.95) answer nobody they have not heard of by a relay or by discovery, so a ticket
// with nothing but addresses leads to them from no program on iroh 1 (docs/interoperation.md). Only the hint says so.
import { HivemindError } from "../base/errors.ts";
import type { EndpointAddr } from "../transport/iroh.ts";

/** For the `catch` of a first connection: throws the error, with another hint if that may be the reason. */
export const mayBeOriginal =
	(hub: EndpointAddr, secret: string | undefined) =>
	(error: unknown): never => {
		const possible = error instanceof HivemindError && error.code === "unreachable";
		if (!possible || secret !== undefined || hub.relayUrl()) throw error;
		const hint =
			"If the hub is the original hivemind-p2p, it needs a relay: only so do peers of this program reach it.";
		throw new HivemindError(error.code, error.message, { hint: `${error.hint} ${hint}`, cause: error.cause });
	};
