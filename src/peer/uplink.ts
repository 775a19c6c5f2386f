// The peer's link to its hub for as long as it runs: one session in use, and older ones that are given up slowly. Only
// pings tell whether the other side is alive: after some link flaps the binding never reports a dead connection
// (docs/binding-notes.md, "Connection loss"). uplink-state.ts decides, this file acts.
import { HivemindError } from "../base/errors.ts";
import { whileAwake } from "../base/timers.ts";
import { Aborted } from "../forward/duplex.ts";
import type { Resume } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { EndpointAddr } from "../transport/iroh.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { EmitPeerEvent, Loss } from "./events.ts";
import { NoHub } from "./failed-connections.ts";
import { HubSession, type Introduction } from "./hub-session.ts";
import { LASTING_MS, PEER_SILENCE_MS, SUSPECT_MS, UPLINK_TICK_MS } from "./limits.ts";
import { Reconnect } from "./reconnect.ts";
import { SuspendDetector } from "./suspend-detector.ts";
import { lossText } from "./texts.ts";
import { mayBeOriginal } from "./unreachable-original.ts";
import { isWanted, judge, nextUplinkState, superseded, type UplinkInput, type UplinkState } from "./uplink-state.ts";
import { WaitingList } from "./waiting-list.ts";

export interface UplinkOptions {
	endpoint: Endpoint;
	hub: EndpointAddr;
	introduction: Introduction;
	/** False: the first loss is the end. */
	reconnect: boolean;
	emit: EmitPeerEvent;
	/** Called when the session in use has said something about the hub's services. */
	onServices: (session: HubSession) => void;
}

/** The reason that the hub is given when the peer ends. */
export const STOPPED = "the peer was stopped";

export class Uplink {
	readonly #failure = Promise.withResolvers<never>();
	/** Rejects when the peer cannot go on: denied, or lost without reconnecting. Never resolves. */
	readonly failed = this.#failure.promise;
	#options: UplinkOptions;
	#state: UplinkState<HubSession> = { kind: "connecting" };
	/** The session in use, and older ones that still carry something. */
	#sessions = new Set<HubSession>();
	/** Local connections that wait for a session. */
	#waiting = new WaitingList();
	#reconnect: Reconnect;
	#suspends = new SuspendDetector();
	#ticker: Timer | undefined;

	constructor(options: UplinkOptions) {
		this.#options = options;
		this.failed.catch(() => {});
		const { endpoint, hub, emit } = options;
		this.#reconnect = new Reconnect({
			endpoint,
			hub,
			emit,
			wanted: () => isWanted(this.#state),
			hasOld: () => this.#sessions.size > 0,
			enter: (connection, resume) => this.#enter(connection, resume),
		});
	}

	/** Makes the first connection, within the endpoint's own bound. @throws HivemindError `unreachable`, `alpn`, `denied` */
	async connect(): Promise<void> {
		const { endpoint, hub, introduction } = this.#options;
		await this.#enter(await endpoint.connect(hub).catch(mayBeOriginal(hub, introduction.secret)));
		if (this.#state.kind === "closed") return;
		this.#ticker = whileAwake(
			UPLINK_TICK_MS,
			() => this.#tick(),
			() => this.#suspends.resumed(),
		);
	}

	/**
	 * A stream for a new local connection to a service; while there is no hub, the next session is waited for, until
	 * `deadline` (of performance.now()). @throws Aborted without one, without the service or a stream, or when stopped
	 */
	async openStream(service: string, deadline: number): Promise<QuicStream> {
		for (;;) {
			const session = await this.#session(deadline);
			try {
				return await session.openStream(service, deadline - performance.now());
			} catch (error) {
				if (session.connection.isOver()) await session.connection.closed;
				else if (this.session === session) throw error;
			}
		}
	}

	/** Tells the hub where the peer listens by now. */
	tellListening(): void {
		const addresses = this.#options.introduction.listening?.() ?? [];
		for (const session of this.#sessions) session.tellListening(addresses);
	}

	/** Tells the hub that the peer is about to end. What runs may finish, but no other connection is looked for. */
	bye(): void {
		this.#next({ type: "close" });
		for (const session of this.#sessions) session.bye(STOPPED);
	}

	/** The session in use. */
	get session(): HubSession | undefined {
		return this.#state.kind === "connected" ? this.#state.session : undefined;
	}

	/** Whether a hub may still answer what runs. */
	alive(): boolean {
		return [...this.#sessions].some((session) => session.silentFor() < SUSPECT_MS);
	}

	/**
	 * Ends every connection; resolves when the hub has been told by every endpoint but the one that was handed in.
	 * Idempotent.
	 */
	async close(): Promise<void> {
		this.#next({ type: "close" });
		clearInterval(this.#ticker);
		for (const session of this.#sessions) session.connection.close(STOPPED);
		this.#waiting.wake();
		await this.#reconnect.close();
	}

	// --- internal ---

	/** Returns whether the input changed anything. */
	#next(input: UplinkInput<HubSession>): boolean {
		const before = this.#state;
		this.#state = nextUplinkState(before, input);
		return this.#state !== before;
	}

	/** The session in use; waits for one until `deadline` (of performance.now()). @throws Aborted */
	async #session(deadline: number): Promise<HubSession> {
		for (;;) {
			if (this.#state.kind === "closed") throw new Aborted(STOPPED);
			const left = deadline - performance.now();
			if (left <= 0) throw new NoHub();
			if (this.#state.kind === "connected") return this.#state.session;
			await this.#waiting.wait(left);
		}
	}

	/** Introduces the peer on a new connection and puts it in use, if one is still wanted. @throws HivemindError */
	async #enter(connection: Connection, resume?: Resume): Promise<void> {
		const session = new HubSession(connection);
		const introduction = { ...this.#options.introduction, ...(resume && { resume }) };
		try {
			await session.introduce(introduction, {
				onBye: (from) => this.#heardBye(from),
				onServices: (from) => this.#heardServices(from),
			});
		} catch (error) {
			connection.close("not admitted");
			throw error;
		}
		const before = this.#state;
		if (!this.#next({ type: "welcomed", session, at: performance.now() }))
			return connection.close(before.kind === "closed" ? STOPPED : "no longer needed");
		for (const { old, reason } of superseded([...this.#sessions], session)) this.#giveUp(old, reason);
		this.#sessions.add(session);
		this.#reconnect.token = session.token;
		this.#suspends.tick();
		void connection.closed.then((reason) => {
			this.#sessions.delete(session);
			const { loss, since } = this.#suspends.lossAt(reason);
			this.#left(session, loss, since);
		});
		const { emit } = this.#options;
		const path = session.watchPath();
		emit({ type: "connected", path });
		if (before.kind === "lost")
			emit({ type: "reconnected", connection: "new", afterMs: performance.now() - before.since, path });
		this.#heardServices(session);
		this.#waiting.wake();
		this.#heardBye(session);
	}

	#heardServices(session: HubSession): void {
		if (this.session === session) this.#options.onServices(session);
	}

	#heardBye(session: HubSession): void {
		if (session.goodbye !== undefined) this.#left(session, { kind: "ended", reason: session.goodbye });
	}

	/** A session can no longer be used for new connections: if it was the one in use, another is looked for. */
	#left(session: HubSession, loss: Loss, since = performance.now()): void {
		const before = this.#state;
		if (!this.#next({ type: "left", session, since }) || before.kind !== "connected") return;
		// Callers that wait for a free stream there now wait for the next connection instead.
		session.connection.rejectWaiting();
		const { reconnect, emit } = this.#options;
		emit({ type: "lost", loss, reconnecting: reconnect });
		if (reconnect) this.#reconnect.run(performance.now() - before.enteredAt > LASTING_MS).catch(this.#failure.reject);
		else {
			const hint = "Without --no-reconnect the peer would look for it again.";
			this.#failure.reject(new HivemindError("lost", `${lossText(loss)}.`, { hint }));
		}
	}

	#tick(): void {
		const { emit } = this.#options;
		const now = performance.now();
		this.#suspends.tick();
		if (this.#next({ type: "tick", at: now }) && this.#state.kind === "lost")
			emit({ type: "still_lost", lostMs: now - this.#state.since });
		for (const session of this.#sessions) {
			const { connection, running, goodbye } = session;
			const silentMs = session.silentFor();
			switch (judge(this.#state, session, { running, silentMs, leaving: goodbye !== undefined }, now)) {
				case "replaced":
					connection.close("a newer connection is in use");
					break;
				case "finished":
					connection.close("the hub has said goodbye");
					break;
				case "dead":
					this.#giveUp(session, `no answer for ${PEER_SILENCE_MS / 1000} s`);
					break;
				case "suspect":
					this.#left(session, { kind: "silent", silentMs: SUSPECT_MS }, now - silentMs);
					break;
				case "recovered":
					this.#recovered(session);
			}
		}
		const change = this.session?.pathChange();
		if (change) emit({ type: "path", ...change });
	}

	/** An old session answers again before a new one was made. */
	#recovered(session: HubSession): void {
		const before = this.#state;
		if (!this.#next({ type: "recovered", session }) || before.kind !== "lost") return;
		const afterMs = performance.now() - before.since;
		this.#options.emit({ type: "reconnected", connection: "old", afterMs, path: session.connection.path() });
		this.#heardServices(session);
		this.#waiting.wake();
	}

	/** Ends an old connection, and reports what ends with it. */
	#giveUp({ connection, running }: HubSession, reason: string): void {
		if (running > 0) this.#options.emit({ type: "reset", connections: running, reason });
		connection.close(reason);
	}
}
