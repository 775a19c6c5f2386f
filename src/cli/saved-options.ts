// The option and the words that name saved hubs, from strings to aliases, and what all commands say of them.
import { HivemindError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { notice } from "../base/output.ts";
import { aliasOf, isAlias } from "../invite/saved-hub.ts";
import type { OpenHub } from "../invite/saved-hubs.ts";
import type { Definitions } from "./definition.ts";

export const SAVE = {
	save: {
		type: "string",
		valueHint: "ALIAS",
		otherwise: "nothing is kept; without ALIAS: the hub's name",
		description: "Keep the hub's ticket and this peer's identity, so that 'join @ALIAS' needs no code",
		// Neither an option, nor what may be a join code or a ticket.
		next: /^(?!-|\d+([\s_\p{Pd}]|$)|endpoint[a-z2-7]{20})./isu,
	},
} as const satisfies Definitions;

/** The alias of `--save`, with or without its @; undefined for the hub's name. @throws HivemindError `usage` */
export function readAlias(given: string | true): string | undefined {
	if (given === true) return undefined;
	const alias = given.replace(/^@/, "");
	if (isAlias(alias)) return alias;
	throw new HivemindError("usage", `--save: '${given}' cannot be an alias.`, {
		hint: `Use lower-case letters, digits, dots, dashes and underscores, as in '${aliasOf(alias)}'.`,
	});
}

/** The error for an alias, without its @, that no saved hub has. */
export function noSuchHub(alias: string, aliases: readonly string[]): HivemindError {
	const meant = nearest(alias, aliases);
	const hint =
		meant !== undefined
			? `Did you mean '@${meant}'?`
			: aliases.length > 0
				? "'hivemind-p2p hubs' lists those that are."
				: "None is saved yet: 'hivemind-p2p join CODE --save' keeps one.";
	return new HivemindError("usage", `No hub is saved as '@${alias}'.`, { hint });
}

/** The same, after a warning if nothing keeps another program from using it at the same time. */
export function warned(open: OpenHub): OpenHub {
	if (open.lock === "unsupported") {
		notice(
			`The saved hub @${open.alias} cannot be locked on this file system: make sure that only one program uses it.`,
		);
	}
	return open;
}

/** What went wrong and what to do, where the program goes on. */
export const errorText = (error: unknown): string =>
	error instanceof HivemindError ? [error.message, error.hint].filter(Boolean).join(" ") : String(error);
