// `mailbox`: runs a mailbox server, for a team or for machines without internet access.
import { type Address, parseAddress } from "../base/address.ts";
import { HivemindError, systemCode } from "../base/errors.ts";
import { print } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
import { PROGRAM } from "../base/version.ts";
import { SERVICES } from "../protocol/services.ts";
import type { MailboxServer } from "../wormhole/server/server.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";

/**
 * Where no service of a development stack is to be expected, least of all our own: those count up from 3000, 4000, 5000,
 * 8000 and 9000. Below the ports from which systems take those of outgoing connections (32768 on Linux).
 */
const DEFAULT_ADDRESS = "127.0.0.1:14400";

export const mailbox = defineCommand({
	description: "Run a mailbox server for join codes, for a team or for use offline",
	args: {
		listen: {
			type: "string",
			valueHint: "ADDR",
			default: DEFAULT_ADDRESS,
			description: "TCP address to listen on",
		},
		...COMMON,
	},
	async run({ listen }, stop) {
		const address = parseAddress(listen, "--listen");
		const server = await start(address);
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

// --- internal ---

/** @throws HivemindError `listen`, which also says whose port that usually is */
async function start(address: Address): Promise<MailboxServer> {
	const { startMailbox } = await import("../wormhole/server/server.ts");
	try {
		return startMailbox(address);
	} catch (error) {
		const usual = SERVICES.find((service) => parseAddress(service.defaultAddress, "").port === address.port);
		if (!usual || !(error instanceof HivemindError) || systemCode(error.cause) !== "EADDRINUSE") throw error;
		const hint = `On port ${address.port} there is usually the ${usual.label} service. ${error.hint}`;
		throw new HivemindError("listen", error.message, { hint, cause: error.cause });
	}
}
