// The peer's local ports: one for each service, and for each TCP connection to it a stream to the hub and a bridge
// between the two. Whatever happens to one connection, the others go on.
import { type Address, formatAddress } from "../base/address.ts";
import { within } from "../base/timers.ts";
import { Descriptors } from "../forward/descriptors.ts";
import { Aborted, type Duplex } from "../forward/duplex.ts";
import type { Listener } from "../forward/tcp.ts";
import { Transfers } from "../forward/transfers.ts";
import type { OriginalService } from "../protocol/services.ts";
import { SWEEP_MS } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { EmitPeerEvent, PeerEvent } from "./events.ts";
import { NoHub } from "./failed-connections.ts";
import { HUB_WAIT_MS } from "./limits.ts";
import { openPort } from "./local-port.ts";
import { ServiceStatus } from "./service-status.ts";
import { STOPPED, type Uplink } from "./uplink.ts";

type Failure = Extract<PeerEvent, { type: "connection_failed" }>;

export class Listeners {
	/** What is reported of the hub's services. */
	readonly status: ServiceStatus;
	#emit: EmitPeerEvent;
	#listeners: Listener[] = [];
	#descriptors: Descriptors;
	#transfers = new Transfers();
	/** Sockets that wait for a stream. */
	#waiting = new Set<Duplex>();
	#uplink = Promise.withResolvers<Uplink>();
	#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
	#closed = false;

	constructor(emit: EmitPeerEvent) {
		this.#emit = emit;
		this.status = new ServiceStatus(emit);
		this.#descriptors = new Descriptors({ onChange: (state, use) => emit({ type: "descriptors", state, ...use }) });
		// Rejected on close, also when nobody waits for it.
		this.#uplink.promise.catch(() => {});
	}

	/**
	 * Opens the local port of a service, at its default without `asked`; returns the address to show, with its real port.
	 * `localhost` is two addresses: see {@link openPort}. @throws HivemindError `listen`
	 */
	listen(service: OriginalService, asked: Address | undefined): Address {
		const { address, listeners } = openPort(service, asked, (socket, local) => {
			// Bun cannot stop accepting for a while, so what comes beyond the limit is reset at once.
			if (this.#descriptors.take()) void this.#accept(service, formatAddress(local), socket);
			else socket.abort();
		});
		this.#listeners.push(...listeners);
		return address;
	}

	/** Every address that is listened on: two for each `localhost`. */
	addresses(): Address[] {
		return this.#listeners.map(({ address }) => address);
	}

	/** Connections that have waited for a hub get their streams from now on. */
	connect(uplink: Uplink): void {
		this.#uplink.resolve(uplink);
	}

	/** Accepts no new connections, and waits for those that run; see {@link Transfers.drain}. */
	async stop(): Promise<void> {
		this.close();
		await this.#transfers.drain();
	}

	/** Accepts no new connections, and resets those that wait for a stream. Idempotent. */
	close(): void {
		this.#closed = true;
		clearInterval(this.#sweeper);
		this.status.close();
		this.#descriptors.close();
		for (const listener of this.#listeners) listener.stop();
		for (const socket of this.#waiting) socket.abort();
		this.#uplink.reject(new Aborted(STOPPED));
	}

	/** Resets every connection that still runs, at once. */
	abortAll(): void {
		this.#transfers.abortAll();
	}

	// --- internal ---

	/** One TCP connection from its accept to its end. Never rejects. */
	async #accept(service: OriginalService, local: string, socket: Duplex): Promise<void> {
		try {
			await this.#forward(service, local, socket);
		} catch (error) {
			socket.abort();
			this.#emit({ type: "bug", where: `a connection to the ${service.name}`, error });
		}
	}

	async #forward(service: OriginalService, local: string, socket: Duplex): Promise<void> {
		const begun = performance.now();
		let stream: QuicStream;
		try {
			stream = await this.#open(service, socket);
		} catch (error) {
			if (!(error instanceof Aborted)) throw error;
			socket.abort();
			return this.#failed(service, local, error instanceof NoHub ? "no_hub" : "no_stream", error.message);
		}
		const { traffic, error } = await this.#bridge(socket, stream);
		if (stream.answer === "refused") await this.status.refused(service, local, begun);
		else if (stream.lost && stream.answer !== "accepted")
			this.#failed(service, local, "hub_lost", "the hub was lost before it answered");
		else {
			const { forth: sent, back: received } = traffic;
			this.#emit({ type: "connection_ended", service: service.name, sent, received, error });
		}
	}

	#failed({ name }: OriginalService, local: string, why: Failure["why"], reason: string): void {
		if (!this.#closed) this.#emit({ type: "connection_failed", service: name, local, why, reason });
	}

	/** A stream for this socket. Before the hub was first reached it waits as long for it as afterwards. @throws Aborted */
	async #open({ portId }: OriginalService, socket: Duplex): Promise<QuicStream> {
		const deadline = performance.now() + HUB_WAIT_MS;
		this.#waiting.add(socket);
		try {
			const uplink = await within(HUB_WAIT_MS, this.#uplink.promise, () => new NoHub());
			return await uplink.openStream(portId, deadline);
		} finally {
			this.#waiting.delete(socket);
		}
	}

	async #bridge(socket: Duplex, stream: QuicStream): ReturnType<Transfers["run"]> {
		try {
			const outcome = await this.#transfers.run(socket, stream);
			// Every end that may happen is an Aborted; see Duplex.
			if (outcome.error && !(outcome.error instanceof Aborted)) throw outcome.error;
			return outcome;
		} catch (bug) {
			// Left open, it would hold one of the connection's streams forever.
			stream.abort();
			throw bug;
		}
	}

	#sweep(): void {
		const connections = this.#transfers.sweep();
		if (connections > 0) this.#emit({ type: "idle_reset", connections });
	}
}
