// `mailbox`: a mailbox server of our own, for a team or a machine without internet. Called by cli.ts and demo.ts.
import { type Address, formatAddress } from "./address.ts";
import { firstLine, HivemindError, LISTEN_REASONS, systemCode } from "./errors.ts";
import { print } from "./output.ts";
import { PROGRAM } from "./version.ts";
import { type MailboxServer, startMailbox } from "./wormhole/server.ts";

/** Runs until `stop` is aborted. @throws HivemindError `listen` */
export async function mailbox(address: Address, stop: AbortSignal): Promise<void> {
	const server = openMailbox(address);
	print(`Mailbox server for join codes: ${server.url}

Use it on both sides:
  ${PROGRAM} share … --wormhole --wormhole-relay ${server.url}
  ${PROGRAM} join <name> --wormhole-relay ${server.url} --join-code <code>

It keeps codes in memory and sees no ticket. Press Ctrl+C to stop.
`);
	await new Promise<void>((resolve) => {
		stop.addEventListener("abort", () => resolve(), { once: true });
		if (stop.aborted) resolve();
	});
	await server.stop();
}

/** @throws HivemindError `listen` */
export function openMailbox(address: Address): MailboxServer {
	try {
		return startMailbox(address);
	} catch (cause) {
		const why = LISTEN_REASONS[systemCode(cause)] ?? firstLine(cause);
		throw new HivemindError("listen", `Cannot listen on ${formatAddress(address)} for the mailbox: ${why}.`, {
			hint: "Choose another address with --listen; port 0 takes a free one.",
			cause,
		});
	}
}
