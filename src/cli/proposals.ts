// Which of the programs that listen on this machine are likely a project's services. Pure.
import { formatAddress } from "../base/address.ts";
import type { PortOwner } from "../base/port-owner.ts";
import { PROGRAM } from "../base/version.ts";
import { WELL_KNOWN_PORTS } from "../base/well-known-ports.ts";
import { SERVICES_MAX } from "../protocol/limits.ts";

export interface Proposal {
	/** A name for the service, and no other one's. */
	readonly name: string;
	/** Where it is, as `share` takes it: the port, if it is reached at localhost. */
	readonly target: string;
	readonly owner: PortOwner;
}

/** Proposes services for the well-known ports among those that somebody listens on. Our own peers' are none. */
export function proposeServices(listening: readonly PortOwner[]): Proposal[] {
	const proposals: Proposal[] = [];
	for (const [port, { service }] of WELL_KNOWN_PORTS) {
		const owners = listening.filter(({ address, program }) => address.port === port && program !== PROGRAM);
		const local = owners.find(({ address }) => LOCAL.includes(address.host));
		const owner = local ?? owners[0];
		if (service === undefined || !owner) continue;
		const taken = proposals.some(({ name }) => name === service);
		const target = local ? String(port) : formatAddress(owner.address);
		proposals.push({ name: taken ? `${service}-${port}` : service, target, owner });
	}
	return proposals.slice(0, SERVICES_MAX);
}

/** The program that listens there, or the usual one if the system does not tell. */
export function programOf({ owner: { program, address } }: Proposal): string {
	return program ?? `probably ${WELL_KNOWN_PORTS.get(address.port)?.program}`;
}

// --- internal ---

/** Who listens there is reached at localhost. */
const LOCAL = ["127.0.0.1", "::1", "0.0.0.0", "::"];
