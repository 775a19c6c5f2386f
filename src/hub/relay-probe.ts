// Whether strangers reach this hub through its relay: found out by an endpoint of our own that connects as they would.
// It uses an ALPN of its own, which the hub answers with a TLS handshake and nothing else.
import type { Endpoint } from "../transport/endpoint.ts";
import { bindEndpoint } from "../transport/endpoint.ts";
import { loadIroh } from "../transport/iroh.ts";

export class RelayProbe {
	#endpoint: Endpoint;
	/** The public id of the endpoint that is probing now. */
	#id: string | undefined;

	/** `endpoint` is the hub's. */
	constructor(endpoint: Endpoint) {
		this.#endpoint = endpoint;
	}

	/** Whether this public id is our own probe's, which must not wait behind a flood of strangers. */
	is(id: string): boolean {
		return id === this.#id;
	}

	/**
	 * Whether the hub is reached through its relay within `timeoutMs`; false once `stop` is aborted.
	 * @throws HivemindError `bind` when there is no endpoint to probe with, which says nothing about the relay
	 */
	async reaches(timeoutMs: number, stop: AbortSignal): Promise<boolean> {
		const { EndpointAddr } = await loadIroh();
		const address = this.#endpoint.address();
		const relay = address.relayUrl();
		if (!relay) return false;
		// With this relay alone nothing about the probe is published anywhere.
		const prober = await bindEndpoint({ alpn: "probe", relays: [relay], ipv4: { host: "127.0.0.1", port: 0 } });
		const giveUp = () => void prober.close();
		stop.addEventListener("abort", giveUp);
		try {
			if (stop.aborted) return false;
			this.#id = prober.id;
			const reached = await prober.connect(new EndpointAddr(address.id(), relay, []), timeoutMs).catch(() => undefined);
			reached?.close("probed");
			return reached !== undefined;
		} finally {
			this.#id = undefined;
			stop.removeEventListener("abort", giveUp);
			// That may take a second, and the answer is there.
			void prober.close();
		}
	}
}
