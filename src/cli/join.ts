// `join`: brings the services of a hub to this machine's localhost.
import { hostname } from "node:os";
import { parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import { IDENTITY, readIdentity } from "./access-options.ts";
import type { Saved } from "./coming-back.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { COMMON, INVITATION, MAILBOX } from "./options.ts";
import { readName } from "./read-name.ts";
import { readAlias, SAVE } from "./saved-options.ts";

/** One option per service, for its local address. */
const LOCAL = Object.fromEntries(
	ORIGINAL_SERVICES.map(({ option, name, defaultAddress }) => [
		option,
		{
			type: "string",
			valueHint: "ADDR",
			otherwise: `${defaultAddress} and [::1]:${parseAddress(defaultAddress, option).port}`,
			description: `Local address of the ${name}; port 0 picks a free one`,
		},
	]),
) as { [S in (typeof ORIGINAL_SERVICES)[number] as S["option"]]: LocalAddress };

interface LocalAddress {
	readonly type: "string";
	readonly valueHint: string;
	readonly otherwise: string;
	readonly description: string;
}

export const join = defineCommand({
	description: "Bring a hub's services to this machine's localhost",
	args: {
		name: { type: "positional", description: "A name for this peer, or @ALIAS of a saved hub" },
		...INVITATION,
		...MAILBOX,
		...LOCAL,
		"no-reconnect": { type: "boolean", description: "Exit when the hub is lost instead of looking for it again" },
		...SAVE,
		...IDENTITY,
		...NETWORK,
		...COMMON,
	},
	async run(options, stop, { cut }) {
		const invited = options.ticket !== undefined || options["join-code"] !== undefined;
		const alias = /^@./.test(options.name) && !invited ? options.name.slice(1) : undefined;
		const name = readName(alias === undefined ? options.name : hostname().slice(0, NAME_MAX));
		const addresses = ORIGINAL_SERVICES.map(({ option }) => {
			const given = options[option];
			return given === undefined ? undefined : parseAddress(given, `--${option}`);
		});
		const endpoint = endpointOptions(options);
		const identity = readIdentity(options);
		let saved: Saved | undefined;
		try {
			const { readInvitation } = await import("./invitation-options.ts");
			saved = await readSaved(alias, options.save, identity !== undefined);
			const invitation = saved?.ticket ? { ticket: saved.ticket } : await readInvitation(options, stop);
			if (!invitation) return;
			const bound = { ...endpoint, ...(identity && { key: identity.key }) };
			const reconnect = !options["no-reconnect"];
			const [{ runPeer }, { peerReporter }] = await Promise.all([
				import("../peer/run-peer.ts"),
				import("../peer/reporter.ts"),
			]);
			const peer = { name, invitation, addresses, reconnect, endpoint: bound, ...saved };
			await runPeer(peer, peerReporter(), stop, cut);
		} catch (error) {
			throw saved ? saved.explained(error) : error;
		} finally {
			saved?.close();
			identity?.close();
		}
	},
});

// --- internal ---

/** What `@ALIAS` or `--save` means for this run. @throws HivemindError `usage`, `identity` */
async function readSaved(
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
