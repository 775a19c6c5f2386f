// Looks for a lost hub: one attempt after another, with growing pauses, beside what is left of the old connection, until
// a connection is in use. It owns the endpoints that it binds for that: close() closes them.
import { Backoff } from "../base/backoff.ts";
import { firstLine, HivemindError } from "../base/errors.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { within } from "../base/timers.ts";
import type { Connection } from "../transport/connection.ts";
import { bindEndpoint, type Endpoint } from "../transport/endpoint.ts";
import type { EndpointAddr } from "../transport/iroh.ts";
import type { EmitPeerEvent } from "./events.ts";
import {
	PARALLEL_AFTER_MS,
	PARALLEL_EVERY_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_GROWTH,
	RECONNECT_MAX_MS,
} from "./limits.ts";
import { nextReconnectState, type ReconnectInput, type ReconnectState } from "./reconnect-state.ts";

export interface ReconnectOptions {
	endpoint: Endpoint;
	hub: EndpointAddr;
	emit: EmitPeerEvent;
	/** Whether another connection is still wanted. */
	wanted(): boolean;
	/** Whether an old connection is still open; it may be dead without our knowing. */
	hasOld(): boolean;
	/** Puts a connection in use, if one is still wanted. @throws HivemindError, the connection closed */
	enter(connection: Connection): Promise<void>;
}

export class Reconnect {
	#options: ReconnectOptions;
	#state: ReconnectState = { kind: "idle" };
	#backoff = new Backoff({ firstMs: RECONNECT_FIRST_MS, maxMs: RECONNECT_MAX_MS, growth: RECONNECT_GROWTH });
	/** The endpoints of parallel attempts, and of the connections that they made. */
	#parallel = new Set<Endpoint>();
	#parallelRate = new RateLimiter({ burst: 1, everyMs: PARALLEL_EVERY_MS });

	constructor(options: ReconnectOptions) {
		this.#options = options;
	}

	/**
	 * Resolves when no other connection is wanted. Begins without a pause where the last connection `lasted`: a hub that
	 * accepts and loses us again and again is not flooded. @throws HivemindError when trying again would not help
	 */
	async run(lasted: boolean): Promise<void> {
		if (this.#state.kind !== "idle") return;
		if (lasted) this.#backoff.reset();
		let state = this.#next({ type: "start", until: performance.now() + (lasted ? 0 : this.#backoff.next()) });
		while (state.kind === "waiting" || state.kind === "attempting")
			state = state.kind === "waiting" ? await this.#pause(state.until) : await this.#attempt();
		if (state.kind === "failed") throw state.error;
	}

	/** Closes the endpoints of parallel attempts, but not the owner's. Resolves when the hub has been told. */
	async close(): Promise<void> {
		await Promise.all([...this.#parallel].map((endpoint) => endpoint.close()));
	}

	// --- internal ---

	#next(input: ReconnectInput): ReconnectState {
		this.#state = nextReconnectState(this.#state, input);
		return this.#state;
	}

	async #pause(until: number): Promise<ReconnectState> {
		const left = until - performance.now();
		if (left > 0) await Bun.sleep(left);
		return this.#next(this.#options.wanted() ? { type: "attempt", at: performance.now() } : { type: "stop" });
	}

	async #attempt(): Promise<ReconnectState> {
		try {
			await this.#connectFirst();
		} catch (error) {
			this.#options.emit({ type: "attempt_failed", reason: firstLine(error) });
			if (isFinal(error)) return this.#next({ type: "fail", error });
		}
		return this.#next(this.#options.wanted() ? { type: "retry", pauseMs: this.#backoff.next() } : { type: "stop" });
	}

	/**
	 * Resolves when one or two attempts have put a connection in use. While the old connection lives, iroh sends every
	 * new one down its path and tries no other address (docs/binding-notes.md, "Connection loss"), so an attempt that
	 * does not succeed at once gets a parallel one from a second endpoint. @throws HivemindError
	 */
	async #connectFirst(): Promise<void> {
		const usual = this.#connect(this.#options.endpoint);
		const settled = usual.then(
			() => true,
			() => true,
		);
		const soon = await Promise.race([settled, Bun.sleep(PARALLEL_AFTER_MS)]);
		if (soon || !(this.#parallelRate.take() || this.#options.hasOld())) return usual;
		await Promise.any([usual, this.#connectParallel()]).catch(({ errors }: AggregateError) => {
			throw errors.find(isFinal) ?? errors[0];
		});
	}

	/** With the same key but without relays, where two endpoints with one key starve each other (iroh issue 3813). */
	async #connectParallel(): Promise<void> {
		if (!this.#options.wanted()) return;
		const endpoint = await bindEndpoint(this.#options.endpoint.directOptions());
		if (!this.#options.wanted()) return endpoint.close();
		this.#parallel.add(endpoint);
		await this.#connect(endpoint, async () => {
			await endpoint.close();
			this.#parallel.delete(endpoint);
		});
	}

	/**
	 * One attempt, {@link RECONNECT_ATTEMPT_MS} including the welcome. A connection that was made in time and is welcomed
	 * later, on a slow path, is then used if it is still wanted, while the next attempt is under way. `release` is called
	 * when the connection has ended, or there is none.
	 */
	async #connect(from: Endpoint, release = async () => {}): Promise<void> {
		const { hub, wanted, enter } = this.#options;
		const begun = performance.now();
		const connection = await from.connect(hub, RECONNECT_ATTEMPT_MS).catch(async (error: unknown) => {
			await release();
			throw error;
		});
		void connection.closed.then(release);
		if (!wanted()) return connection.close("no longer needed");
		const entering = enter(connection);
		entering.catch((error: unknown) => {
			if (isFinal(error)) this.#next({ type: "denied", error });
		});
		const left = begun + RECONNECT_ATTEMPT_MS - performance.now();
		await within(left, entering, () => new Error("no welcome in time"));
	}
}

// --- internal ---

const FINAL = new Set(["denied", "alpn"]);
const isFinal = (error: unknown): error is HivemindError => error instanceof HivemindError && FINAL.has(error.code);
