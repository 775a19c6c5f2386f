// A hub and a peer in this process, over real iroh on loopback.

import type { Address } from "../../src/base/address.ts";
import { teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { hubReporter } from "../../src/hub/reporter.ts";
import { runHub } from "../../src/hub/run-hub.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { peerReporter } from "../../src/peer/reporter.ts";
import { runPeer } from "../../src/peer/run-peer.ts";
import type { EndpointOptions } from "../../src/transport/endpoint.ts";
import { originalsAt } from "./port-choices.ts";
import { withoutProbes } from "./probes.ts";
import { originalServices } from "./shared-services.ts";

export const FREE: Address = { host: "127.0.0.1", port: 0 };

/** Loopback only, no relay: nothing leaves this machine. */
export const LOOPBACK: EndpointOptions = { alpn: "hivemind", ipv4: FREE, relays: "none" };

export interface RunningHub extends AsyncDisposable {
	ticket: string;
	/** Resolves when `runHub` has ended. */
	done: Promise<void>;
	stop(): Promise<void>;
}

export interface RunningPeer extends AsyncDisposable {
	/** Local ports: frontend, backend, WebSocket. */
	ports: number[];
	/** Resolves when `runPeer` has ended; rejects as it does. */
	done: Promise<void>;
	stop(): Promise<void>;
}

/** A hub that does not probe its services (see withoutProbes). */
export async function startHub(
	servicePorts: readonly number[],
	endpoint = LOOPBACK,
	policy = teamPolicy(newSecret()),
	{ compress = true } = {},
): Promise<RunningHub> {
	const end = new AbortController();
	const ready = Promise.withResolvers<string>();
	const services = originalServices(...[0, 1, 2].map((i) => servicePorts[i] ?? 1));
	const probes = withoutProbes();
	const report = hubReporter();
	const emit = (event: HubEvent) => (event.type === "ready" ? ready.resolve(event.ticket) : report(event));
	const done = runHub({ name: "hub", services, endpoint, policy, compress }, emit, end.signal).finally(() =>
		probes[Symbol.dispose](),
	);
	done.catch(ready.reject);
	return { ticket: await ready.promise, done, ...stopper(end, done) };
}

export async function startPeer(
	ticket: string,
	endpoint = LOOPBACK,
	{ reconnect = false, compress = true } = {},
): Promise<RunningPeer> {
	const end = new AbortController();
	const ready = Promise.withResolvers<readonly Address[]>();
	const report = peerReporter();
	const done = runPeer(
		{ name: "peer", invitation: { ticket }, ports: originalsAt(), endpoint, reconnect, compress },
		(event) => (event.type === "ready" ? ready.resolve(event.services.map(({ local }) => local)) : report(event)),
		end.signal,
	);
	done.catch(ready.reject);
	const addresses = await ready.promise;
	return { ports: addresses.map(({ port }) => port), done, ...stopper(end, done) };
}

function stopper(end: AbortController, done: Promise<void>) {
	const stop = async () => {
		end.abort();
		await done.catch(() => {});
	};
	return { stop, [Symbol.asyncDispose]: stop };
}
