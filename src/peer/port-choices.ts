// Which services are wanted here, and at which local port each of them is: what the user has chosen, and what follows
// from it for the hub's list. Pure.
import { type Address, isLocalhost } from "../base/address.ts";
import type { PortOwner } from "../base/port-owner.ts";
import { ORIGINAL_SERVICES, originalService } from "../protocol/services.ts";
import type { HubService } from "./hub-services.ts";
import { SUBSTITUTES_MAX } from "./limits.ts";

export interface PortChoices {
	/** By service name: where to listen, from --bind and the original's options. A bare port means localhost, both families. */
	readonly binds: ReadonlyMap<string, Address>;
	/** The services that are wanted; undefined: all that the hub has. */
	readonly only: ReadonlySet<string> | undefined;
	/** A port that cannot be had is an error and not replaced. */
	readonly strict: boolean;
	/** Asks for another port than `taken`; resolves with it, or undefined to take the proposed one. Undefined: nobody can be asked. */
	readonly ask: ((question: PortQuestion) => Promise<number | undefined>) | undefined;
}

export interface PortQuestion {
	readonly service: string;
	/** The port that cannot be had. */
	readonly taken: number;
	readonly why: Refusal;
	/** Who has it, as far as the system tells. */
	readonly owner: PortOwner | undefined;
	/** The port at which the service is already, unless another one is chosen. */
	readonly proposed: number;
}

/** Why a port cannot be had: a program listens there, or this user may not. */
export type Refusal = "busy" | "denied";

/** A local port that is open. */
export interface OpenPort {
	/** The service that its connections are for. */
	service: string;
	/** Opened before the hub has said what it has: it is kept only where a service belongs at this very port. */
	early: boolean;
	/** The address to show, with its real port. */
	readonly address: Address;
}

export interface Wanted {
	readonly service: string;
	readonly at: Address;
}

/** A port that is opened before anything is connected. `early`: the hub may not need it, so it may be missing until then. */
export interface EarlyPort extends Wanted {
	readonly early: boolean;
}

/** What is opened before anything is connected: what was named, and then the ports of the original services. */
export function earlyPorts({ binds, only }: PortChoices): EarlyPort[] {
	const named = [...binds].map(([service, at]) => ({ service, at, early: false }));
	const taken = new Set(named.map(({ at }) => at.port));
	const defaults = ORIGINAL_SERVICES.filter(({ name }) => !binds.has(name) && (only?.has(name) ?? true))
		.map(({ name }) => ({ service: name, at: { host: LOCALHOST, port: originalPort(name) } }))
		.filter(({ at }) => !taken.has(at.port))
		.map((wanted) => ({ ...wanted, early: true }));
	return [...named, ...defaults];
}

/** The services of the hub that are wanted here. */
export function wantedServices(services: readonly HubService[], { only }: PortChoices): HubService[] {
	return services.filter(({ name }) => only?.has(name) ?? true);
}

/** The services that were named and that the hub does not have. What --only leaves out is not missed. */
export function unknownServices(services: readonly HubService[], { binds, only }: PortChoices): UnknownServices {
	const option = only ? "--only" : "--bind";
	const shared = services.map(({ name }) => name);
	const names = [...(only ?? binds.keys())].filter((name) => !shared.includes(name));
	return { option, names, shared };
}

/** Names on the command line that the hub does not have, in the order they were given, and what it has. */
export interface UnknownServices {
	readonly option: "--only" | "--bind";
	readonly names: readonly string[];
	readonly shared: readonly string[];
}

/** Which open ports stay, and for which service; which are closed; and what is to be opened after that. */
export interface PortPlan<P extends OpenPort> {
	readonly keep: readonly { readonly port: P; readonly service: string }[];
	readonly close: readonly P[];
	readonly open: readonly Wanted[];
}

/**
 * What to do so that each wanted service has a port. One that has a port keeps it, wherever the hub has moved the
 * service: programs here may be using it.
 */
export function planPorts<P extends OpenPort>(
	ports: readonly P[],
	wanted: readonly HubService[],
	{ binds }: PortChoices,
): PortPlan<P> {
	const keep: { port: P; service: string }[] = [];
	const open: Wanted[] = [];
	const left = new Set(ports);
	for (const service of wanted) {
		const at = binds.get(service.name) ?? { host: LOCALHOST, port: hubPort(service) };
		const fits = (port: P) => (port.early ? isSame(port.address, at) : port.service === service.name);
		const port = [...left].find(fits);
		if (port) keep.push({ port, service: service.name });
		else open.push({ service: service.name, at });
		if (port) left.delete(port);
	}
	return { keep, close: [...left], open };
}

/** The ports to try instead of one that cannot be had, in order; 0, a free one, is the last. */
export function substitutes(port: number): number[] {
	const first = port < UNPRIVILEGED ? port + 10_000 : port + 1;
	const near = Array.from({ length: SUBSTITUTES_MAX }, (_, i) => first + i);
	return [...near.filter((other) => other <= PORT_MAX), 0];
}

// --- internal ---

const LOCALHOST = "localhost";
const PORT_MAX = 65_535;

/** Lower ports may need rights that a development program has no need of. */
const UNPRIVILEGED = 1024;

/** The port number at the end of the hub's address for a service; a free one (0) where the hub names none. */
function hubPort({ name, address }: HubService): number {
	if (address === undefined) return originalPort(name);
	const port = Number(/:(\d{1,5})$/.exec(address)?.[1] ?? 0);
	return port <= PORT_MAX ? port : 0;
}

function originalPort(name: string): number {
	return Number(originalService(name)?.defaultAddress.split(":")[1] ?? 0);
}

function isSame(open: Address, wanted: Address): boolean {
	return open.port === wanted.port && isLocalhost(wanted.host);
}
