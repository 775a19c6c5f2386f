// The error of a server that cannot have its TCP port. It names the program that has it, where that is known.
import { type Address, formatAddress } from "./address.ts";
import { HivemindError, LISTEN_REASONS, systemCode } from "./errors.ts";
import { listenersOn, ownerName } from "./port-owner.ts";

/** `what` cannot listen at `address` because of `cause`; `hint` says which option chooses another one. */
export function listenError(what: string, address: Address, cause: unknown, hint: string): HivemindError {
	const code = systemCode(cause);
	const why = LISTEN_REASONS[code] ?? "the address cannot be used";
	const owners = code === "EADDRINUSE" ? (listenersOn(address.port) ?? []) : [];
	const owner = owners.find((one) => one.address.host === address.host) ?? owners[0];
	const by = owner ? ` by ${ownerName(owner)}` : "";
	return new HivemindError("listen", `${what} cannot listen on ${formatAddress(address)}: ${why}${by}.`, {
		hint,
		cause,
	});
}
