// The hub: an endpoint, its ticket, and for each stream of each peer a dialled service and a bridge.
// Called by cli.ts and demo.ts; calls endpoint, connection, socket, bridge.
import { type Address, formatAddress } from "./address.ts";
import type { Connection } from "./connection.ts";
import { Transfers } from "./drain.ts";
import { Aborted, type Duplex } from "./duplex.ts";
import { bindEndpoint, type EndpointOptions } from "./endpoint.ts";
import { firstLine } from "./errors.ts";
import { type CodeOptions, offer } from "./invite.ts";
import { DIAL_MS, HEADER_MS, REPORT_EVERY_MS, STREAM_CREDIT } from "./limits.ts";
import { box, log, print, seldom, talk, waiting } from "./output.ts";
import { SERVICES } from "./services.ts";
import { dial } from "./socket.ts";
import type { QuicStream } from "./stream.ts";
import { PROGRAM } from "./version.ts";

export interface ShareOptions {
	name: string;
	/** Where the services of {@link SERVICES} are, in that order. */
	services: readonly Address[];
	endpoint: EndpointOptions;
	/** Also offer join codes. */
	codes?: CodeOptions;
	/** Called with the ticket once peers can come; prints it when not given. */
	onReady?: (ticket: string) => void;
}

/** Runs a hub until `stop` is aborted, then lets running transfers finish. @throws HivemindError `bind`, `addon` */
export async function share(options: ShareOptions, stop: AbortSignal): Promise<void> {
	const hub = new Hub(options);
	const endpoint = await bindEndpoint(options.endpoint);
	try {
		const stopped = new Promise<void>((resolve) => {
			stop.addEventListener("abort", () => resolve(), { once: true });
			if (stop.aborted) resolve();
		});
		const online = await Promise.race([waiting("a relay", endpoint.online()), stopped]);
		if (stop.aborted) return;
		if (online === false) {
			talk("No relay answers: only peers that reach this machine directly can join (same machine, LAN, VPN).");
		}
		const accepting = endpoint.accept(
			(connection) => hub.welcome(connection),
			(error) => log.info(`A connection attempt failed: ${error}`),
		);
		const ticket = await endpoint.ticket();
		(options.onReady ?? ((ticket) => announce(options, ticket)))(ticket);
		const offering = options.codes ? offer(ticket, options.codes, stop) : undefined;
		await stopped;
		// The mailbox is told while transfers finish: no nameplate is left behind.
		await Promise.all([hub.stop(), offering]);
		await endpoint.settled();
		await Promise.all([endpoint.close(), accepting]);
	} finally {
		await endpoint.close();
	}
}

// --- internal ---

function announce({ name, codes }: ShareOptions, ticket: string): void {
	print(`${box(codes ? `Hub '${name}' starting with Magic Wormhole` : `Hub '${name}' is running`)}

Ticket: ${ticket}

To connect, run:
  ${PROGRAM} join <name> --ticket '${ticket}'
`);
}

class Hub {
	#options: ShareOptions;
	#connections = new Set<Connection>();
	#transfers = new Transfers();
	#stopping = false;
	#report = seldom(REPORT_EVERY_MS);

	constructor(options: ShareOptions) {
		this.#options = options;
	}

	welcome(connection: Connection): void {
		if (this.#stopping) {
			connection.close("the hub is stopping");
			return;
		}
		connection.limitIncomingStreams(STREAM_CREDIT);
		this.#connections.add(connection);
		talk(`Peer ${connection.remote} connected (${connection.path()}).`);
		void connection.closed.then((reason) => {
			this.#connections.delete(connection);
			if (reason !== "") talk(`Peer ${connection.remote} left: ${reason}.`);
		});
		void connection.acceptStreams((stream) => void this.#serve(connection, stream));
	}

	/** Refuses what is new, waits for what runs, tells every peer. */
	async stop(): Promise<void> {
		this.#stopping = true;
		await waiting("running transfers; Ctrl+C again stops at once", this.#transfers.drain());
		for (const connection of this.#connections) connection.close("the hub was stopped");
	}

	/** One stream's life. Never rejects: whatever happens to it, the others go on. */
	async #serve(connection: Connection, stream: QuicStream): Promise<void> {
		const from = `peer ${connection.remote}`;
		const portId = await header(stream);
		const index = SERVICES.findIndex((service) => service.portId === portId);
		const service = SERVICES[index];
		const address = this.#options.services[index];
		if (!service || !address || this.#stopping) {
			if (!this.#stopping && this.#report(from))
				log.warn(
					`Refused a stream of ${from}: ${portId === undefined ? "no valid header" : `unknown port id ${portId}`}.`,
				);
			return stream.refuse();
		}
		let socket: Duplex;
		try {
			socket = await dial(address, DIAL_MS);
		} catch (error) {
			if (this.#report(service.name))
				log.error(
					`The ${service.name} is not running at ${formatAddress(address)}: ${firstLine(error)} (asked for by ${from}).`,
				);
			return stream.refuse();
		}
		try {
			await stream.accept();
		} catch {
			stream.abort();
			return socket.abort();
		}
		const { traffic, error } = await this.#transfers.run(stream, socket);
		log.debug(
			`${service.name} for ${from}: ${traffic.forth} bytes in, ${traffic.back} out, ${error ? firstLine(error) : "closed"}`,
		);
	}
}

/** The port id, or undefined when no valid header came in time. */
async function header(stream: QuicStream): Promise<number | undefined> {
	const timer = setTimeout(() => stream.cancel(), HEADER_MS);
	try {
		return await stream.readHeader();
	} catch (error) {
		if (!(error instanceof Aborted)) throw error;
		return undefined;
	} finally {
		clearTimeout(timer);
	}
}
