// Whether the hub's services answer: looks at most every HEALTH_MS while somebody is connected, and learns from dials.
// Called by hub.ts and serve.ts.
import { type Address, formatAddress } from "../base/address.ts";
import { dial } from "../forward/tcp.ts";
import type { ServiceState } from "../protocol/control-messages.ts";
import { SERVICES } from "../protocol/services.ts";
import { HEALTH_DIAL_MS, HEALTH_MS } from "./limits.ts";

export class ServiceHealth {
	/** Called with all states when one changed. */
	onChange: (states: ServiceState[]) => void = () => {};
	#addresses: readonly Address[];
	#looks: boolean;
	#states: ServiceState[];
	#timer: Timer | undefined;
	#looking: Promise<void> | undefined;
	#lookedAt = Number.NEGATIVE_INFINITY;
	/** `performance.now()` of the last news of each service. */
	#learnedAt: number[] = [];
	/** Services of which the hub's screen says that they are down. */
	#told = new Set<number>();

	/** With `looks` false it never dials by itself. */
	constructor(addresses: readonly Address[], looks = true) {
		this.#looks = looks;
		this.#addresses = addresses;
		this.#states = SERVICES.map(({ portId, name }, i) => ({
			port: portId,
			name,
			address: formatAddress(addresses[i] as Address),
			up: true,
		}));
	}

	states(): ServiceState[] {
		return this.#states.map((state) => ({ ...state }));
	}

	/**
	 * What a dial found out about service `index` of {@link SERVICES}. One that began at `begun` (of performance.now())
	 * knows less than what was learned since.
	 */
	learned(index: number, up: boolean, begun = performance.now()): void {
		const state = this.#states[index];
		if (!state || begun < (this.#learnedAt[index] ?? 0)) return;
		this.#learnedAt[index] = performance.now();
		if (up) this.#told.delete(index);
		if (state.up === up) return;
		state.up = up;
		this.onChange(this.states());
	}

	/** True for the first dial that failed since the service was up: whoever asks again and again fills no screen. */
	isNews(index: number): boolean {
		const news = !this.#told.has(index);
		this.#told.add(index);
		return news;
	}

	/** What is known is new enough, by a look not longer than {@link HEALTH_MS} ago, or once this resolves. */
	async fresh(): Promise<void> {
		if (this.#looking || performance.now() - this.#lookedAt >= HEALTH_MS) await this.look();
	}

	/** Looks now, or joins a look under way. */
	look(): Promise<void> {
		if (!this.#looks) return Promise.resolve();
		this.#looking ??= this.#lookNow();
		return this.#looking;
	}

	/** Looks regularly, or stops. Idempotent. */
	watch(on: boolean): void {
		if (on && this.#looks) this.#timer ??= setInterval(() => void this.look(), HEALTH_MS);
		else {
			clearInterval(this.#timer);
			this.#timer = undefined;
		}
	}

	// --- internal ---

	async #lookNow(): Promise<void> {
		this.#lookedAt = performance.now();
		const begun = this.#lookedAt;
		// Each is told when it is found: a host that does not answer holds up no news.
		await Promise.all(this.#addresses.map(async (address, i) => this.learned(i, await answers(address), begun)));
		this.#looking = undefined;
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
