// `join`: brings the services of a hub to this machine's localhost.
import { parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import { IDENTITY, readIdentity } from "./access-options.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { readJoinWords } from "./join-words.ts";
import { COMMON, INVITATION, MAILBOX, NAME } from "./options.ts";
import { ownName } from "./own-name.ts";
import { CONFIG } from "./project.ts";
import { readGivenName } from "./read-name.ts";

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
	examples: [
		["hivemind-p2p join 5-hamburger-endorse", "Join with the code that the hub shows"],
		["hivemind-p2p join my-peer --ticket -", "Join as 'my-peer' with a ticket from standard input"],
		["hivemind-p2p join 5-hamburger-endorse --frontend-addr localhost:3001", "Put the frontend on another port"],
	],
	implied: /^\d+-\p{L}|^endpoint[a-z2-7]{20}|^@./u,
	args: {
		words: {
			type: "positional",
			variadic: true,
			description: "A name for this peer and the hub's invitation, in either order",
			words: {
				NAME: "A name for this peer, as with --name",
				"CODE|TICKET": "The hub's join code or ticket; before or after the name",
			},
		},
		...NAME,
		...INVITATION,
		...MAILBOX,
		...LOCAL,
		"no-reconnect": { type: "boolean", description: "Exit when the hub is lost instead of looking for it again" },
		...IDENTITY,
		...NETWORK,
		...CONFIG,
		...COMMON,
	},
	async run(options, stop, { cut, file }) {
		file?.announce();
		const { explicitInvitation, readInvitation } = await import("./invitation-options.ts");
		const words = readJoinWords(options.words, explicitInvitation(options));
		const name = readGivenName(options.name, words.name) ?? ownName("peer");
		if (words.invitation?.kind === "saved") throw noSavedHub(words.invitation.text);
		const addresses = ORIGINAL_SERVICES.map(({ option }) => {
			const given = options[option];
			return given === undefined ? undefined : parseAddress(given, `--${option}`);
		});
		const endpoint = endpointOptions(options);
		const identity = readIdentity(options);
		try {
			const invitation = await readInvitation(options, words.invitation, stop);
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

// --- internal ---

function noSavedHub(alias: string): HivemindError {
	return new HivemindError("usage", `No hub is saved as '${alias}'.`, {
		hint: `Join with what the hub's screen shows. If '@${alias}' is this peer's name, write --name @${alias}.`,
	});
}
