// Why a local port could not be opened: as facts, which decide what happens next, and as the error that a user sees.
import { type Address, formatAddress, isLiteral, isLocalhost } from "../base/address.ts";
import { firstLine, HivemindError, LISTEN_REASONS, systemCode } from "../base/errors.ts";
import { listenersOn, ownerName, type PortOwner } from "../base/port-owner.ts";
import { originalService, serviceNoun } from "../protocol/services.ts";
import type { Refusal } from "./port-choices.ts";

/** What `localhost` means. A client may take either of them. */
export const LOOPBACK = ["127.0.0.1", "::1"] as const;

/** Who has a port, and which of the addresses that were asked for. */
export interface Taken {
	readonly at: Address;
	readonly owner: PortOwner;
}

export class PortError extends Error {
	/** The address that was asked for. */
	readonly wanted: Address;
	/** The one that could not be opened: it, or one of {@link LOOPBACK}. */
	readonly at: Address;
	/** Undefined for anything else, as an address that this machine does not have. */
	readonly why: Refusal | undefined;
	readonly #taken: Taken | undefined;

	/** `taken` is what was known before; without it the system's error is `cause`. */
	constructor(wanted: Address, at: Address, { taken, cause }: { taken?: Taken; cause?: unknown }) {
		super(`cannot listen on ${formatAddress(at)}`, { cause });
		this.wanted = wanted;
		this.at = at;
		this.why = taken ? "busy" : REFUSALS[systemCode(cause)];
		this.#taken = taken;
	}

	/** Who has the port; undefined where nobody does, or the system does not tell. `owners` is what it says. */
	taken(owners: readonly PortOwner[] = listenersOn(this.at.port) ?? []): Taken | undefined {
		if (this.#taken || this.why !== "busy") return this.#taken;
		const found = takenOf(this.wanted, owners);
		if (found) return found;
		// A listener on :: may have 127.0.0.1, too.
		const owner = ownerOf({ host: "::", port: this.at.port }, owners);
		return owner && { at: this.at, owner };
	}
}

/** Who listens at an address, or at one of those that `localhost` means; by what the system says. */
export function takenOf({ host, port }: Address, owners: readonly PortOwner[]): Taken | undefined {
	for (const one of isLocalhost(host) ? LOOPBACK : [host]) {
		const owner = ownerOf({ host: one, port }, owners);
		if (owner) return { at: { host: one, port }, owner };
	}
	return undefined;
}

/** The error that ends a peer whose service cannot have its port. */
export function listenError(service: string, error: PortError): HivemindError {
	const cannot = (at: Address) => `Cannot listen on ${formatAddress(at)} for the ${serviceNoun(service)}`;
	const option = originalService(service)?.option;
	const options = `--bind ${service}=PORT${option === undefined ? "" : ` (or --${option})`}`;
	const another = `another address with ${options}; port 0 takes a free one.`;
	const taken = error.taken();
	if (!taken) {
		// Of a name that is not found Bun makes an error without a code.
		const code = systemCode(error.cause) || (isLiteral(error.at.host) ? "" : "ENOTFOUND");
		const reason = LISTEN_REASONS[code] ?? firstLine(error.cause);
		const hint = `Choose ${another}`;
		return new HivemindError("listen", `${cannot(error.at)}: ${reason}.`, { hint, cause: error.cause });
	}
	const { at, owner } = taken;
	const where = owner.address.host === at.host ? "there" : `on ${formatAddress(owner.address)}`;
	if (owner.pid === process.pid) {
		const hint = `Choose ${another}`;
		return new HivemindError("listen", `${cannot(at)}: this program listens ${where} already.`, { hint });
	}
	const half = isLocalhost(error.wanted.host) && !hasBoth(at.port);
	const either = half ? `, so localhost:${at.port} could lead to either program` : "";
	return new HivemindError("listen", `${cannot(at)}: ${ownerName(owner)} listens ${where}${either}.`, {
		hint: `Stop it, or choose ${another}`,
		cause: error.cause,
	});
}

// --- internal ---

const REFUSALS: Record<string, Refusal | undefined> = { EADDRINUSE: "busy", EACCES: "denied" };

/** Whether no address of localhost is left for this program. */
function hasBoth(port: number): boolean {
	const owners = listenersOn(port) ?? [];
	return LOOPBACK.every((host) => ownerOf({ host, port }, owners));
}

/** Who listens on this very address, or else on every one of its family. */
function ownerOf({ host, port }: Address, owners: readonly PortOwner[]): PortOwner | undefined {
	const every = host.includes(":") ? "::" : "0.0.0.0";
	const here = owners.filter(({ address }) => address.port === port);
	return here.find(({ address }) => address.host === host) ?? here.find(({ address }) => address.host === every);
}
