// A peer: three local listeners, one connection to the hub, and for each TCP connection a stream and a bridge.
// Called by cli.ts and demo.ts; calls ticket, endpoint, connection, socket, bridge.
import { type Address, formatAddress } from "./address.ts";
import type { Connection } from "./connection.ts";
import { Transfers } from "./drain.ts";
import type { Duplex } from "./duplex.ts";
import { bindEndpoint, type EndpointOptions } from "./endpoint.ts";
import { firstLine, HivemindError, LISTEN_REASONS, systemCode } from "./errors.ts";
import { type RedeemOptions, redeemCode } from "./invite.ts";
import { REPORT_EVERY_MS } from "./limits.ts";
import { box, log, print, seldom, waiting } from "./output.ts";
import { SERVICES, type Service } from "./services.ts";
import { type Listener, listen } from "./socket.ts";
import { parseTicket } from "./ticket.ts";

export interface JoinOptions {
	name: string;
	/** What the hub gave us: its ticket, or a join code for it. */
	invitation: { ticket: string } | ({ code: string } & RedeemOptions);
	/** Where to listen for each of {@link SERVICES}, in that order. */
	addresses: readonly Address[];
	endpoint: EndpointOptions;
	/** Called with the real local addresses once everything works; prints them when not given. */
	onReady?: (addresses: readonly Address[]) => void;
}

/**
 * Runs a peer until `stop` is aborted, then lets running transfers finish.
 * @throws HivemindError `ticket`, `code`, `nobody`, `mailbox`, `listen`, `bind`, `unreachable`, `alpn`, `addon`, or `lost`
 * when the hub has gone
 */
export async function join(options: JoinOptions, stop: AbortSignal): Promise<void> {
	const { invitation } = options;
	// A bad ticket is said before a port is opened; a code is redeemed after.
	let hub = "ticket" in invitation ? await parseTicket(invitation.ticket) : undefined;
	const peer = new Peer();
	try {
		// Before anything is connected: a busy port must not cost a join code or leave a ghost at the hub.
		const addresses = SERVICES.map((service, i) => peer.listen(service, options.addresses[i] as Address));
		if ("code" in invitation) {
			const ticket = await redeemCode(invitation.code, invitation, stop).catch((error: unknown) => {
				if (!stop.aborted) throw error;
			});
			if (ticket !== undefined) hub = await parseTicket(ticket);
		}
		if (!hub || stop.aborted) return;
		const endpoint = await bindEndpoint(options.endpoint);
		const stopped = new Promise<void>((resolve) => {
			stop.addEventListener("abort", () => resolve(), { once: true });
			if (stop.aborted) resolve();
		});
		try {
			const connecting = endpoint.connect(hub);
			const connection = await Promise.race([waiting("the hub", connecting), stopped]);
			if (!connection) {
				connecting.then(
					(late) => late.close("the peer was stopped"),
					() => {},
				);
				return;
			}
			connection.limitIncomingStreams(0);
			log.info(`Connected: ${connection.path()}`);
			peer.connected(connection);
			(options.onReady ?? ((addresses) => announce(options.name, addresses)))(addresses);
			const ended = await Promise.race([connection.closed, stopped]);
			if (ended !== undefined) {
				throw new HivemindError("lost", `The hub is gone: ${ended}.`, {
					hint: "When it runs again, join with its new ticket.",
				});
			}
			await peer.stop();
			connection.close("the peer was stopped");
		} finally {
			await endpoint.close();
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
	#report = seldom(REPORT_EVERY_MS);
	#connected: (connection: Connection) => void = () => {};
	// Sockets that come before the hub is reached wait for it.
	#connection = new Promise<Connection>((resolve) => {
		this.#connected = resolve;
	});

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

	connected(connection: Connection): void {
		this.#connected(connection);
	}

	/** No new connections; waits for those that run. */
	async stop(): Promise<void> {
		this.close();
		await waiting("running transfers; Ctrl+C again stops at once", this.#transfers.drain());
	}

	close(): void {
		for (const listener of this.#listeners) listener.stop();
	}

	/** One TCP connection's life. Never rejects: whatever happens to it, the others go on. */
	async #forward(service: Service, listener: Listener, socket: Duplex): Promise<void> {
		const local = formatAddress(listener.address);
		try {
			const connection = await this.#connection;
			const stream = await connection.openService(service.portId);
			const { traffic, error } = await this.#transfers.run(socket, stream);
			if (stream.refused) {
				if (this.#report(service.name)) log.error(`The ${service.name} (${local}) is not running on the hub.`);
			} else
				log.debug(
					`${service.name}: ${traffic.forth} bytes out, ${traffic.back} in, ${error ? firstLine(error) : "closed"}`,
				);
		} catch (error) {
			socket.abort();
			if (this.#report(service.name))
				log.error(`No connection for the ${service.name} (${local}): ${firstLine(error)}.`);
		}
	}
}
