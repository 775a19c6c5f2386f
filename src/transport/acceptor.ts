// Accept loop: queues incoming connections in the order of handshake-queue.ts and completes their TLS handshakes, each
// in a task of its own. One bad handshake must neither delay nor end the others.

import { network } from "../base/address.ts";
import { PROBE_ALPN } from "../protocol/stream-header.ts";
import type { ChunkScheduler } from "./chunk-size.ts";
import { Connection } from "./connection.ts";
import type { EndpointEvent } from "./events.ts";
import { HandshakeQueue, type Source } from "./handshake-queue.ts";
import {
	closeSilently,
	type Incoming,
	type Connection as NativeConnection,
	type Endpoint as NativeEndpoint,
	nativeReason,
} from "./iroh.ts";
import { ACCEPT_RETRY_MS, HANDSHAKE_RETRY_FROM } from "./limits.ts";

export interface AcceptOptions {
	onConnection(connection: Connection): void;
	onEvent(event: EndpointEvent): void;
	/** Whether an admitted peer has come from this host ({@link network}) or, through a relay, with this public id. */
	isKnown(hostOrId: string): boolean;
	/** Aborted when no connections are wanted any more. */
	stop: AbortSignal;
}

export class Acceptor {
	/** Pending handshakes. */
	readonly handshakes = new Set<Promise<void>>();
	#native: NativeEndpoint;
	#options: AcceptOptions;
	#scheduler: ChunkScheduler;
	#queue = new HandshakeQueue<Incoming>();
	#timer: Timer | undefined;
	/** Handshakes whose connection does not exist yet. */
	#beginning = new Set<Promise<unknown>>();
	#closed = false;

	/** `scheduler` is shared by all connections of the endpoint. */
	constructor(native: NativeEndpoint, options: AcceptOptions, scheduler: ChunkScheduler) {
		this.#native = native;
		this.#options = options;
		this.#scheduler = scheduler;
	}

	/** Hands over each new connection until the native endpoint closes. Never rejects. */
	async run(): Promise<void> {
		await this.#acceptAll();
		await this.close();
	}

	/**
	 * Begins no more handshakes. Resolves when none is just beginning: a connection that is made while the native endpoint
	 * closes never ends, and keeps its sockets for ever (docs/binding-notes.md, "Memory"). Idempotent.
	 */
	async close(): Promise<void> {
		this.#closed = true;
		clearTimeout(this.#timer);
		await Promise.allSettled(this.#beginning);
	}

	// --- internal ---

	async #acceptAll(): Promise<void> {
		for (;;) {
			let incoming: Incoming | null;
			try {
				incoming = await this.#native.acceptNext();
			} catch (error) {
				this.#failed(nativeReason(error));
				if (this.#native.isClosed()) return;
				// Whatever the reason, a hub that stops accepting is useless.
				await Bun.sleep(ACCEPT_RETRY_MS);
				continue;
			}
			if (!incoming) return;
			void this.#enqueue(incoming);
		}
	}

	/** Never rejects. */
	async #enqueue(incoming: Incoming): Promise<void> {
		let source: Source;
		try {
			// Under load a source proves its address first, or a flood could forge its senders (RFC 9000 section 8.1.2).
			if (this.#underLoad() && !(await incoming.remoteAddrValidated())) return await incoming.retry();
			source = await this.#source(incoming);
		} catch (error) {
			this.#failed(nativeReason(error));
			return ignore(incoming);
		}
		const dropped = this.#queue.add(incoming, source);
		this.#startHandshakes();
		if (!dropped) return;
		this.#failed("too many connection attempts at once");
		await ignore(dropped);
	}

	async #source(incoming: Incoming): Promise<Source> {
		const { addr = "", endpointId } = await incoming.remoteAddr();
		const host = endpointId === undefined ? network(addr.replace(/:\d+$/, "")) : addr;
		const name = endpointId ?? host;
		const known = this.#options.isKnown(name) ? name : undefined;
		return { host, address: endpointId ?? addr, relayed: endpointId !== undefined, known };
	}

	#underLoad(): boolean {
		return this.#queue.length >= HANDSHAKE_RETRY_FROM || this.#queue.pending >= HANDSHAKE_RETRY_FROM;
	}

	/** Starts as many handshakes as are allowed now, and looks again when the next one is. */
	#startHandshakes(): void {
		while (!this.#closed) {
			const next = this.#queue.next(performance.now());
			if (!next) return;
			if ("waitMs" in next) {
				this.#timer ??= setTimeout(() => {
					this.#timer = undefined;
					this.#startHandshakes();
				}, next.waitMs);
				return;
			}
			const { item, source } = next;
			const handshake = this.#handshake(item)
				.then(
					(native) => this.#connected(native),
					(error: unknown) => this.#failed(nativeReason(error)),
				)
				.finally(() => {
					this.handshakes.delete(handshake);
					this.#queue.ended(source);
					this.#startHandshakes();
				});
			this.handshakes.add(handshake);
		}
	}

	async #handshake(incoming: Incoming): Promise<NativeConnection> {
		const beginning = incoming.accept();
		this.#beginning.add(beginning);
		const accepting = await beginning.finally(() => this.#beginning.delete(beginning));
		return accepting.connect();
	}

	#connected(native: NativeConnection): void {
		// A completed handshake is all that a probe wants to see; nobody gets more with this ALPN.
		if (Buffer.from(native.alpn()).toString() === PROBE_ALPN) closeSilently(native);
		else this.#options.onConnection(new Connection(native, false, this.#scheduler));
	}

	#failed(reason: string): void {
		this.#options.onEvent({ type: "attempt_failed", reason });
	}
}

// --- internal ---

/** Drops it without an answer: an honest client tries again after a second. Merely forgetting it would refuse it. */
async function ignore(incoming: Incoming): Promise<void> {
	await incoming.ignore().catch(() => {});
}
