// `mailbox`: runs a mailbox server, for a team or for machines without internet access.
import { parseAddress } from "../base/address.ts";
import { print } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
import { PROGRAM } from "../base/version.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";

export const mailbox = defineCommand({
	description: "Run a mailbox server for join codes, for a team or for use offline",
	args: {
		listen: {
			type: "string",
			valueHint: "ADDR",
			default: "127.0.0.1:4000",
			description: "TCP address to listen on",
		},
		...COMMON,
	},
	async run({ listen }, stop) {
		const address = parseAddress(listen, "--listen");
		const { startMailbox } = await import("../wormhole/server/server.ts");
		const server = startMailbox(address);
		print(`Mailbox server for join codes: ${server.url}

Use it on both sides:
  ${PROGRAM} share … --wormhole --wormhole-relay ${server.url}
  ${PROGRAM} join <name> --wormhole-relay ${server.url} --join-code <code>

It keeps everything in memory and never sees a ticket. Press Ctrl+C to stop.
`);
		await aborted(stop);
		await server.stop();
	},
});
