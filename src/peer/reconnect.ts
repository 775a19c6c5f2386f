// Looks for a hub that was lost: one attempt after another, in longer and longer pauses, beside what is left of the old
// connection, until one is in use. Called by uplink.ts; calls endpoint.

import { firstLine, HivemindError } from "../base/errors.ts";
import { log } from "../base/output.ts";
import { within } from "../base/timers.ts";
import type { Connection } from "../transport/connection.ts";
import { bindEndpoint, type Endpoint } from "../transport/endpoint.ts";
import type { EndpointAddr } from "../transport/iroh.ts";
import {
	RECONNECT_ATTEMPT_MS,
	RECONNECT_BESIDE_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_MAX_MS,
	RECONNECT_TWIN_MS,
} from "./limits.ts";

export interface RedialOptions {
	endpoint: Endpoint;
	hub: EndpointAddr;
	/** Whether another connection is still of use. */
	wanted(): boolean;
	/** Whether an old connection lives, as far as anybody knows. */
	old(): boolean;
	/** Puts a connection in use, if one is still wanted. @throws HivemindError, the connection closed */
	enter(connection: Connection): Promise<void>;
}

export class Reconnect {
	#options: RedialOptions;
	#running = false;
	#retryMs = RECONNECT_FIRST_MS;
	/** What a welcome that came too late for its attempt turned out to be, if that ends everything. */
	#final: unknown;
	/** Endpoints of attempts beside the usual one, and `performance.now()` when the last one was made. */
	#twins = new Set<Endpoint>();
	#twinAt = Number.NEGATIVE_INFINITY;

	constructor(options: RedialOptions) {
		this.#options = options;
	}

	/**
	 * Resolves when no other connection is wanted. Begins at once where the last one `lasted`: a hub that takes us and
	 * loses us again and again is not hammered. @throws HivemindError when trying again would not help
	 */
	async run(lasted: boolean): Promise<void> {
		if (this.#running) return;
		this.#running = true;
		this.#final = undefined;
		try {
			if (lasted) this.#retryMs = RECONNECT_FIRST_MS;
			else await Bun.sleep(this.#backOff());
			while (this.#options.wanted()) {
				const begun = performance.now();
				await this.#try();
				// From start to start, so that a long attempt is followed at once.
				if (this.#options.wanted()) await Bun.sleep(Math.max(0, begun + this.#backOff() - performance.now()));
			}
		} finally {
			this.#running = false;
		}
	}

	/** Ends what was found by company; the usual endpoint is its owner's. Resolves when the hub has been told. */
	async close(): Promise<void> {
		await Promise.all([...this.#twins].map((twin) => twin.close()));
	}

	// --- internal ---

	/** Milliseconds to wait now; the next time twice that. Half of it is chance (thundering herd). */
	#backOff(): number {
		const pause = this.#retryMs * (0.5 + Math.random() / 2);
		this.#retryMs = Math.min(RECONNECT_MAX_MS, this.#retryMs * 2);
		return pause;
	}

	async #try(): Promise<void> {
		try {
			await this.#round();
		} catch (error) {
			log.debug(`An attempt to reach the hub failed: ${firstLine(error)}`);
			if (isFinal(error)) throw error;
		}
		if (this.#final && this.#options.wanted()) throw this.#final;
	}

	/**
	 * While the old connection lives, iroh sends every new one down its path and tries no other address (measured). So
	 * an attempt that does not succeed at once gets company from a fresh endpoint with the same key: without relays,
	 * where two would quarrel. Later rarely, since each asks the router for a port mapping. Resolves with the first that
	 * succeeds. @throws HivemindError
	 */
	async #round(): Promise<void> {
		const usual = this.#connect(this.#options.endpoint);
		const settled = usual.then(
			() => true,
			() => true,
		);
		const soon = await Promise.race([settled, Bun.sleep(RECONNECT_BESIDE_MS)]);
		if (soon || !(this.#options.old() || performance.now() - this.#twinAt > RECONNECT_TWIN_MS)) await usual;
		else {
			await Promise.any([usual, this.#company()]).catch(({ errors }: AggregateError) => {
				throw errors.find(isFinal) ?? errors[0];
			});
		}
	}

	async #company(): Promise<void> {
		if (!this.#options.wanted()) return;
		this.#twinAt = performance.now();
		const twin = await bindEndpoint(this.#options.endpoint.directOptions());
		if (!this.#options.wanted()) return twin.close();
		this.#twins.add(twin);
		const over = async () => {
			await twin.close();
			this.#twins.delete(twin);
		};
		await this.#connect(twin, over);
	}

	/**
	 * One attempt, {@link RECONNECT_ATTEMPT_MS} with the welcome. A connection that was made in time and is welcomed later,
	 * on a slow path, is used then, if it is still wanted, while the next attempt is under way. `over` when it has ended.
	 */
	async #connect(from: Endpoint, over = async () => {}): Promise<void> {
		const { hub, wanted, enter } = this.#options;
		const begun = performance.now();
		const connection = await from.connect(hub, RECONNECT_ATTEMPT_MS).catch(async (error: unknown) => {
			await over();
			throw error;
		});
		void connection.closed.then(over);
		if (!wanted()) return connection.close("no longer needed");
		const entering = enter(connection);
		entering.catch((error: unknown) => {
			if (isFinal(error)) this.#final ??= error;
		});
		const left = begun + RECONNECT_ATTEMPT_MS - performance.now();
		await within(left, entering, () => new Error("no welcome in time"));
	}
}

// --- internal ---

const FINAL = new Set(["denied", "alpn"]);
const isFinal = (error: unknown): boolean => error instanceof HivemindError && FINAL.has(error.code);
