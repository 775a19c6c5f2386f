// Whether the hub's services answer. Learned from dials; only a service that is down, or of which nothing is known yet,
// is looked at: once at the start, and rarely while a peer is connected. A service that answers sees nothing of that.
import { type Address, formatAddress, isLiteral } from "../base/address.ts";
import { Backoff } from "../base/backoff.ts";
import { ChangeFilter } from "../base/change-filter.ts";
import type { PortOwner } from "../base/port-owner.ts";
import type { Dialer } from "../forward/dialer.ts";
import type { ServiceState } from "../protocol/control-messages.ts";
import type { Service } from "../protocol/services.ts";
import type { ListedService } from "./events.ts";
import { HEALTH_FIRST_MS, HEALTH_GROWTH, HEALTH_MAX_MS } from "./limits.ts";
import { look, whoListens } from "./look.ts";

interface Watched extends Service {
	readonly dialer: Dialer;
	readonly backoff: Backoff;
	known: "up" | "down" | "unknown";
	/** `performance.now()` of the last news, and of the start of the last look. */
	learnedAt: number;
	lookedAt: number;
	looking: Promise<void> | undefined;
	timer: Timer | undefined;
	/** The system's table listed it when a dial failed, so the table does not tell whether it answers. */
	tableIsWrong: boolean;
}

export class ServiceHealth {
	/** Called with all states when the one at `changed` went down or came up. */
	onChange: (states: ServiceState[], changed: number) => void = () => {};
	readonly #services: readonly Watched[];
	#watching = false;
	/** Why a service was last said to be out of reach, and the address at which it was last said to answer. */
	readonly #said = new ChangeFilter<string>();
	readonly #used = new ChangeFilter<string>();

	/** From now on a service is known by its place in `routes`. */
	constructor(routes: readonly { service: Service; dialer: Dialer }[]) {
		this.#services = routes.map(({ service, dialer }) => ({
			...service,
			dialer,
			backoff: new Backoff({ firstMs: HEALTH_FIRST_MS, maxMs: HEALTH_MAX_MS, growth: HEALTH_GROWTH }),
			known: "unknown",
			learnedAt: Number.NEGATIVE_INFINITY,
			lookedAt: Number.NEGATIVE_INFINITY,
			looking: undefined,
			timer: undefined,
			tableIsWrong: false,
		}));
		for (const { name, dialer } of this.#services) this.#used.changed(name, formatAddress(dialer.address));
	}

	/** What is known, for the peers. A service of which nothing is known counts as up. */
	states(): ServiceState[] {
		return this.#services.map(({ portId, name, scheme, dialer, known }) => ({
			port: portId,
			name,
			scheme,
			address: formatAddress(dialer.address),
			up: known !== "down",
		}));
	}

	/** What is known, for the owner of the hub. */
	list(): ListedService[] {
		return this.#services.map(({ name, scheme, dialer, known }) => ({
			name,
			scheme,
			address: formatAddress(dialer.address),
			up: known === "unknown" ? undefined : known === "up",
		}));
	}

	/**
	 * What a dial has found out about service `index`. `begun` is when the dial began, of
	 * `performance.now()`: what was learned since then is newer.
	 */
	learned(index: number, up: boolean, begun = performance.now()): void {
		const service = this.#services[index];
		if (!service || begun < service.learnedAt) return;
		service.learnedAt = performance.now();
		if (up) {
			this.#said.forget(service.name);
			service.tableIsWrong = false;
		}
		const { known } = service;
		service.known = up ? "up" : "down";
		if (known === service.known) return;
		clearTimeout(service.timer);
		service.timer = undefined;
		service.backoff.reset();
		this.#schedule(service);
		if ((known === "down") === up) this.onChange(this.states(), index);
	}

	/** Whether a service is out of reach for another reason than was last said; it was reached in between, or never said. */
	isNews(index: number, why: string): boolean {
		return this.#said.changed(this.#services[index]?.name ?? "", why);
	}

	/** Whether a service that was stated as a literal address answers at another one than was last said. */
	isNewAddress(index: number, at: Address): boolean {
		const service = this.#services[index];
		return !!service && isLiteral(service.dialer.address.host) && this.#used.changed(service.name, formatAddress(at));
	}

	/** Who listens on the port of a service that was just dialled in vain, at another address of this machine. */
	async listenerElsewhere(index: number): Promise<PortOwner | undefined> {
		const service = this.#services[index];
		const found = service && (await whoListens(service.dialer));
		if (found !== "listening") return found;
		if (service) service.tableIsWrong = true;
		return undefined;
	}

	/** Resolves when everything that is down or unknown was looked at within {@link HEALTH_FIRST_MS}. */
	async fresh(): Promise<void> {
		const now = performance.now();
		const old = ({ known, looking, lookedAt }: Watched) =>
			known !== "up" && (looking !== undefined || now - lookedAt >= HEALTH_FIRST_MS);
		await Promise.all(this.#services.map((service, i) => old(service) && this.probe(i)));
	}

	/** Looks at service `index` now, or joins the look under way. */
	async probe(index: number): Promise<void> {
		const service = this.#services[index];
		if (!service) return;
		service.looking ??= this.#look(service, index).finally(() => {
			service.looking = undefined;
			this.#schedule(service);
		});
		await service.looking;
	}

	/** Looks rarely at what is down or unknown, or stops. Idempotent. */
	watch(on: boolean): void {
		this.#watching = on;
		for (const service of this.#services) {
			if (on) this.#schedule(service);
			else {
				clearTimeout(service.timer);
				service.timer = undefined;
			}
		}
	}

	// --- internal ---

	async #look(service: Watched, index: number): Promise<void> {
		const begun = performance.now();
		service.lookedAt = begun;
		const first = service.known === "unknown";
		const found = await look(
			service.dialer,
			service.tableIsWrong ? "connection" : first ? "table, then connection" : "table",
		);
		// Each result counts at once: a host that does not answer must not delay what is known of the others.
		if (found !== "unclear") this.learned(index, found === "up", begun);
	}

	#schedule(service: Watched): void {
		if (!this.#watching || service.known === "up" || service.looking) return;
		service.timer ??= setTimeout(() => {
			service.timer = undefined;
			void this.probe(this.#services.indexOf(service));
		}, service.backoff.next());
	}
}
