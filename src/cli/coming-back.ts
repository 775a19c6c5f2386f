// `join @ALIAS`: the ticket and the peer's identity come from a saved hub, and what is known of the hub is brought up to
// date once it has admitted the peer.
import { HivemindError } from "../base/errors.ts";
import { log } from "../base/output.ts";
import { PROGRAM } from "../base/version.ts";
import { openSavedHub, savedAliases, savedHubsFolder, writeSavedHub } from "../invite/saved-hubs.ts";
import { Denied } from "../peer/hub-session.ts";
import type { PeerOptions } from "../peer/run-peer.ts";
import { errorText, noSuchHub, warned } from "./saved-options.ts";

/** What a saved hub, or one that is to be saved, means for one run of `join`. */
export interface Saved extends Required<Pick<PeerOptions, "keyFor" | "onWelcome">> {
	/** What to join with, if the hub has been saved before. */
	readonly ticket?: string;
	/** The error that the run has ended with, and what to do about it. */
	explained(error: unknown): unknown;
	/** Idempotent. */
	close(): void;
}

/**
 * Comes back to a saved hub. With `own`, the peer has an identity of its own, so that another program may use the saved
 * one. @throws HivemindError `usage`, `identity`
 */
export function comingBack(alias: string, own: boolean): Saved {
	const folder = savedHubsFolder();
	const found = openSavedHub(folder, alias, { peek: own });
	if (!found) throw noSuchHub(alias, savedAliases(folder));
	let open = warned(found);
	const { hub } = open;
	return {
		ticket: hub.ticket,
		keyFor(id) {
			if (id === hub.id) return hub.key;
			throw new HivemindError("identity", `The saved hub @${alias} is damaged: its ticket leads to another hub.`, {
				hint: `Remove it: ${PROGRAM} hubs remove ${alias}`,
			});
		},
		async onWelcome(_, { name = hub.name, lasting = hub.lasting }) {
			if (own) return;
			try {
				open = (await writeSavedHub(folder, open, { ...hub, name, lasting, usedAt: Date.now() })) ?? open;
			} catch (error) {
				// Nothing is lost: what `hubs` shows is older than it could be.
				log.info(errorText(error));
			}
		},
		explained: (error) => explained(error, alias),
		close: () => open.close(),
	};
}

// --- internal ---

function explained(error: unknown, alias: string): unknown {
	if (!(error instanceof HivemindError)) return error;
	const again = `ask for a new code, and save it: ${PROGRAM} join CODE --save ${alias}`;
	const hints: Record<string, string> = {
		denied: `The ticket that is saved as @${alias} may be an old one: ${again}`,
		ticket: `It is the one that is saved as @${alias}: ${again}`,
		unreachable: `${error.hint} If it has a new one, ${again}`,
	};
	const hint = error instanceof Denied && !error.oldTicket ? undefined : hints[error.code];
	return hint === undefined ? error : new HivemindError(error.code, error.message, { hint, cause: error });
}
