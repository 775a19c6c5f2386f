// The local ports of a peer: opened before the hub is known where that is possible, then one for each service of the
// hub that is wanted here. port-choices.ts decides, this file acts. At most SERVICES_MAX are open after a welcome.
import type { Address } from "../base/address.ts";
import type { HivemindError } from "../base/errors.ts";
import { listenersOn, type PortOwner } from "../base/port-owner.ts";
import type { Duplex } from "../forward/duplex.ts";
import type { LocalService, PortReplacement } from "./events.ts";
import type { HubService } from "./hub-services.ts";
import { PORT_QUESTIONS_MAX } from "./limits.ts";
import { type LocalPort, openPort, ownersBefore } from "./local-port.ts";
import {
	earlyPorts,
	type OpenPort,
	type PortChoices,
	planPorts,
	substitutes,
	type Wanted,
	wantedServices,
} from "./port-choices.ts";
import { listenError, PortError } from "./port-error.ts";

/** What the hub's list has changed. */
export interface PortChanges {
	/** Names of services that have a port now and had none. */
	readonly added: readonly string[];
	readonly removed: readonly { readonly service: string; readonly local: Address }[];
	/** Of `added`: what is at another port than it belongs at. */
	readonly replaced: readonly PortReplacement[];
	/** Services that have no port at all. */
	readonly failed: readonly { readonly service: string; readonly error: HivemindError }[];
}

export class LocalPorts {
	readonly #choices: PortChoices;
	readonly #onSocket: (port: OpenPort, socket: Duplex) => void;
	readonly #ports = new Set<OpenPort & LocalPort>();
	#wanted: readonly HubService[] = [];

	/** `onSocket` gets each connection with its port, whose service is final once the hub has been followed. */
	constructor(choices: PortChoices, onSocket: (port: OpenPort, socket: Duplex) => void) {
		this.#choices = choices;
		this.#onSocket = onSocket;
	}

	/** What the hub has and is wanted here, as it was last followed. */
	get wanted(): readonly HubService[] {
		return this.#wanted;
	}

	/** Opens what can be opened before the hub has said what it has. @throws HivemindError `listen` */
	openEarly(): void {
		const ports = earlyPorts(this.#choices);
		const known = ownersBefore(ports.map(({ at }) => at.port));
		for (const port of ports) {
			try {
				this.#open(port, known);
			} catch (error) {
				if (!(error instanceof PortError)) throw error;
				// A default that the hub turns out to need is tried again then.
				if (!port.early) throw listenError(port.service, error);
			}
		}
	}

	/**
	 * Takes what the hub has now: gives each service a port that is wanted here and has none, and closes all others.
	 * @throws HivemindError `listen`, where ports must not be replaced
	 */
	follow(services: readonly HubService[]): PortChanges {
		this.#wanted = wantedServices(services, this.#choices);
		const { keep, close, open } = planPorts([...this.#ports], this.#wanted, this.#choices);
		const removed = close.filter(({ early }) => !early).map(({ service, address }) => ({ service, local: address }));
		for (const port of close) this.#close(port);
		for (const { port, service } of keep) {
			port.service = service;
			port.early = false;
		}
		const refused = this.#openAll(open);
		const [first] = refused;
		if (first && this.#choices.strict) throw listenError(first.service, first.error);
		const busy = refused.filter(({ error }) => error.why === "busy");
		// Read once for all of them.
		const owners = listenersOn(...busy.map(({ error }) => error.at.port)) ?? [];
		const others = refused.map(({ service, error }) => this.#replace(service, error, owners));
		const failed = others.flatMap((other) => ("error" in other ? other : []));
		return {
			added: open.map(({ service }) => service).filter((name) => !failed.some(({ service }) => service === name)),
			removed,
			replaced: others.flatMap((other) => ("error" in other ? [] : other)),
			failed,
		};
	}

	/**
	 * Asks for another port for each service whose own one another program has. Until there is an answer the service is
	 * at the proposed port. Resolves with those that nobody was asked about.
	 */
	async ask(replaced: readonly PortReplacement[]): Promise<PortReplacement[]> {
		const told: PortReplacement[] = [];
		for (const one of replaced) {
			const asked = this.#choices.ask && one.why === "busy" && one.owner?.pid !== process.pid;
			if (asked) await this.#askAbout(one);
			else told.push(one);
		}
		return told;
	}

	/** The services that have a port, in the hub's order. */
	services(): LocalService[] {
		return this.#wanted.flatMap(({ name, scheme, address, up }) => {
			const port = this.#portOf(name);
			return port ? { name, scheme, local: port.address, address, up } : [];
		});
	}

	/** Every address that is listened on: two for each `localhost`. */
	addresses(): Address[] {
		return [...this.#ports].flatMap(({ listeners }) => listeners.map(({ address }) => address));
	}

	/** Accepts no new connections; those that were accepted stay. Idempotent. */
	close(): void {
		for (const port of this.#ports) this.#close(port);
	}

	// --- internal ---

	#portOf(service: string): (OpenPort & LocalPort) | undefined {
		return [...this.#ports].find((port) => port.service === service);
	}

	#open({ service, at, early = false }: Wanted & { early?: boolean }, known: readonly PortOwner[]): Address {
		const port = { service, early, ...openPort(at, (socket) => this.#onSocket(port, socket), known) };
		this.#ports.add(port);
		return port.address;
	}

	#close(port: OpenPort & LocalPort): void {
		for (const listener of port.listeners) listener.stop();
		this.#ports.delete(port);
	}

	/** Opens what can be opened where it belongs; returns the rest. */
	#openAll(wanted: readonly Wanted[]): { service: string; error: PortError }[] {
		const known = ownersBefore(wanted.map(({ at }) => at.port));
		return wanted.flatMap((one) => {
			try {
				this.#open(one, known);
				return [];
			} catch (error) {
				if (!(error instanceof PortError)) throw error;
				return { service: one.service, error };
			}
		});
	}

	/** Opens the next port that can be had instead. */
	#replace(
		service: string,
		refused: PortError,
		owners: readonly PortOwner[],
	): PortReplacement | { service: string; error: HivemindError } {
		const { wanted, why } = refused;
		if (!why) return { service, error: listenError(service, refused) };
		const ports = substitutes(wanted.port);
		const known = ownersBefore(ports);
		for (const port of ports) {
			try {
				const local = this.#open({ service, at: { host: wanted.host, port } }, known);
				return { service, wanted, local, why, owner: refused.taken(owners)?.owner };
			} catch (error) {
				if (!(error instanceof PortError)) throw error;
			}
		}
		return { service, error: listenError(service, refused) };
	}

	async #askAbout({ service, wanted, why: first, owner: has }: PortReplacement): Promise<void> {
		let [taken, why, owner] = [wanted.port, first, has];
		for (let asked = 0; asked < PORT_QUESTIONS_MAX; asked++) {
			const proposed = this.#portOf(service)?.address.port;
			if (proposed === undefined) return;
			const answer = await this.#choices.ask?.({ service, taken, why, owner, proposed });
			// The hub may have been restarted without it meanwhile.
			const old = this.#portOf(service);
			if (!old || answer === undefined || answer === old.address.port) return;
			try {
				this.#open({ service, at: { host: wanted.host, port: answer } }, ownersBefore([answer]));
				return this.#close(old);
			} catch (error) {
				if (!(error instanceof PortError)) throw error;
				if (!error.why) return;
				[taken, why, owner] = [answer, error.why, error.taken()?.owner];
			}
		}
	}
}
