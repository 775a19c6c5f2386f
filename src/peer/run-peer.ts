// A peer: three local listeners, a way to the hub that comes back by itself, and for each TCP connection a stream and a
// bridge. Called by cli.ts and demo.ts; calls ticket, invite, uplink, socket, drain, downtime.
import { type Address, formatAddress } from "../base/address.ts";
import { firstLine, HivemindError, LISTEN_REASONS, systemCode } from "../base/errors.ts";
import { box, log, print, waiting } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { aborted, within } from "../base/timers.ts";
import { Aborted, type Duplex } from "../forward/duplex.ts";
import { type Listener, listen } from "../forward/tcp.ts";
import { Transfers } from "../forward/transfers.ts";
import { type RedeemOptions, redeemCode } from "../invite/join-code.ts";
import { parseTicket } from "../invite/ticket.ts";
import { SERVICES, type Service } from "../protocol/services.ts";
import { bindEndpoint, type EndpointOptions } from "../transport/endpoint.ts";
import { REPORT_EVERY_MS, SWEEP_MS } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import { HUB_WAIT_MS } from "./limits.ts";
import { ServiceStatus } from "./service-status.ts";
import { noHub, STOPPED, Uplink } from "./uplink.ts";

export interface JoinOptions {
	name: string;
	/** What the hub gave us: its ticket, or a join code for it. */
	invitation: { ticket: string } | ({ code: string } & RedeemOptions);
	/** Where to listen for each of {@link SERVICES}, in that order. */
	addresses: readonly Address[];
	endpoint: EndpointOptions;
	/** False: the first loss of the hub is the end. True when not given. */
	reconnect?: boolean;
	/** Called with the real local addresses once everything works; prints them when not given. */
	onReady?: (addresses: readonly Address[]) => void;
}

/**
 * Runs a peer until `stop` is aborted, then lets running transfers finish.
 * @throws HivemindError `ticket`, `code`, `nobody`, `mailbox`, `listen`, `bind`, `unreachable`, `alpn`, `addon`,
 * `denied`, or `lost` when the hub has gone and nobody wants it back
 */
export async function join(options: JoinOptions, stop: AbortSignal): Promise<void> {
	const { invitation } = options;
	// A bad ticket is said before a port is opened; a code is redeemed after.
	let ticket = "ticket" in invitation ? await parseTicket(invitation.ticket) : undefined;
	const peer = new Peer();
	try {
		// Before anything is connected: a busy port must not cost a join code or leave a ghost at the hub.
		const addresses = SERVICES.map((service, i) => peer.listen(service, options.addresses[i] as Address));
		if ("code" in invitation) {
			const redeemed = await redeemCode(invitation.code, invitation, stop).catch((error: unknown) => {
				if (!stop.aborted) throw error;
			});
			if (redeemed !== undefined) ticket = await parseTicket(redeemed);
		}
		if (!ticket || stop.aborted) return;
		const endpoint = await bindEndpoint(options.endpoint);
		const uplink = new Uplink({
			endpoint,
			hub: ticket.address,
			introduction: { name: options.name, secret: ticket.secret },
			reconnect: options.reconnect ?? true,
			onServices: (services) => peer.downtime.heard(services),
		});
		const stopped = aborted(stop).then(() => "stopped" as const);
		try {
			const connecting = uplink.connect();
			connecting.catch(() => {});
			if ((await Promise.race([waiting("the hub", connecting), stopped])) === "stopped") return peer.close();
			peer.connected(uplink);
			(options.onReady ?? ((addresses) => announce(options.name, addresses)))(addresses);
			peer.downtime.speak();
			const lost = await Promise.race([uplink.failed.catch((error: HivemindError) => error), stopped]);
			uplink.bye();
			// A hub that answers no more will not end what runs.
			if (uplink.alive()) await peer.stop();
			else peer.close();
			if (lost instanceof HivemindError) throw lost;
		} finally {
			await Promise.all([uplink.close(), endpoint.close()]);
		}
	} finally {
		peer.close();
	}
}

// --- internal ---

function announce(name: string, addresses: readonly Address[]): void {
	const width = Math.max(...SERVICES.map(({ label }) => label.length)) + 2;
	const lines = SERVICES.map(
		({ label, scheme }, i) => `  ${`${label}:`.padEnd(width)}${scheme}://${formatAddress(addresses[i] as Address)}`,
	);
	print(`${box(`Peer '${name}' connected to hub`)}

Local services available at:
${lines.join("\n")}

Press Ctrl+C to stop.
`);
}

class Peer {
	#listeners: Listener[] = [];
	#transfers = new Transfers();
	/** Sockets that wait for a stream. */
	#waiting = new Set<Duplex>();
	#uplink = Promise.withResolvers<Uplink>();
	/** What is said of the hub's services. */
	readonly downtime = new ServiceStatus();
	#reports = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	#sweeper = setInterval(() => this.#transfers.sweep(), SWEEP_MS);
	#closed = false;

	constructor() {
		// Whoever waits for it says what happened.
		this.#uplink.promise.catch(() => {});
	}

	/** Opens a listener; the real address comes back. @throws HivemindError `listen` */
	listen(service: Service, address: Address): Address {
		try {
			const listener = listen(address, (socket) => void this.#forward(service, listener, socket));
			this.#listeners.push(listener);
			return listener.address;
		} catch (cause) {
			const why = LISTEN_REASONS[systemCode(cause)] ?? firstLine(cause);
			throw new HivemindError("listen", `Cannot listen on ${formatAddress(address)} for the ${service.name}: ${why}.`, {
				hint: `Choose another address with --${service.option}; port 0 takes a free one.`,
				cause,
			});
		}
	}

	connected(uplink: Uplink): void {
		this.#uplink.resolve(uplink);
	}

	/** No new connections; waits for those that run. */
	async stop(): Promise<void> {
		this.close();
		await waiting("running transfers; Ctrl+C again stops at once", this.#transfers.drain());
	}

	/** Who still waits gets a reset. Idempotent. */
	close(): void {
		this.#closed = true;
		clearInterval(this.#sweeper);
		this.downtime.close();
		for (const listener of this.#listeners) listener.stop();
		for (const socket of this.#waiting) socket.abort();
		this.#uplink.reject(new Aborted(STOPPED));
	}

	// --- internal ---

	/** One TCP connection's life. Never rejects: whatever happens to it, the others go on. */
	async #forward(service: Service, listener: Listener, socket: Duplex): Promise<void> {
		const local = formatAddress(listener.address);
		const begun = performance.now();
		let stream: QuicStream;
		try {
			stream = await this.#open(service, socket);
		} catch (error) {
			socket.abort();
			return this.#complain(service, local, firstLine(error));
		}
		const { traffic, error } = await this.#transfers.run(socket, stream);
		if (stream.refused) await this.downtime.refused(service, local, begun);
		else if (stream.lost && !stream.accepted) this.#complain(service, local, "the hub was lost before it answered");
		else
			log.debug(
				`${service.name}: ${traffic.forth} bytes out, ${traffic.back} in, ${error ? firstLine(error) : "closed"}`,
			);
	}

	#complain(service: Service, local: string, why: string): void {
		if (this.#closed || !this.#reports.take(service.name)) return;
		log.error(`No connection for the ${service.name} (${local}): ${why}.`);
	}

	/** A stream for this socket. Before the hub was ever reached it waits as long for it as afterwards. */
	async #open({ portId }: Service, socket: Duplex): Promise<QuicStream> {
		const deadline = performance.now() + HUB_WAIT_MS;
		this.#waiting.add(socket);
		try {
			const uplink = await within(HUB_WAIT_MS, this.#uplink.promise, noHub);
			return await uplink.openStream(portId, deadline);
		} finally {
			this.#waiting.delete(socket);
		}
	}
}
