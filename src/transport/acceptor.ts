// The endpoint's door: pulls what knocks, keeps it waiting in the order of arrivals.ts, and shakes hands.
// Called by endpoint.ts; hands out Connections.

import { network } from "../base/address.ts";
import { Connection } from "./connection.ts";
import { HandshakeQueue, type Source } from "./handshake-queue.ts";
import { type Incoming, type Endpoint as NativeEndpoint, nativeReason } from "./iroh.ts";
import { ACCEPT_PAUSE_MS, ARRIVALS_CROWDED } from "./limits.ts";

export interface AcceptOptions {
	onConnection(connection: Connection): void;
	/** What went wrong with one of them, or with accepting at all. */
	onError(error: string): void;
	/** Whether a peer that was let in has come from this host ({@link network}) or, by a relay, with this public id. */
	isKnown(hostOrId: string): boolean;
	/** Aborted when nobody shall come any more. */
	stop: AbortSignal;
}

export class Acceptor {
	/** Handshakes under way. */
	readonly handshakes = new Set<Promise<void>>();
	#native: NativeEndpoint;
	#options: AcceptOptions;
	#arrivals = new HandshakeQueue<Incoming>();
	#timer: Timer | undefined;
	#closed = false;

	constructor(native: NativeEndpoint, options: AcceptOptions) {
		this.#native = native;
		this.#options = options;
	}

	/** Hands over each new connection, until the endpoint closes. One bad handshake delays nobody. Never rejects. */
	async open(): Promise<void> {
		await this.#pull();
		this.#closed = true;
		clearTimeout(this.#timer);
	}

	// --- internal ---

	async #pull(): Promise<void> {
		for (;;) {
			let incoming: Incoming | null;
			try {
				incoming = await this.#native.acceptNext();
			} catch (error) {
				this.#options.onError(nativeReason(error));
				if (this.#native.isClosed()) return;
				// Whatever it was: a hub that listens no more is worth nothing.
				await Bun.sleep(ACCEPT_PAUSE_MS);
				continue;
			}
			if (!incoming) return;
			void this.#knocked(incoming);
		}
	}

	/** Never rejects. */
	async #knocked(incoming: Incoming): Promise<void> {
		let source: Source;
		try {
			// Under load an address has to prove itself, or a flood could come from anywhere (RFC 9000 section 8.1.2).
			if (this.#crowded() && !(await incoming.remoteAddrValidated())) return await incoming.retry();
			source = await this.#source(incoming);
		} catch (error) {
			this.#options.onError(nativeReason(error));
			return ignore(incoming);
		}
		const turnedAway = this.#arrivals.add(incoming, source);
		this.#shake();
		if (!turnedAway) return;
		this.#options.onError("too many at once");
		await ignore(turnedAway);
	}

	async #source(incoming: Incoming): Promise<Source> {
		const { addr = "", endpointId } = await incoming.remoteAddr();
		const host = endpointId === undefined ? network(addr.replace(/:\d+$/, "")) : addr;
		const name = endpointId ?? host;
		const known = this.#options.isKnown(name) ? name : undefined;
		return { host, address: endpointId ?? addr, relayed: endpointId !== undefined, known };
	}

	#crowded(): boolean {
		return this.#arrivals.length >= ARRIVALS_CROWDED || this.#arrivals.underWay >= ARRIVALS_CROWDED;
	}

	/** Shakes hands with as many as may come now, and looks again when the next may. */
	#shake(): void {
		while (!this.#closed) {
			const next = this.#arrivals.next(performance.now());
			if (!next) return;
			if ("wait" in next) {
				this.#timer ??= setTimeout(() => {
					this.#timer = undefined;
					this.#shake();
				}, next.wait);
				return;
			}
			const { item, source } = next;
			const handshake = shake(item)
				.then(this.#options.onConnection, (error: unknown) => this.#options.onError(nativeReason(error)))
				.finally(() => {
					this.handshakes.delete(handshake);
					this.#arrivals.ended(source);
					this.#shake();
				});
			this.handshakes.add(handshake);
		}
	}
}

// --- internal ---

/** Without a word: whoever means it knocks again after a second. Forgotten, it would be refused some time. */
async function ignore(incoming: Incoming): Promise<void> {
	await incoming.ignore().catch(() => {});
}

async function shake(incoming: Incoming): Promise<Connection> {
	const accepting = await incoming.accept();
	return new Connection(await accepting.connect());
}
