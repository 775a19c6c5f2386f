// Whether the hub's services answer: probed at most every HEALTH_MS while a peer is connected, and learned from dials.

import { type Address, formatAddress } from "../base/address.ts";
import { ChangeFilter } from "../base/change-filter.ts";
import { dial } from "../forward/tcp.ts";
import type { ServiceState } from "../protocol/control-messages.ts";
import { SERVICES } from "../protocol/services.ts";
import { HEALTH_DIAL_MS, HEALTH_MS } from "./limits.ts";

export class ServiceHealth {
	/** Called with all states when one has changed. */
	onChange: (states: ServiceState[]) => void = () => {};
	readonly #addresses: readonly Address[];
	readonly #states: ServiceState[];
	#timer: Timer | undefined;
	#probing: Promise<void> | undefined;
	#probedAt = Number.NEGATIVE_INFINITY;
	/** `performance.now()` of the last news of each service. */
	readonly #learnedAt: number[] = [];
	/** What the person at the hub was told of each service. */
	readonly #said = new ChangeFilter<"down">();

	/** `addresses` are those of {@link SERVICES}, in that order. */
	constructor(addresses: readonly Address[]) {
		this.#addresses = addresses;
		this.#states = SERVICES.map(({ portId, name }, i) => ({
			port: portId,
			name,
			address: formatAddress(addresses[i] as Address),
			up: true,
		}));
	}

	/** A copy of what is known. */
	states(): ServiceState[] {
		return this.#states.map((state) => ({ ...state }));
	}

	/**
	 * What a dial has found out about service `index` of {@link SERVICES}. `begun` is when the dial began, of
	 * `performance.now()`: what was learned since then is newer.
	 */
	learned(index: number, up: boolean, begun = performance.now()): void {
		const state = this.#states[index];
		if (!state || begun < (this.#learnedAt[index] ?? 0)) return;
		this.#learnedAt[index] = performance.now();
		if (up) this.#said.forget(state.name);
		if (state.up === up) return;
		state.up = up;
		this.onChange(this.states());
	}

	/** True for the first dial that failed since the service was up, so that a peer that polls fills no screen. */
	isNews(index: number): boolean {
		return this.#said.changed(this.#states[index]?.name ?? "", "down");
	}

	/** Resolves when what is known is at most {@link HEALTH_MS} old, after a probe if need be. */
	async fresh(): Promise<void> {
		if (this.#probing || performance.now() - this.#probedAt >= HEALTH_MS) await this.probe();
	}

	/** Probes all services now, or joins the probe under way. */
	probe(): Promise<void> {
		this.#probing ??= this.#probeAll().finally(() => {
			this.#probing = undefined;
		});
		return this.#probing;
	}

	/** Probes regularly, or stops. Idempotent. */
	watch(on: boolean): void {
		if (on) this.#timer ??= setInterval(() => void this.probe(), HEALTH_MS);
		else {
			clearInterval(this.#timer);
			this.#timer = undefined;
		}
	}

	// --- internal ---

	async #probeAll(): Promise<void> {
		const begun = performance.now();
		this.#probedAt = begun;
		// Each result counts at once: a host that does not answer must not delay what is known of the others.
		await Promise.all(this.#addresses.map(async (address, i) => this.learned(i, await answers(address), begun)));
	}
}

// --- internal ---

const answers = (address: Address): Promise<boolean> =>
	dial(address, HEALTH_DIAL_MS).then(
		(socket) => {
			socket.abort();
			return true;
		},
		() => false,
	);
