// `join --save`: keeps the ticket of the hub that has admitted the peer, and the peer's identity there. A hub that
// cannot be saved does not hold up the tunnel, and what is saved of another hub is not overwritten.
import { HivemindError } from "../base/errors.ts";
import { log, notice } from "../base/output.ts";
import { PROGRAM } from "../base/version.ts";
import { ALIAS_NUMBERS } from "../invite/limits.ts";
import { aliasOf, numberedAlias, type SavedHub } from "../invite/saved-hub.ts";
import { type OpenHub, openSavedHub, savedAliases, savedHubsFolder, writeSavedHub } from "../invite/saved-hubs.ts";
import { formatTicket } from "../invite/ticket.ts";
import type { Saved } from "./coming-back.ts";
import { errorText, warned } from "./saved-options.ts";

/**
 * Saves the hub that the peer joins: under this alias; without one, or if another hub has it, where the hub is saved
 * already, or else under its name or with a number. With `own`, the peer has an identity of its own, which is not saved.
 * @throws HivemindError `identity` when what has that alias cannot be used
 */
export function saving(alias: string | undefined, own: boolean): Saved {
	const folder = savedHubsFolder();
	/** Once the hub is known: its own entry, or one of that alias that may be replaced. */
	let open = alias === undefined ? undefined : openSavedHub(folder, alias);
	let key: Uint8Array = crypto.getRandomValues(new Uint8Array(32));
	return {
		keyFor(id) {
			const isKept = open !== undefined && open.hub.id !== id && open.hub.lasting !== false;
			if (isKept) open?.close();
			if (isKept || alias === undefined) open = unusedEntry(folder, id);
			if (open?.hub.id === id) key = open.hub.key;
			return key;
		},
		async onWelcome(ticket, { name = "", lasting }) {
			const now = Date.now();
			const id = ticket.address.id().toString();
			const wanted = alias ?? open?.alias ?? aliasOf(name);
			const isInPlaceOf = open !== undefined && open.hub.id !== id;
			try {
				const hub = { id, name, ticket: await formatTicket(ticket), key, lasting, savedAt: now, usedAt: now };
				open = warned(await save(folder, open, wanted, hub));
				const taken = open.alias === wanted ? "Saved" : `@${wanted} is taken, so this hub is saved`;
				const instead = isInPlaceOf ? ", in the place of a hub whose ticket was not to outlive it" : "";
				notice(`${taken} as @${open.alias}${instead}: '${PROGRAM} join @${open.alias}' needs no code.`);
			} catch (error) {
				return notice(`This hub was not saved. ${errorText(error)}`);
			}
			if (own) notice("The identity of --identity is not saved with it: give the option again next time.");
			if (lasting !== true) notice(lasting === false ? NOT_LASTING : MAYBE_NOT_LASTING);
		},
		explained: (error) => error,
		close: () => open?.close(),
	};
}

// --- internal ---

const NOT_LASTING =
	"This entry will not outlive the hub, whose ticket changes when it restarts. The ticket stays the same if the hub " +
	"runs with --identity FILE and, without a relay, on a fixed UDP port.";
const MAYBE_NOT_LASTING =
	"The hub does not say whether its ticket stays the same when it restarts. That takes --identity FILE at the hub.";

/** What is saved of this hub, if no other program uses it. */
function unusedEntry(folder: string, id: string): OpenHub | undefined {
	for (const alias of attempt(() => savedAliases(folder)) ?? []) {
		const entry = attempt(() => openSavedHub(folder, alias, { peek: true }));
		entry?.close();
		const open = entry?.hub.id === id ? attempt(() => openSavedHub(folder, alias)) : undefined;
		if (open) return open;
	}
	return undefined;
}

/** What `work` returns, or undefined: an entry that cannot be used is not this hub's. */
function attempt<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch (error) {
		log.debug(errorText(error));
		return undefined;
	}
}

/** Writes the hub in the place of the open entry, which it closes; without one, to a new one, with a number if need be. */
async function save(folder: string, open: OpenHub | undefined, alias: string, hub: SavedHub): Promise<OpenHub> {
	let saved = open && (await writeSavedHub(folder, open, hub));
	// It has been removed meanwhile.
	if (!saved) open?.close();
	for (let n = 1; !saved && n <= ALIAS_NUMBERS; n++)
		saved = await writeSavedHub(folder, n === 1 ? alias : numberedAlias(alias, n), hub);
	if (saved) return saved;
	throw new HivemindError("identity", `Too many hubs are called '${alias}'.`, {
		hint: "Choose an alias: --save ALIAS.",
	});
}
