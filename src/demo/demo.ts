// `demo`: the whole way on one machine, offline. Three services, a hub, a peer on other ports, and a check of each
// service through the tunnel. Called by cli.ts; calls share and join as the command line does.
import { type Address, formatAddress } from "../base/address.ts";
import { firstLine, HivemindError } from "../base/errors.ts";
import { box, print } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
import { teamPolicy } from "../hub/admission.ts";
import { share } from "../hub/run-hub.ts";
import { newSecret } from "../invite/secret.ts";
import type { PeerEvent } from "../peer/events.ts";
import { peerReporter } from "../peer/reporter.ts";
import { runPeer } from "../peer/run-peer.ts";
import { SERVICES } from "../protocol/services.ts";
import type { EndpointOptions } from "../transport/endpoint.ts";
import { startMailbox } from "../wormhole/server/server.ts";
import { DEMO_CHECK_MS } from "./limits.ts";
import { DEMO_BYTES, type DemoServices, demoByte, startDemoServices } from "./services.ts";

export interface DemoOptions {
	/** End after the checks. */
	once: boolean;
	/** IPv4 loopback when no address is given. */
	endpoint: EndpointOptions;
}

/** Runs until `stop` is aborted, or with `once` until the checks are done. @throws HivemindError `check` */
export async function demo({ once, endpoint: wanted }: DemoOptions, stop: AbortSignal): Promise<void> {
	const free: Address = { host: "127.0.0.1", port: 0 };
	const endpoint: EndpointOptions = { ipv4: free, ...wanted };
	// The demo talks to this machine only: a proxy of the environment would not know its ports.
	process.env.NO_PROXY = "127.0.0.1";
	const end = new AbortController();
	const ended = AbortSignal.any([stop, end.signal]);
	const services = startDemoServices();
	const server = startMailbox(free);
	const running: Promise<void>[] = [];
	try {
		print(`${box("hivemind-p2p demo: a hub and a peer on this machine, offline")}\n`);
		print(`  mailbox   ${server.url}`);
		services.addresses.forEach((address, i) => {
			print(`  service   ${SERVICES[i]?.name.padEnd(10)} ${formatAddress(address)}`);
		});
		const codes = { mailbox: server.url };
		const offers = (code: string) => `offers join code ${code}`;
		const code = await step("hub", offers, (onCode: (code: string) => void) => {
			const options = {
				name: "demo-hub",
				services: services.addresses,
				endpoint,
				policy: teamPolicy(newSecret()),
				onReady: () => {},
			};
			running.push(share({ ...options, codes: { ...codes, onCode } }, ended));
			return running;
		});
		const joined = () => "joined by that code";
		const addresses = await step("peer", joined, (onReady: (addresses: readonly Address[]) => void) => {
			const options = { name: "demo-peer", addresses: [free, free, free], endpoint };
			const report = peerReporter();
			const emit = (event: PeerEvent) => (event.type === "ready" ? onReady(event.addresses) : report(event));
			running.push(runPeer({ ...options, invitation: { code, ...codes } }, emit, ended));
			return running;
		});
		services.reachableAt(addresses);
		await checks(addresses);
		if (once) return;
		const page = `http://${formatAddress(addresses[0] as Address)}`;
		print(
			`\nOpen ${page} in a browser: the page calls the API and the WebSocket through the tunnel.\nPress Ctrl+C to stop.`,
		);
		await Promise.race([...running, aborted(ended)]);
	} catch (error) {
		if (!ended.aborted) throw error;
	} finally {
		await finish(end, running, services);
		await server.stop();
	}
}

// --- internal ---

/** Starts something and waits until it calls back; what fails before, throws here. */
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

async function checks(addresses: readonly Address[]): Promise<void> {
	const [frontend, backend, websocket] = addresses.map(formatAddress);
	print("\nThrough the tunnel:");
	await check("Frontend", `http://${frontend}`, async () => {
		const html = await get(`http://${frontend}/`).then((response) => response.text());
		if (!html.includes("<title>hivemind-p2p demo</title>")) throw new Error("another page came");
		return `a page of ${html.length} characters`;
	});
	await check("Backend", `http://${backend}`, async () => {
		const data = (await get(`http://${backend}/api/hello`).then((response) => response.json())) as { message?: string };
		if (!data.message) throw new Error("no message in the JSON");
		return `"${data.message}"`;
	});
	await check("WebSocket", `ws://${websocket}`, () => echo(`ws://${websocket}/`, "hello through the tunnel"));
	await check("8 MiB", `http://${backend}`, async () => {
		const bytes = await get(`http://${backend}/api/bytes`).then((response) => response.bytes());
		if (bytes.length !== DEMO_BYTES || !bytes.every((byte, i) => byte === demoByte(i))) throw new Error("bytes differ");
		return "every byte as it was sent";
	});
}

async function check(what: string, url: string, work: () => Promise<string>): Promise<void> {
	const begun = performance.now();
	try {
		const result = await work();
		print(`  ✓ ${what.padEnd(10)} ${url.padEnd(23)} ${since(begun)}   ${result}`);
	} catch (cause) {
		throw new HivemindError("check", `The demo's ${what} check at ${url} failed: ${firstLine(cause)}.`, { cause });
	}
}

const get = (url: string): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(DEMO_CHECK_MS) });

function echo(url: string, words: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url);
		const timer = setTimeout(() => reject(new Error("no echo in time")), DEMO_CHECK_MS);
		const done = (settle: () => void) => {
			clearTimeout(timer);
			settle();
			socket.close();
		};
		socket.onopen = () => socket.send(words);
		socket.onmessage = ({ data }) =>
			done(() => (data === words ? resolve(`echo of "${words}"`) : reject(new Error("another echo came"))));
		socket.onerror = () => done(() => reject(new Error("no connection")));
	});
}

const since = (begun: number): string => `${(performance.now() - begun).toFixed(1).padStart(7)} ms`;
