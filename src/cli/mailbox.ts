// `mailbox`: a mailbox server of our own, for a team or a machine without internet. Called by cli.ts.
import type { Address } from "../base/address.ts";
import { print } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
import { PROGRAM } from "../base/version.ts";
import { startMailbox } from "../wormhole/server/server.ts";

/** Runs until `stop` is aborted. @throws HivemindError `listen` */
export async function mailbox(address: Address, stop: AbortSignal): Promise<void> {
	const server = startMailbox(address);
	print(`Mailbox server for join codes: ${server.url}

Use it on both sides:
  ${PROGRAM} share … --wormhole --wormhole-relay ${server.url}
  ${PROGRAM} join <name> --wormhole-relay ${server.url} --join-code <code>

It keeps codes in memory and sees no ticket. Press Ctrl+C to stop.
`);
	await aborted(stop);
	await server.stop();
}
