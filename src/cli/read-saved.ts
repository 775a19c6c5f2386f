// What a run of `join` has to do with saved hubs; only the one that is meant is loaded.
import { HivemindError } from "../base/errors.ts";
import type { Saved } from "./coming-back.ts";
import { readAlias } from "./saved-options.ts";

/** What `@ALIAS` or `--save` means for this run. @throws HivemindError `usage`, `identity` */
export async function readSaved(
	alias: string | undefined,
	save: string | true | undefined,
	own: boolean,
): Promise<Saved | undefined> {
	if (alias !== undefined && save !== undefined) {
		throw new HivemindError("usage", `@${alias} is saved already: --save is for a ticket or a join code.`);
	}
	if (alias !== undefined) return (await import("./coming-back.ts")).comingBack(alias, own);
	return save === undefined ? undefined : (await import("./saving.ts")).saving(readAlias(save), own);
}
