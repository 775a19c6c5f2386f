// The peer's way to its hub, for as long as it runs: one session in use, older ones that are given up slowly, and
// attempts for the next. Only pings say whether the other side lives: after some link flaps the binding never reports
// a dead connection (measured). Called by join.ts; calls endpoint, session.
import type { ServiceState } from "./control.ts";
import { bindEndpoint, type Endpoint } from "./endpoint.ts";
import { firstLine, HivemindError } from "./errors.ts";
import type { EndpointAddr } from "./iroh.ts";
import {
	HUB_WAIT_MS,
	LASTING_MS,
	PEER_SILENCE_MS,
	RECONNECT_ATTEMPT_MS,
	RECONNECT_BESIDE_MS,
	RECONNECT_FIRST_MS,
	RECONNECT_MAX_MS,
	REPLACED_MS,
	STILL_LOST_MS,
	SUSPECT_MS,
} from "./limits.ts";
import { log, talk } from "./output.ts";
import { type Introduction, Session } from "./session.ts";
import { whileAwake } from "./waits.ts";

export interface UplinkOptions {
	endpoint: Endpoint;
	hub: EndpointAddr;
	introduction: Introduction;
	/** False: the first loss is the end. */
	reconnect: boolean;
	onServices: (services: ServiceState[]) => void;
}

const TICK_MS = 250;

export class Uplink {
	/** Rejects when there is no way on: denied, or lost without reconnecting. Never resolves. */
	readonly failed: Promise<never>;
	#options: UplinkOptions;
	#current: Session | undefined;
	#sessions = new Set<Session>();
	#waiting = new Set<() => void>();
	#lostAt: number | undefined;
	#dialling = false;
	/** When the session in use was put in use, and how long to wait after one that did not last. */
	#enteredAt = 0;
	#retryMs = RECONNECT_FIRST_MS;
	/** It has been said what else may be the matter with this loss. */
	#hinted = false;
	/** Endpoints of attempts beside the usual one. */
	#twins = new Set<Endpoint>();
	#closed = false;
	#ticker: Timer | undefined;
	#fail!: (error: HivemindError) => void;

	constructor(options: UplinkOptions) {
		this.#options = options;
		this.failed = new Promise((_, reject) => {
			this.#fail = reject;
		});
		this.failed.catch(() => {});
	}

	/** The first connection, with its own bound. @throws HivemindError `unreachable`, `alpn`, `denied` */
	async connect(): Promise<void> {
		const { endpoint, hub } = this.#options;
		await this.#enter(new Session(await endpoint.connect(hub)));
		if (!this.#closed) this.#ticker = whileAwake(TICK_MS, () => this.#tick());
	}

	/** The session for a new local connection; waits for one at most {@link HUB_WAIT_MS}, then undefined. */
	async session(): Promise<Session | undefined> {
		const deadline = performance.now() + HUB_WAIT_MS;
		while (!this.#current && !this.#closed) {
			const left = deadline - performance.now();
			if (left <= 0) return undefined;
			const { promise, resolve } = Promise.withResolvers<void>();
			const timer = setTimeout(resolve, left);
			this.#waiting.add(resolve);
			await promise;
			clearTimeout(timer);
			this.#waiting.delete(resolve);
		}
		return this.#current;
	}

	/** Tells the hub that we go; what runs may finish. No more looking for another connection. */
	bye(reason: string): void {
		this.#closed = true;
		for (const session of this.#sessions) session.bye(reason);
	}

	/** Whether a hub may still answer what runs. */
	alive(): boolean {
		return [...this.#sessions].some((session) => (session.silentFor() ?? 0) < SUSPECT_MS);
	}

	/** Ends every connection; resolves when the hub has been told by all but the first endpoint. Idempotent. */
	async close(reason: string): Promise<void> {
		this.#closed = true;
		clearInterval(this.#ticker);
		for (const session of this.#sessions) session.connection.close(reason);
		this.#wake();
		await Promise.all([...this.#twins].map((twin) => twin.close()));
	}

	// --- internal ---

	/** Introduces us on a new connection and puts it in use. */
	async #enter(session: Session): Promise<void> {
		try {
			await session.introduce(this.#options.introduction, {
				onBye: (from, reason) => this.#left(from, `is gone: ${reason}`),
				onServices: this.#options.onServices,
			});
		} catch (error) {
			session.connection.close("not welcome");
			throw error;
		}
		if (this.#closed) return session.connection.close("the peer was stopped");
		this.#endOthers(session);
		this.#sessions.add(session);
		this.#current = session;
		this.#enteredAt = performance.now();
		void session.connection.closed.then((reason) => {
			this.#sessions.delete(session);
			if (session === this.#current) this.#left(session, `is gone: ${reason}`);
		});
		log.info(`Connected: ${session.connection.path()}`);
		this.#options.onServices(session.services);
		if (this.#lostAt !== undefined) {
			talk(
				`Connected again after ${((performance.now() - this.#lostAt) / 1000).toFixed(1)} s (${session.connection.path()}).`,
			);
			this.#lostAt = undefined;
		}
		this.#wake();
	}

	/** Where the hub was started again, its old run answers nobody any more: what waits there is reset now. */
	#endOthers({ run }: Session): void {
		for (const old of this.#sessions)
			if (run !== undefined && old.run !== undefined && old.run !== run)
				old.connection.close("the hub was started again");
	}

	/** The session in use is of no more use for new connections: say it once, and look for another. */
	#left(session: Session, what: string): void {
		if (session !== this.#current || this.#closed) return;
		this.#current = undefined;
		this.#lostAt = performance.now() - (session.silentFor() ?? 0);
		this.#hinted = false;
		if (!this.#options.reconnect) {
			const hint = "Without --no-reconnect it would be looked for again.";
			this.#fail(new HivemindError("lost", `The hub ${what}.`, { hint }));
			return;
		}
		talk(`The hub ${what}. Looking for it again …`);
		void this.#dial();
	}

	#tick(): void {
		for (const session of this.#sessions) {
			const silent = session.silentFor();
			if (silent === undefined) continue;
			if (this.#replaced(session)) session.connection.close("a newer connection is in use");
			else if (silent > PEER_SILENCE_MS) session.connection.close(`no answer for ${PEER_SILENCE_MS / 1000} s`);
			else if (silent > SUSPECT_MS) this.#left(session, `has not answered for ${SUSPECT_MS / 1000} s`);
			else if (!this.#current && !session.leaving && silent < 2 * TICK_MS) this.#recovered(session);
		}
	}

	/** It is not in use and carries nothing any more. Whoever took it just before has opened his stream by now. */
	#replaced(session: Session): boolean {
		const other = this.#current !== undefined && session !== this.#current;
		return other && session.idle && performance.now() - this.#enteredAt > REPLACED_MS;
	}

	/** An old session speaks again before a new one was made. */
	#recovered(session: Session): void {
		const seconds = (performance.now() - (this.#lostAt ?? performance.now())) / 1000;
		this.#current = session;
		this.#lostAt = undefined;
		talk(`The hub answers again after ${seconds.toFixed(1)} s.`);
		this.#wake();
	}

	/** One attempt after another, beside the old connection, until one is in use. */
	async #dial(): Promise<void> {
		if (this.#dialling) return;
		this.#dialling = true;
		// One that lasted is looked for at once; a hub that takes us and loses us again and again is not hammered.
		if (performance.now() - this.#enteredAt > LASTING_MS) this.#retryMs = RECONNECT_FIRST_MS;
		else await Bun.sleep(this.#backOff());
		while (!this.#current && !this.#closed) {
			const begun = performance.now();
			try {
				await this.#round();
			} catch (error) {
				log.debug(`An attempt to reach the hub failed: ${firstLine(error)}`);
				if (error instanceof HivemindError && FINAL.has(error.code)) {
					this.#fail(error);
					break;
				}
			}
			if (this.#current || this.#closed) break;
			if (!this.#hinted && performance.now() - (this.#lostAt ?? performance.now()) > STILL_LOST_MS) {
				this.#hinted = true;
				talk("Still no hub. One that was started again without --identity has another ticket: ask for that one.");
			}
			// From start to start, so that a long attempt is followed at once.
			await Bun.sleep(Math.max(0, begun + this.#backOff() - performance.now()));
		}
		this.#dialling = false;
	}

	/** Milliseconds to wait now; the next time twice that. Half of it is chance (thundering herd). */
	#backOff(): number {
		const pause = this.#retryMs * (0.5 + Math.random() / 2);
		this.#retryMs = Math.min(RECONNECT_MAX_MS, this.#retryMs * 2);
		return pause;
	}

	/**
	 * While the old connection lives, iroh sends every new one down its path and tries no other address (measured). So
	 * an attempt that does not succeed at once gets company from a fresh endpoint with the same key: without relays,
	 * where two would quarrel. Resolves with the first that succeeds. @throws HivemindError
	 */
	async #round(): Promise<void> {
		const usual = this.#attempt(false);
		const settled = usual.then(
			() => true,
			() => true,
		);
		if (await Promise.race([settled, Bun.sleep(RECONNECT_BESIDE_MS)])) return usual;
		try {
			await Promise.any([usual, this.#attempt(true)]);
		} catch (error) {
			const errors = (error as AggregateError).errors as HivemindError[];
			throw errors.find(({ code }) => FINAL.has(code)) ?? errors[0];
		}
	}

	async #attempt(fresh: boolean): Promise<void> {
		if (this.#current || this.#closed) return;
		const { endpoint, hub } = this.#options;
		const from = fresh ? await bindEndpoint(endpoint.directTwin()) : endpoint;
		if (fresh && this.#closed) return from.close();
		if (fresh) this.#twins.add(from);
		const over = async () => {
			if (fresh) await from.close();
			this.#twins.delete(from);
		};
		try {
			const connection = await from.connect(hub, RECONNECT_ATTEMPT_MS);
			if (this.#current || this.#closed) connection.close("no longer needed");
			else await this.#enter(new Session(connection));
			void connection.closed.then(over);
		} catch (error) {
			await over();
			throw error;
		}
	}

	#wake(): void {
		for (const wake of this.#waiting) wake();
	}
}

/** Trying again would not help. */
const FINAL = new Set(["denied", "alpn"]);
