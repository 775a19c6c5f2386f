// `demo`: everything on one machine, offline. Five services, a hub, a peer on other ports, and a check of each service
// through the tunnel. Hub and peer run exactly as `share` and `join` run them.

import { type Address, formatAddress } from "../base/address.ts";
import { box, print } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
import { teamPolicy } from "../hub/admission.ts";
import type { HubEvent, HubView } from "../hub/events.ts";
import { HubStatus } from "../hub/hub-status.ts";
import { hubReporter } from "../hub/reporter.ts";
import { runHub } from "../hub/run-hub.ts";
import { newSecret } from "../invite/secret.ts";
import type { LocalService, PeerEvent, PeerView } from "../peer/events.ts";
import { PeerStatus } from "../peer/peer-status.ts";
import { peerReporter } from "../peer/reporter.ts";
import { runPeer } from "../peer/run-peer.ts";
import { ProcessStats } from "../status/process-stats.ts";
import type { TimedEvent } from "../status/program-events.ts";
import type { EndpointOptions } from "../transport/endpoint.ts";
import { startMailbox } from "../wormhole/server/server.ts";
import { runChecks, since } from "./checks.ts";
import { type DemoServices, DOWN, startDemoServices } from "./services.ts";

export interface DemoOptions {
	/** End after the checks. */
	once: boolean;
	/** IPv4 loopback when no address is given. */
	endpoint: EndpointOptions;
	/** Called with the events of hub and peer for programs. */
	onEvent?: (event: TimedEvent) => void;
}

/**
 * Runs until `stop` is aborted, or with `once` until the checks are done. Running transfers may finish after `stop`, until
 * `cut` is aborted. @throws HivemindError `check`
 */
export async function demo(
	{ once, endpoint: wanted, onEvent = () => {} }: DemoOptions,
	stop: AbortSignal,
	cut: AbortSignal,
): Promise<void> {
	const free: Address = { host: "127.0.0.1", port: 0 };
	const endpoint: EndpointOptions = { ipv4: free, ...wanted };
	const end = new AbortController();
	const ended = AbortSignal.any([stop, end.signal]);
	const hurry = new AbortController();
	const hurried = AbortSignal.any([cut, hurry.signal]);
	const services = startDemoServices();
	const server = startMailbox(free);
	const stats = new ProcessStats();
	const process = () => stats.snapshot();
	const running: Promise<void>[] = [];
	try {
		print(`${box("hivemind-p2p demo: a hub and a peer on this machine, offline")}\n`);
		print(`  mailbox   ${server.url}`);
		for (const { name, address } of services.shared) {
			const down = name === DOWN ? "   nobody listens there, on purpose" : "";
			print(`  service   ${name.padEnd(10)} ${formatAddress(address)}${down}`);
		}
		const codes = { mailbox: server.url };
		const offers = (code: string) => `offers join code ${code}`;
		const code = await step("hub", offers, (onCode: (code: string) => void) => {
			const policy = teamPolicy(newSecret());
			const status = new HubStatus({ name: "demo-hub", services: services.shared, process });
			status.subscribe(onEvent);
			const onStart = (view: HubView) => status.attach(view);
			const options = { name: "demo-hub", services: services.shared, endpoint, policy, codes, onStart };
			const report = hubReporter();
			const emit = (event: HubEvent) => {
				status.take(event);
				if (event.type === "code") onCode(event.code);
				else if (event.type !== "ready" && !isExpected(event)) report(event);
			};
			running.push(runHub(options, emit, ended, hurried));
			return running;
		});
		const joined = () => "joined with that code";
		const down = Promise.withResolvers<void>();
		const found = await step("peer", joined, (onReady: (services: readonly LocalService[]) => void) => {
			const binds = new Map(services.shared.map(({ name }) => [name, free]));
			const ports = { binds, only: undefined, strict: true, ask: undefined };
			const status = new PeerStatus({ name: "demo-peer", process });
			status.subscribe(onEvent);
			const onStart = (view: PeerView) => status.attach(view);
			const options = { name: "demo-peer", ports, endpoint, onStart };
			const report = peerReporter();
			const emit = (event: PeerEvent) => {
				status.take(event);
				if (isDown(event)) down.resolve();
				if (event.type === "ready") onReady(event.services);
				else if (!isExpected(event)) report(event);
			};
			running.push(runPeer({ ...options, invitation: { code, ...codes } }, emit, ended, hurried));
			return running;
		});
		services.reachableAt(new Map(found.map(({ name, local }) => [name, local])));
		await runChecks(found, down.promise);
		if (once) return;
		const page = `http://${formatAddress((found[0] as LocalService).local)}`;
		print(
			`\nOpen ${page} in a browser: the page calls the API and the WebSocket through the tunnel.\nPress Ctrl+C to stop.`,
		);
		await Promise.race([...running, aborted(ended)]);
	} catch (error) {
		if (!ended.aborted) throw error;
	} finally {
		// Without a signal all that runs is what the checks have left open.
		if (!stop.aborted) hurry.abort();
		await finish(end, running, services);
		stats.close();
		await server.stop();
	}
}

// --- internal ---

/** Whether the peer is told that the one service is down: when it joins, or a moment later. */
function isDown(event: PeerEvent): boolean {
	if (event.type === "ready") return event.services.some(({ name, up }) => name === DOWN && up === false);
	return event.type === "service" && event.service === DOWN && !event.up;
}

/** What is said of it is a check of its own. */
const isExpected = (event: HubEvent | PeerEvent): boolean => "service" in event && event.service === DOWN;

/** Starts something and resolves when it is ready; rejects if it fails or ends before that. */
async function step<T>(
	name: string,
	done: (value: T) => string,
	start: (onReady: (value: T) => void) => Promise<void>[],
): Promise<T> {
	const begun = performance.now();
	const ready = Promise.withResolvers<T>();
	for (const run of start(ready.resolve)) run.then(() => ready.reject(new Error(`${name} ended early`)), ready.reject);
	const value = await ready.promise;
	print(`  ${name.padEnd(9)} ${done(value).padEnd(33)} ${since(begun)}`);
	return value;
}

async function finish(end: AbortController, running: Promise<void>[], services: DemoServices): Promise<void> {
	end.abort();
	await Promise.allSettled(running);
	await services.stop();
}
