// Whether an address is one of this machine, and whether a listener would get a connection to it.
import { networkInterfaces } from "node:os";
import { type Address, canonicalHost, isLoopback } from "../base/address.ts";

/** Whether a connection to this literal host stays on this machine. */
export function isOwnHost(host: string): boolean {
	const one = canonicalHost(host);
	if (isLoopback(one) || isWildcard(one)) return true;
	const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
	return own.some(({ address }) => canonicalHost(address) === one);
}

/** The literal hosts at which a listener gets connections to `host`, if that is one of this machine. */
export function listeningHosts(host: string): string[] {
	const one = canonicalHost(host);
	// Connecting to a wildcard address leads to the loopback address of its family.
	const target = one === "0.0.0.0" ? "127.0.0.1" : one === "::" ? "::1" : one;
	// A listener on :: gets IPv4, too, unless it asked not to, which the system does not show.
	return [target, ...(target.includes(":") ? [] : ["0.0.0.0"]), "::"];
}

/** Whether `listener` gets connections to `target`, an address of this machine. */
export function reaches(target: Address, listener: Address): boolean {
	return listener.port === target.port && listeningHosts(target.host).includes(canonicalHost(listener.host));
}

// --- internal ---

const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
