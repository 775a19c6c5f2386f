// What a hub shares: the names, port ids and schemes of services, on the wire, on the command line and on the screen.
// The first three are the original program's, and mean the same to it.
import type { Address } from "../base/address.ts";

/** Decides only how a service's address is shown. */
export const SCHEMES = ["http", "https", "ws", "tcp"] as const;
export type Scheme = (typeof SCHEMES)[number];

export interface Service {
	/** The port id on the wire (PROTOCOL.md, "Streams"). */
	readonly portId: number;
	/** Matches {@link SERVICE_NAME}. */
	readonly name: string;
	readonly scheme: Scheme;
}

/** A service as its hub knows it. */
export interface SharedService extends Service {
	readonly address: Address;
}

export interface OriginalService extends Service {
	/** The option of `join` that sets its local address. */
	readonly option: string;
	/** Where the original program's `join` listens without that option. */
	readonly defaultAddress: string;
}

export const ORIGINAL_SERVICES = [
	{ portId: 0x01, name: "frontend", scheme: "http", option: "frontend-addr", defaultAddress: "127.0.0.1:3000" },
	{ portId: 0x02, name: "backend", scheme: "http", option: "backend-addr", defaultAddress: "127.0.0.1:8000" },
	{ portId: 0x03, name: "websocket", scheme: "ws", option: "ws-addr", defaultAddress: "127.0.0.1:4000" },
] as const satisfies readonly OriginalService[];

/** A service's name: also a key in a file, and part of an option's value. */
export const SERVICE_NAME = /^[a-z][a-z0-9-]*$/;

/** The port ids of all other services. From 0x80 on the high bit is set, which has a meaning of its own. */
export const OTHER_PORT_IDS = { first: 0x04, last: 0x7f } as const;

/** Gives services their port ids: the original ones theirs, all others one after the other. Names must be unique. */
export function withPortIds<S extends { readonly name: string }>(services: readonly S[]): (S & { portId: number })[] {
	let next: number = OTHER_PORT_IDS.first;
	return services.map((service) => ({ ...service, portId: originalService(service.name)?.portId ?? next++ }));
}

export function originalService(name: string): (typeof ORIGINAL_SERVICES)[number] | undefined {
	return ORIGINAL_SERVICES.find((service) => service.name === name);
}

/** How a sentence names a service, behind "the": "frontend", or "service 'db'". */
export function serviceNoun(name: string): string {
	return originalService(name) ? name : `service '${name}'`;
}
