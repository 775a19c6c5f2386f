// `demo`: a hub, a peer and three services on this machine alone.
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { COMMON } from "./options.ts";

export const demo = defineCommand({
	description: "Try everything on this machine alone, offline",
	args: {
		once: { type: "boolean", description: "Exit after the checks" },
		...NETWORK,
		...COMMON,
	},
	async run(options, stop, { cut }) {
		const endpoint = endpointOptions(options, "none");
		const { demo } = await import("../demo/demo.ts");
		await demo({ once: options.once, endpoint }, stop, cut);
	},
});
