// Looks for a lost hub: one attempt after another, with growing pauses, beside what is left of the old connection, until
// a connection is in use. It owns the endpoints that it binds for that: close() closes them.
import { Backoff } from "../base/backoff.ts";
import { firstLine, HivemindError } from "../base/errors.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { within } from "../base/timers.ts";
import type { Resume } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import { bindEndpoint, type Endpoint } from "../transport/endpoint.ts";
import type { EndpointAddr } from "../transport/iroh.ts";
import { relayReturned } from "../transport/relay-ping.ts";
import type { EmitPeerEvent } from "./events.ts";
import { NotResumed } from "./hub-session.ts";
import {
	PARALLEL_AFTER_MS,
	PARALLEL_BURST,
	PARALLEL_EVERY_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_GROWTH,
	RECONNECT_MAX_MS,
} from "./limits.ts";
import { nextReconnectState, type ReconnectInput, type ReconnectState } from "./reconnect-state.ts";
import { WaitingList } from "./waiting-list.ts";

export interface ReconnectOptions {
	endpoint: Endpoint;
	hub: EndpointAddr;
	emit: EmitPeerEvent;
	/** Whether another connection is still wanted. */
	wanted(): boolean;
	/** Whether an old connection is still open; it may be dead without our knowing. */
	hasOld(): boolean;
	/**
	 * Puts a connection in use, if one is still wanted; `resume`: it has another key than the peer. @throws HivemindError or
	 * NotResumed, the connection closed
	 */
	enter(connection: Connection, resume?: Resume): Promise<void>;
}

export class Reconnect {
	/** From the last welcome: with it the hub takes a connection with another key for this peer's. */
	token: string | undefined;
	#options: ReconnectOptions;
	#state: ReconnectState = { kind: "idle" };
	#backoff = new Backoff({ firstMs: RECONNECT_FIRST_MS, maxMs: RECONNECT_MAX_MS, growth: RECONNECT_GROWTH });
	/** The endpoints of parallel attempts, and of the connections that they made. */
	#parallel = new Set<Endpoint>();
	#parallelRate = parallelRate();
	/** Attempts that wait for the relay to be back. */
	#relayBack = new WaitingList();
	#over = new AbortController();

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
		const over = new AbortController();
		this.#over = over;
		void this.#awaitRelay(over.signal);
		let state = this.#next({ type: "start", until: performance.now() + (lasted ? 0 : this.#backoff.next()) });
		while (state.kind === "waiting" || state.kind === "attempting")
			state = state.kind === "waiting" ? await this.#pause(state.until) : await this.#attempt();
		over.abort();
		if (state.kind === "failed") throw state.error;
	}

	/** Closes the endpoints of parallel attempts, but not the owner's. Resolves when the hub has been told. */
	async close(): Promise<void> {
		this.#over.abort();
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

	/** When the relay is back, a second endpoint reaches it at once, while the first one may wait for half a minute. */
	async #awaitRelay(over: AbortSignal): Promise<void> {
		const { endpoint, hub } = this.#options;
		if (!(await relayReturned(() => endpoint.relayTo(hub), over))) return;
		this.#parallelRate = parallelRate();
		this.#relayBack.wake();
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
		const mayBind = () => this.#parallelRate.take() || this.#options.hasOld();
		if (await Promise.race([settled, Bun.sleep(PARALLEL_AFTER_MS)])) return usual;
		if (!mayBind()) {
			const over = await Promise.race([settled, this.#relayBack.wait(RECONNECT_ATTEMPT_MS)]);
			if (over || !mayBind()) return usual;
		}
		await Promise.any([usual, this.#connectParallel()]).catch(({ errors }: AggregateError) => {
			throw errors.find(isFinal) ?? errors[0];
		});
	}

	/** With another key, if the hub can be told that it is the same peer; else with the same one, but not through a relay. */
	async #connectParallel(): Promise<void> {
		const { endpoint: first, hub, wanted } = this.#options;
		if (!wanted()) return;
		const { token } = this;
		const resume = token === undefined ? undefined : { id: first.id, token };
		const endpoint = await bindEndpoint(first.secondOptions(hub, resume ? "new" : "same"));
		if (!wanted()) return endpoint.close();
		this.#parallel.add(endpoint);
		const release = async () => {
			await endpoint.close();
			this.#parallel.delete(endpoint);
		};
		await this.#connect(endpoint, { resume, release });
	}

	/**
	 * One attempt, {@link RECONNECT_ATTEMPT_MS} including the welcome. A connection that was made in time and is welcomed
	 * later, on a slow path, is then used if it is still wanted, while the next attempt is under way. `release` is called
	 * when the connection has ended, or there is none.
	 */
	async #connect(
		from: Endpoint,
		{ resume, release = async () => {} }: { resume?: Resume | undefined; release?: () => Promise<void> } = {},
	): Promise<void> {
		const { hub, wanted, enter } = this.#options;
		const begun = performance.now();
		const connection = await from.connect(hub, RECONNECT_ATTEMPT_MS).catch((error: unknown) => {
			// That may take a second, which the next attempt need not wait for.
			void release();
			throw error;
		});
		void connection.closed.then(release);
		if (!wanted()) return connection.close("no longer needed");
		const entering = enter(connection, resume);
		entering.catch((error: unknown) => {
			if (isFinal(error)) this.#next({ type: "denied", error });
			if (error instanceof NotResumed && this.token === resume?.token) this.token = undefined;
		});
		const left = begun + RECONNECT_ATTEMPT_MS - performance.now();
		await within(left, entering, () => new Error("no welcome in time"));
	}
}

// --- internal ---

const parallelRate = () => new RateLimiter({ burst: PARALLEL_BURST, everyMs: PARALLEL_EVERY_MS });

const FINAL = new Set(["denied", "alpn"]);
const isFinal = (error: unknown): error is HivemindError => error instanceof HivemindError && FINAL.has(error.code);
