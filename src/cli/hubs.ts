// `hubs`: lists the saved hubs, and forgets them. Prints neither tickets nor keys.
import { HivemindError } from "../base/errors.ts";
import { notice, print } from "../base/output.ts";
import type { SavedHub } from "../invite/saved-hub.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";
import { errorText, noSuchHub } from "./saved-options.ts";

export const hubs = defineCommand({
	description: "List the hubs that 'join --save' has kept, or forget them",
	examples: [
		["hivemind-p2p hubs", "List the saved hubs"],
		["hivemind-p2p hubs remove shop", "Forget the hub that is saved as 'shop'"],
		["hivemind-p2p hubs remove shop home", "Forget several at once"],
	],
	args: {
		action: { type: "positional", optional: true, values: ["remove"], description: "Leave it out to list the hubs" },
		aliases: { type: "positional", variadic: true, description: "What to forget, as it is listed" },
		...COMMON,
	},
	async run({ action, aliases }) {
		if (action === undefined) return list();
		return remove(aliases.map((alias) => alias.replace(/^@/, "")));
	},
});

// --- internal ---

async function list(): Promise<void> {
	const { openSavedHub, savedAliases, savedHubsFolder } = await import("../invite/saved-hubs.ts");
	const folder = savedHubsFolder();
	const rows: string[][] = [];
	const aliases = savedAliases(folder);
	for (const alias of aliases) {
		try {
			const open = openSavedHub(folder, alias, { peek: true });
			open?.close();
			if (open) rows.push(row(alias, open.hub));
		} catch (error) {
			notice(`@${alias}: ${errorText(error)}`);
		}
	}
	if (rows.length > 0) print(table([HEAD, ...rows]));
	if (aliases.length === 0) notice("No hub is saved. 'hivemind-p2p join CODE --save' keeps one.");
}

async function remove(aliases: readonly string[]): Promise<void> {
	if (aliases.length === 0)
		throw new HivemindError("usage", "'hubs remove' needs an alias.", { hint: "'hubs' lists them." });
	const { removeSavedHub, savedAliases, savedHubsFolder } = await import("../invite/saved-hubs.ts");
	const folder = savedHubsFolder();
	const known = savedAliases(folder);
	// All or none: a typing error is seen before anything is gone.
	const unknown = aliases.find((alias) => !known.includes(alias));
	if (unknown !== undefined) throw noSuchHub(unknown, known);
	for (const alias of aliases) if (removeSavedHub(folder, alias)) notice(`@${alias} is forgotten.`);
}

const HEAD = ["ALIAS", "HUB", "PUBLIC ID", "SAVED", "LAST USED", "AFTER A RESTART"];

function row(alias: string, { name, id, savedAt, usedAt, lasting }: SavedHub): string[] {
	return [
		`@${alias}`,
		name,
		id.slice(0, 10),
		when(savedAt),
		when(usedAt),
		lasting === undefined ? "unknown" : lasting ? "works" : "needs a new code",
	];
}

/** Local time, to the minute. */
function when(time: number): string {
	const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString();
	return local.slice(0, 16).replace("T", " ");
}

function table(rows: readonly string[][]): string {
	const widths = HEAD.map((_, i) => Math.max(...rows.map((cells) => Bun.stringWidth(cells[i] ?? ""))));
	const line = (cells: string[]) =>
		cells
			.map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - Bun.stringWidth(cell)))
			.join("  ")
			.trimEnd();
	return rows.map(line).join("\n");
}
