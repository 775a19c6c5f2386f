// The TCP connections to a peer's local ports: for each one a stream to the hub and a bridge between the two. Whatever
// happens to one connection, the others go on.
import { formatAddress } from "../base/address.ts";
import { within } from "../base/timers.ts";
import { Descriptors } from "../forward/descriptors.ts";
import { Aborted, type Duplex } from "../forward/duplex.ts";
import { Meter } from "../forward/meter.ts";
import { Transfers } from "../forward/transfers.ts";
import { serviceNoun } from "../protocol/services.ts";
import { dataOf } from "../transport/compressed-duplex.ts";
import { SWEEP_MS } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { EmitPeerEvent, PeerEvent } from "./events.ts";
import { NoHub, NotShared } from "./failed-connections.ts";
import { HUB_WAIT_MS } from "./limits.ts";
import type { OpenPort } from "./port-choices.ts";
import { ServiceStatus } from "./service-status.ts";
import { STOPPED, type Uplink } from "./uplink.ts";

type Failure = Extract<PeerEvent, { type: "connection_failed" }>;

export class LocalConnections {
	/** What is reported of the hub's services. */
	readonly status: ServiceStatus;
	/** Connections and bytes of each service. */
	readonly meter = new Meter();
	#emit: EmitPeerEvent;
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

	/** Takes a connection that a local port has accepted. */
	take(port: OpenPort, socket: Duplex): void {
		// Bun cannot stop accepting for a while, so what comes beyond the limit is reset at once.
		if (this.#descriptors.take()) void this.#run(port, socket);
		else socket.abort();
	}

	/** Connections that have waited for a hub get their streams from now on. */
	connect(uplink: Uplink): void {
		this.#uplink.resolve(uplink);
	}

	/** Closes, and waits for the connections that run; see {@link Transfers.drain}. */
	async stop(): Promise<void> {
		this.close();
		await this.#transfers.drain();
	}

	/** Resets the connections that wait for a stream. The ports must accept no more. Idempotent. */
	close(): void {
		this.#closed = true;
		clearInterval(this.#sweeper);
		this.status.close();
		this.#descriptors.close();
		for (const socket of this.#waiting) socket.abort();
		this.#uplink.reject(new Aborted(STOPPED));
	}

	/** Resets every connection that still runs, at once. */
	abortAll(): void {
		this.#transfers.abortAll();
	}

	// --- internal ---

	/** One TCP connection from its accept to its end. Never rejects. */
	async #run(port: OpenPort, socket: Duplex): Promise<void> {
		try {
			await this.#forward(port, socket);
		} catch (error) {
			socket.abort();
			this.#emit({ type: "bug", where: `a connection to the ${serviceNoun(port.service)}`, error });
		}
	}

	async #forward(port: OpenPort, socket: Duplex): Promise<void> {
		const begun = performance.now();
		const local = formatAddress(port.address);
		let stream: QuicStream;
		try {
			stream = await this.#open(port, socket);
		} catch (error) {
			if (!(error instanceof Aborted)) throw error;
			socket.abort();
			return this.#failed(port.service, local, whyNot(error), error.message);
		}
		// A port is for one service only from the moment that it has been forwarded to.
		const { service } = port;
		const { traffic, error } = await this.#bridge(service, socket, stream);
		if (stream.answer === "refused") await this.status.refused(service, local, begun);
		else if (stream.lost && stream.answer !== "accepted")
			this.#failed(service, local, "hub_lost", "the hub was lost before it answered");
		else {
			const { forth: sent, back: received } = traffic;
			this.#emit({ type: "connection_ended", service, sent, received, error });
		}
	}

	#failed(service: string, local: string, why: Failure["why"], reason: string): void {
		if (!this.#closed) this.#emit({ type: "connection_failed", service, local, why, reason });
	}

	/** A stream for this socket. Before the hub was first reached it waits as long for it as afterwards. @throws Aborted */
	async #open(port: OpenPort, socket: Duplex): Promise<QuicStream> {
		const deadline = performance.now() + HUB_WAIT_MS;
		this.#waiting.add(socket);
		try {
			const uplink = await within(HUB_WAIT_MS, this.#uplink.promise, () => new NoHub());
			return await uplink.openStream(port.service, deadline);
		} finally {
			this.#waiting.delete(socket);
		}
	}

	async #bridge(service: string, socket: Duplex, stream: QuicStream): ReturnType<Transfers["run"]> {
		const { traffic, end } = this.meter.begin(service);
		try {
			const outcome = await this.#transfers.run(socket, dataOf(stream, stream.framed), traffic);
			// Every end that may happen is an Aborted; see Duplex.
			if (outcome.error && !(outcome.error instanceof Aborted)) throw outcome.error;
			return outcome;
		} catch (bug) {
			// Left open, it would hold one of the connection's streams forever.
			stream.abort();
			throw bug;
		} finally {
			end();
		}
	}

	#sweep(): void {
		const connections = this.#transfers.sweep();
		if (connections > 0) this.#emit({ type: "idle_reset", connections });
	}
}

// --- internal ---

function whyNot(error: Aborted): Failure["why"] {
	if (error instanceof NoHub) return "no_hub";
	return error instanceof NotShared ? "not_shared" : "no_stream";
}
