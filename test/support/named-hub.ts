// A hub in this process that shares services of any name, over real iroh on loopback. It can be started again with
// others: with the same identity, at the same address, so that peers find it.
import type { Address } from "../../src/base/address.ts";
import { teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { runHub } from "../../src/hub/run-hub.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { parseTicket } from "../../src/invite/ticket.ts";
import { type SharedService, withPortIds } from "../../src/protocol/services.ts";
import { FREE, LOOPBACK } from "./tunnel.ts";

/** Services by name, in this order; a number is a port of 127.0.0.1. */
export type Shared = Readonly<Record<string, Address | number>>;

/** They are shown as TCP, but for those whose name begins with `web`. */
export function shared(services: Shared): SharedService[] {
	const named = Object.entries(services).map(([name, at]) => ({
		name,
		scheme: name.startsWith("web") ? ("http" as const) : ("tcp" as const),
		address: typeof at === "number" ? { host: "127.0.0.1", port: at } : at,
	}));
	return withPortIds(named);
}

export class NamedHub implements AsyncDisposable {
	ticket = "";
	#key = crypto.getRandomValues(new Uint8Array(32));
	#policy = teamPolicy(newSecret());
	#udp: Address = FREE;
	#end = new AbortController();
	#done: Promise<void> = Promise.resolve();
	/** What happened at the hub. */
	readonly events: HubEvent[] = [];

	static async start(services: Shared): Promise<NamedHub> {
		const hub = new NamedHub();
		await hub.start(services);
		return hub;
	}

	/** To be called when it is stopped. */
	async start(services: Shared): Promise<void> {
		await this.#free();
		this.#end = new AbortController();
		const ready = Promise.withResolvers<string>();
		const endpoint = { ...LOOPBACK, key: this.#key, ipv4: this.#udp };
		const emit = (event: HubEvent) => {
			this.events.push(event);
			if (event.type === "ready") ready.resolve(event.ticket);
		};
		const options = { name: "my-hub", services: shared(services), endpoint, policy: this.#policy };
		this.#done = runHub(options, emit, this.#end.signal);
		this.#done.catch(ready.reject);
		this.ticket = await ready.promise;
		const [direct] = (await parseTicket(this.ticket)).address
			.directAddresses()
			.filter((address) => address.startsWith("127."));
		this.#udp = { ...FREE, port: Number(direct?.split(":")[1]) };
	}

	async stop(): Promise<void> {
		this.#end.abort();
		await this.#done.catch(() => {});
	}

	async restart(services: Shared): Promise<void> {
		await this.stop();
		await this.start(services);
	}

	/** A closed endpoint keeps its sockets until it was collected (docs/binding-notes.md, "Memory"). */
	async #free(): Promise<void> {
		for (let tries = 0; tries < 1_000; tries++) {
			Bun.gc(true);
			try {
				return (await Bun.udpSocket({ hostname: this.#udp.host, port: this.#udp.port })).close();
			} catch {
				await Bun.sleep(1);
			}
		}
		throw new Error(`the hub's UDP port ${this.#udp.port} is not free again`);
	}

	[Symbol.asyncDispose] = (): Promise<void> => this.stop();
}
