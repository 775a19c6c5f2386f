// `mailbox`: a mailbox server of our own, for a team or a machine without internet. Called by cli.ts.
import type { Address } from "./address.ts";
import { print } from "./output.ts";
import { PROGRAM } from "./version.ts";
import { aborted } from "./waits.ts";
import { startMailbox } from "./wormhole/server.ts";

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
