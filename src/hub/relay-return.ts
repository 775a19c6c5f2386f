// Binds the hub's endpoint again as soon as its relay is back after an outage: iroh may wait for half a minute before it
// tries that relay again. Nothing that still runs over a direct path is ended for that; the checks of relay-watchdog.ts
// go on beside it.
import { firstLine } from "../base/errors.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { relayReturned } from "../transport/relay-ping.ts";
import { RELAY_BACK_PROBE_MS } from "./limits.ts";
import type { RelayProbe } from "./relay-probe.ts";
import type { RelayEvent } from "./relay-watchdog.ts";

export interface RelayReturnOptions {
	/** The hub's endpoint. */
	endpoint: Endpoint;
	probe: RelayProbe;
	/** Whether a peer that answers has streams open, which would end, or comes through a relay, so that it works. */
	isInUse(): boolean;
	onEvent(event: RelayEvent): void;
}

export class RelayReturn {
	readonly #options: RelayReturnOptions;
	readonly #stop: AbortSignal;
	#watching: Promise<void> | undefined;

	constructor(options: RelayReturnOptions, stop: AbortSignal) {
		this.#options = options;
		this.#stop = stop;
	}

	/** A peer that comes through the relay does not answer: either it is gone, or the relay is. */
	suspect(): void {
		this.#watching ??= this.#watch().finally(() => {
			this.#watching = undefined;
		});
	}

	/** Resolves once nothing is being bound any more. Never rejects. */
	async settled(): Promise<void> {
		await this.#watching;
	}

	// --- internal ---

	async #watch(): Promise<void> {
		const { endpoint, probe, isInUse, onEvent } = this.#options;
		try {
			const returned = await relayReturned(() => endpoint.address().relayUrl(), this.#stop);
			if (!returned || (await probe.reaches(RELAY_BACK_PROBE_MS, this.#stop))) return;
			if (this.#stop.aborted || isInUse()) return;
			onEvent({ type: "relay_returned" });
			await endpoint.rebind(this.#stop);
		} catch (error) {
			onEvent({ type: "relay_probe_failed", reason: firstLine(error) });
		}
	}
}
