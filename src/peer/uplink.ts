// The peer's way to its hub, for as long as it runs: one session in use, and older ones that are given up slowly. Only
// pings say whether the other side lives: after some link flaps the binding never reports a dead connection (measured).
// Called by join.ts; calls endpoint, session, redial, standstill.

import { HivemindError } from "../base/errors.ts";
import { log, talk } from "../base/output.ts";
import { whileAwake } from "../base/timers.ts";
import { Aborted } from "../forward/duplex.ts";
import type { ServiceState } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { EndpointAddr } from "../transport/iroh.ts";
import { CONNECTIONS_PER_ID } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import { HubSession, type Introduction } from "./hub-session.ts";
import { HUB_WAIT_MS, LASTING_MS, PEER_SILENCE_MS, REPLACED_MS, STILL_LOST_MS, SUSPECT_MS } from "./limits.ts";
import { Reconnect } from "./reconnect.ts";
import { SuspendDetector } from "./suspend-detector.ts";

export interface UplinkOptions {
	endpoint: Endpoint;
	hub: EndpointAddr;
	introduction: Introduction;
	/** False: the first loss is the end. */
	reconnect: boolean;
	onServices: (services: ServiceState[]) => void;
}

/** The reason that the hub is given when the peer ends. */
export const STOPPED = "the peer was stopped";

/** What a local connection ends with that has waited for {@link HUB_WAIT_MS}. */
export const noHub = () => new Aborted(`the hub was not there for ${HUB_WAIT_MS / 1000} s`);

const TICK_MS = 250;

export class Uplink {
	/** Rejects when there is no way on: denied, or lost without reconnecting. Never resolves. */
	readonly failed: Promise<never>;
	#options: UplinkOptions;
	#current: HubSession | undefined;
	#sessions = new Set<HubSession>();
	#waiting = new Set<() => void>();
	#lostAt: number | undefined;
	/** When the session in use was put in use. */
	#enteredAt = 0;
	#redial: Reconnect;
	/** It has been said what else may be the matter with this loss. */
	#hinted = false;
	#closed = false;
	#ticker: Timer | undefined;
	#standstill = new SuspendDetector();
	#fail!: (error: HivemindError) => void;

	constructor(options: UplinkOptions) {
		this.#options = options;
		this.failed = new Promise((_, reject) => {
			this.#fail = reject;
		});
		this.failed.catch(() => {});
		const { endpoint, hub } = options;
		const wanted = () => !this.#current && !this.#closed;
		const old = () => this.#sessions.size > 0;
		this.#redial = new Reconnect({ endpoint, hub, wanted, old, enter: (connection) => this.#enter(connection) });
	}

	/** The first connection, with its own bound. @throws HivemindError `unreachable`, `alpn`, `denied` */
	async connect(): Promise<void> {
		const { endpoint, hub } = this.#options;
		await this.#enter(await endpoint.connect(hub));
		const [look, woken] = [() => this.#tick(), () => this.#standstill.woken()];
		if (!this.#closed) this.#ticker = whileAwake(TICK_MS, look, woken);
	}

	/**
	 * A stream for a new local connection. A connection that proves to be over has been told nothing of it yet: the next
	 * one is waited for, until `deadline` (of performance.now()). @throws Aborted when there is no hub until then, when
	 * the hub grants no other stream, or when the peer is stopped
	 */
	async openStream(portId: number, deadline: number): Promise<QuicStream> {
		for (;;) {
			const session = await this.#session(deadline);
			try {
				return await session.connection.openStream(portId, deadline - performance.now());
			} catch (error) {
				if (session.connection.isOver()) await session.connection.closed;
				else if (session === this.#current) throw error;
			}
		}
	}

	/** Tells the hub that we go; what runs may finish. No more looking for another connection. */
	bye(): void {
		this.#closed = true;
		for (const session of this.#sessions) session.bye(STOPPED);
	}

	/** Whether a hub may still answer what runs. */
	alive(): boolean {
		return [...this.#sessions].some((session) => session.silentFor() < SUSPECT_MS);
	}

	/** Ends every connection; resolves when the hub has been told by all but the first endpoint. Idempotent. */
	async close(): Promise<void> {
		this.#closed = true;
		clearInterval(this.#ticker);
		for (const session of this.#sessions) session.connection.close(STOPPED);
		this.#wake();
		await this.#redial.close();
	}

	// --- internal ---

	/** The session in use; waits for one until `deadline` (of performance.now()). @throws Aborted */
	async #session(deadline: number): Promise<HubSession> {
		for (;;) {
			// Also where one that is over stays in its place: nobody looks for another any more.
			if (this.#closed) throw new Aborted(STOPPED);
			const left = deadline - performance.now();
			if (left <= 0) throw noHub();
			if (this.#current) return this.#current;
			const { promise, resolve } = Promise.withResolvers<void>();
			const timer = setTimeout(resolve, left);
			this.#waiting.add(resolve);
			await promise;
			clearTimeout(timer);
			this.#waiting.delete(resolve);
		}
	}

	/** Introduces us on a new connection and puts it in use. */
	async #enter(connection: Connection): Promise<void> {
		const session = new HubSession(connection);
		try {
			await session.introduce(this.#options.introduction, {
				onBye: (from) => this.#said(from),
				onServices: (from) => this.#heard(from),
			});
		} catch (error) {
			connection.close("not welcome");
			throw error;
		}
		if (this.#closed) return connection.close(STOPPED);
		if (this.#current) return connection.close("no longer needed");
		this.#endOthers(session);
		this.#sessions.add(session);
		this.#current = session;
		this.#enteredAt = performance.now();
		this.#standstill.looked();
		void connection.closed.then((reason) => {
			this.#sessions.delete(session);
			const stop = this.#standstill.recent();
			if (!stop) return this.#left(session, `is gone: ${reason}`);
			const seconds = ((stop.until - stop.since) / 1000).toFixed(0);
			this.#left(session, `has not heard of us: this program stood still for ${seconds} s`, stop.since);
		});
		log.info(`Connected: ${connection.path()}`);
		this.#heard(session);
		if (this.#lostAt !== undefined) {
			talk(`Connected again after ${((performance.now() - this.#lostAt) / 1000).toFixed(1)} s (${connection.path()}).`);
			this.#lostAt = undefined;
		}
		this.#wake();
		this.#said(session);
	}

	/**
	 * Where the hub was started again, its old run answers nobody any more: what waits there is reset now. Of one that
	 * sends us away again and again, and keeps what it has, the oldest ends.
	 */
	#endOthers({ run }: HubSession): void {
		const old = [...this.#sessions];
		const tooMany = old.splice(0, Math.max(0, old.length + 1 - CONNECTIONS_PER_ID));
		for (const one of tooMany) giveUp(one, "too many connections at once");
		for (const one of old)
			if (run !== undefined && one.run !== undefined && one.run !== run) giveUp(one, "the hub was started again");
	}

	#heard(session: HubSession): void {
		if (session === this.#current) this.#options.onServices(session.services);
	}

	/** The hub may have said goodbye. */
	#said(session: HubSession): void {
		if (session.goodbye !== undefined) this.#left(session, `is gone: ${session.goodbye}`);
	}

	/** The session in use is of no more use for new connections: say it once, and look for another. */
	#left(session: HubSession, what: string, since = performance.now()): void {
		if (session !== this.#current || this.#closed) return;
		this.#current = undefined;
		// Who waits for a free stream there waits for the next hub instead.
		session.connection.rejectWaiting();
		this.#lostAt = since;
		this.#hinted = false;
		if (!this.#options.reconnect) {
			const hint = "Without --no-reconnect it would be looked for again.";
			this.#fail(new HivemindError("lost", `The hub ${what}.`, { hint }));
			return;
		}
		talk(`The hub ${what}. Looking for it again …`);
		this.#redial.run(performance.now() - this.#enteredAt > LASTING_MS).catch(this.#fail);
	}

	#tick(): void {
		this.#standstill.looked();
		this.#hint();
		for (const session of this.#sessions) {
			const silent = session.silentFor();
			const { connection, goodbye } = session;
			if (this.#replaced(session)) connection.close("a newer connection is in use");
			else if (goodbye !== undefined && session.running === 0) connection.close("the hub has said goodbye");
			else if (silent > PEER_SILENCE_MS) giveUp(session, `no answer for ${PEER_SILENCE_MS / 1000} s`);
			else if (silent > SUSPECT_MS)
				this.#left(session, `has not answered for ${SUSPECT_MS / 1000} s`, performance.now() - silent);
			else if (!this.#current && goodbye === undefined && silent < 2 * TICK_MS) this.#recovered(session);
		}
	}

	#hint(): void {
		if (this.#hinted || this.#lostAt === undefined || performance.now() - this.#lostAt < STILL_LOST_MS) return;
		this.#hinted = true;
		talk("Still no hub. One that was started again without --identity has another ticket: ask for that one.");
	}

	/** It is not in use and carries nothing any more. Whoever took it just before has opened his stream by now. */
	#replaced(session: HubSession): boolean {
		const other = this.#current !== undefined && session !== this.#current;
		return other && session.running === 0 && performance.now() - this.#enteredAt > REPLACED_MS;
	}

	/** An old session speaks again before a new one was made. */
	#recovered(session: HubSession): void {
		const seconds = (performance.now() - (this.#lostAt ?? performance.now())) / 1000;
		this.#current = session;
		this.#lostAt = undefined;
		this.#heard(session);
		talk(`The hub answers again after ${seconds.toFixed(1)} s.`);
		this.#wake();
	}

	#wake(): void {
		for (const wake of this.#waiting) wake();
	}
}

// --- internal ---

/** Ends an old connection, and says what that ends. */
function giveUp({ connection, running }: HubSession, why: string): void {
	if (running > 0) talk(`${running === 1 ? "One connection was" : `${running} connections were`} reset: ${why}.`);
	connection.close(why);
}
