// `demo`: a hub, a peer and five services on this machine alone.
import { printEvent } from "../base/output.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { COMMON } from "./options.ts";
import { EVENTS } from "./show-options.ts";

export const demo = defineCommand({
	description: "Try everything on this machine alone, offline",
	examples: [
		["hivemind-p2p demo", "Share, join and check, then leave everything running to look at"],
		["hivemind-p2p demo --once", "The same, and exit with status 0 if all works"],
		["hivemind-p2p demo -vv", "Also show what the connection does"],
	],
	args: {
		once: { type: "boolean", description: "Exit after the checks" },
		...EVENTS,
		...NETWORK,
		...COMMON,
	},
	async run(options, stop, { cut }) {
		const endpoint = endpointOptions(options, "none");
		const { demo } = await import("../demo/demo.ts");
		await demo({ once: options.once, endpoint, onEvent: printEvent }, stop, cut);
	},
});
