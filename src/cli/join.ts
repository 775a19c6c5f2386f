// `join`: brings the services of a hub to this machine's localhost.
import { parseAddress } from "../base/address.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import { IDENTITY, readIdentity } from "./access-options.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { COMMON, INVITATION, MAILBOX } from "./options.ts";
import { readName } from "./read-name.ts";

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
		name: { type: "positional", description: "A name for this peer" },
		...INVITATION,
		...MAILBOX,
		...LOCAL,
		"no-reconnect": { type: "boolean", description: "Exit when the hub is lost instead of looking for it again" },
		...IDENTITY,
		...NETWORK,
		...COMMON,
	},
	async run(options, stop, { cut }) {
		const name = readName(options.name);
		const addresses = ORIGINAL_SERVICES.map(({ option }) => {
			const given = options[option];
			return given === undefined ? undefined : parseAddress(given, `--${option}`);
		});
		const endpoint = endpointOptions(options);
		const identity = readIdentity(options);
		try {
			const { readInvitation } = await import("./invitation-options.ts");
			const invitation = await readInvitation(options, stop);
			if (!invitation) return;
			const bound = { ...endpoint, ...(identity && { key: identity.key }) };
			const reconnect = !options["no-reconnect"];
			const [{ runPeer }, { peerReporter }] = await Promise.all([
				import("../peer/run-peer.ts"),
				import("../peer/reporter.ts"),
			]);
			await runPeer({ name, invitation, addresses, reconnect, endpoint: bound }, peerReporter(), stop, cut);
		} finally {
			identity?.close();
		}
	},
});
