// The hub watches itself: an endpoint was seen stuck on a dead home relay for hours (iroh issue 4476), and the binding
// does not tell. One that has lost its relay while the network is up is closed and bound again, with the same identity
// and ports. Called by share.ts.
import { networkInterfaces } from "node:os";
import { bindEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import { firstLine } from "./errors.ts";
import { RELAY_CHECK_MS, RELAY_LOST_MS } from "./limits.ts";
import { log, talk } from "./output.ts";

/** Watches until the returned function is called. `rebound` gets the new endpoint; the old one is closed then. */
export function watchRelay(
	current: () => Endpoint,
	options: EndpointOptions,
	rebound: (endpoint: Endpoint) => void,
): () => void {
	if (options.relays === "none") return () => {};
	let lostAt: number | undefined;
	let had = current().relay() !== null;
	let busy = false;
	const timer = setInterval(async () => {
		const relay = current().relay();
		had ||= relay !== null;
		if (busy || relay !== null || !had || !networkIsUp()) {
			lostAt = undefined;
			return;
		}
		lostAt ??= performance.now();
		if (performance.now() - lostAt < RELAY_LOST_MS) return;
		busy = true;
		lostAt = undefined;
		talk(`No relay for ${RELAY_LOST_MS / 1000} s: starting the network part again. Peers come back by themselves.`);
		const old = current();
		const again = { ...options, ...old.rebindOptions() };
		await old.close();
		try {
			rebound(await bindEndpoint(again));
		} catch (error) {
			log.error(`The network part cannot be started again: ${firstLine(error)}`);
		}
		busy = false;
	}, RELAY_CHECK_MS);
	return () => clearInterval(timer);
}

// --- internal ---

function networkIsUp(): boolean {
	return Object.values(networkInterfaces()).some((list) => list?.some(({ internal }) => !internal));
}
