// The state of a hub: its sessions, what they share, and which of them count as peers. Prints nothing.

import { type Address, network } from "../base/address.ts";
import { setBounded } from "../base/bounded-map.ts";
import { Paced } from "../base/timers.ts";
import { VERSION } from "../base/version.ts";
import { Dialer } from "../forward/dialer.ts";
import { Meter } from "../forward/meter.ts";
import { Transfers } from "../forward/transfers.ts";
import { CONTROL_VERSION, type Message, type ServiceState } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import { SWEEP_MS } from "../transport/limits.ts";
import type { Path } from "../transport/path-watch.ts";
import { Admission, type Denial } from "./admission.ts";
import type { ConnectedPeer, HubEvent, ListedService } from "./events.ts";
import { type HubSide, INTERNAL_ERROR, type SessionEvent } from "./hub-side.ts";
import { InvitationEnd } from "./invitation-end.ts";
import {
	HEALTH_WAIT_MS,
	KNOWN_MAX,
	PENDING_STREAMS_MAX,
	SERVICES_EVERY_MS,
	STREAM_CREDIT,
	STREAMS_MAX,
} from "./limits.ts";
import { LoopGuard } from "./loop-guard.ts";
import { PeerSession } from "./peer-session.ts";
import type { Hello, Welcome } from "./peer-state.ts";
import { routeOf, serveStream } from "./serve-stream.ts";
import { ServiceHealth } from "./service-health.ts";
import { SessionSet } from "./session-set.ts";
import type { HubSettings } from "./settings.ts";
import { StreamQuota } from "./stream-quota.ts";

const STOPPED = "the hub was stopped";

export class Hub {
	/** Aborted once no new peer can be admitted: `--once` has had its peer, or the invitation has expired. */
	readonly closedToNewPeers: AbortSignal;
	/** Called when a peer that comes through a relay no longer answers. */
	onRelaySilent: () => void = () => {};
	/** What every welcome says of it. */
	readonly #about: Omit<Welcome, "resume" | "services">;
	readonly #emit: (event: HubEvent) => void;
	readonly #admission: Admission;
	readonly #sessions = new SessionSet();
	/** Ids of peers that were admitted, and the networks of the hosts they came from. */
	readonly #known = new Map<string, true>();
	readonly #transfers = new Transfers();
	/** Connections and bytes of each service. */
	readonly meter = new Meter();
	readonly #health: ServiceHealth;
	readonly #news = new Paced(SERVICES_EVERY_MS, () =>
		this.#tell({ type: "services", services: this.#health.states() }),
	);
	readonly #loops: LoopGuard;
	/** The hub as its sessions see it. */
	readonly #side: HubSide<PeerSession>;
	readonly #invitation: InvitationEnd;
	readonly #sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
	#stopping = false;
	#stopped: Promise<void> | undefined;

	constructor(settings: HubSettings, emit: (event: HubEvent) => void) {
		const { id, name, services, policy, lasting = false, compress = true } = settings;
		const about = { v: CONTROL_VERSION, name, program: VERSION, run: crypto.randomUUID(), lasting };
		this.#about = { type: "welcome", ...about, ...(compress && { zstd: true }) };
		this.#emit = emit;
		this.#admission = new Admission(policy);
		this.#loops = new LoopGuard(id);
		const forbids = (address: Address) => this.#loops.forbids(address);
		const routes = services.map((service) => routeOf(service, new Dialer(service.address, { forbids })));
		this.#health = new ServiceHealth(routes);
		this.#health.onChange = (states, changed) => {
			this.#news.call();
			const { name, up, address } = states[changed] as ServiceState;
			emit({ type: "service", service: name, up, address });
		};
		const serving = { routes, health: this.#health, transfers: this.#transfers, meter: this.meter, emit };
		this.#side = {
			open: policy.secret === undefined,
			compress,
			quota: new StreamQuota(STREAMS_MAX),
			admit: (own, hello) => this.#admit(own, hello),
			welcome: (id) => this.#welcome(id),
			serve: (request) => (this.#stopping ? request.stream.refuse() : serveStream(serving, request)),
			onEvent: (session, event) => this.#onEvent(session, event),
		};
		this.#invitation = new InvitationEnd(this.#admission, (why) => emit({ type: "closed_to_new_peers", why }));
		this.closedToNewPeers = this.#invitation.signal;
	}

	/** Takes a new connection, whose peer awaits admission. Never throws. */
	add(connection: Connection): void {
		try {
			if (this.#stopping) connection.close(STOPPED);
			else this.#begin(connection);
		} catch (error) {
			this.#emit({ type: "bug", where: "connection", error });
			connection.close(INTERNAL_ERROR);
		}
	}

	/** Whether an admitted peer has come from this host, or has this public id. */
	knows(hostOrId: string): boolean {
		return this.#known.has(hostOrId);
	}

	/** What is known of each service. */
	services(): ListedService[] {
		return this.#health.list();
	}

	/** Looks at each service that is not known to run; a host that does not answer holds nothing up. */
	async look(): Promise<void> {
		await Promise.race([this.#health.fresh(), Bun.sleep(HEALTH_WAIT_MS)]);
	}

	/** The peers that are connected. */
	peers(): ConnectedPeer[] {
		return this.#sessions.peers();
	}

	/** Ids of the peers that are connected now. */
	connected(): ReadonlySet<string> {
		return this.#sessions.ids();
	}

	/** Whether a peer that answers has streams open, or comes through a relay. */
	inUse(): boolean {
		return [...this.#sessions].some(({ inUse }) => inUse);
	}

	/** Tells the peers that their connections are about to end; the hub will be back at once. */
	restarting(): void {
		this.#tell({ type: "bye", reason: "its network endpoint is restarting" });
	}

	/**
	 * Admits and serves nothing new, waits for running transfers, and closes all connections. Idempotent. `interrupted`:
	 * a signal has asked for it.
	 */
	stop(interrupted = false): Promise<void> {
		this.#stopping = true;
		this.#stopped ??= this.#stop(interrupted);
		return this.#stopped;
	}

	/**
	 * Resets all transfers at once, and lets {@link stop} wait for nothing: a process that exits must not look like a
	 * clean end to those who expect more.
	 */
	abortTransfers(): void {
		this.#transfers.abortAll();
	}

	// --- internal ---

	#begin(connection: Connection): void {
		this.#evict(this.#sessions.excessOf(connection.id), "peer");
		this.#evict(this.#sessions.excessPending(), "pending");
		connection.limitIncomingStreams(PENDING_STREAMS_MAX);
		this.#sessions.add(new PeerSession(connection, this.#side));
	}

	/** They no longer count from now on. */
	#evict(sessions: readonly PeerSession[], why: "peer" | "pending"): void {
		for (const session of sessions) {
			this.#emit({ type: "connection_evicted", peer: session.peer, why });
			this.#sessions.delete(session);
			session.connection.close("too many connections at once");
		}
	}

	#admit(own: string, hello: Hello | undefined): { id: string } | Denial {
		const now = { wall: Date.now(), monotonic: performance.now() };
		return this.#admission.admit(own, hello ?? {}, this.connected(), now);
	}

	async #welcome(id: string): Promise<Welcome> {
		await this.look();
		return { ...this.#about, resume: this.#admission.tokens.of(id), services: this.#health.states() };
	}

	#onEvent(session: PeerSession, event: SessionEvent): void {
		if (event.type === "entered") this.#entered(session, event.path);
		else if (event.type === "left") this.#left(session, event.reason);
		else if (event.type === "closed") {
			this.#sessions.delete(session);
			this.#health.watch([...this.#sessions].some(({ admitted }) => admitted));
		} else if (event.type === "listens") {
			this.#loops.remove(session);
			session.marks = event.listens;
		} else if (event.type === "relay_silent") this.onRelaySilent();
		else this.#emit(event);
		// A peer that is about to leave listens no more.
		if (session.staying) this.#loops.add(session);
		else this.#loops.remove(session);
	}

	#entered(session: PeerSession, path: Path | undefined): void {
		const { connection, id, peer } = session;
		connection.limitIncomingStreams(STREAM_CREDIT);
		this.#evict(this.#sessions.excessOf(id, session), "peer");
		const host = connection.host();
		for (const name of [id, ...(host ? [network(host)] : [])]) setBounded(this.#known, name, true, KNOWN_MAX);
		this.#health.watch(true);
		this.#invitation.check();
		const type = this.#sessions.hasAnother(session) ? "connection_joined" : "peer_joined";
		this.#emit({ type, peer, path });
	}

	#left(session: PeerSession, reason: string): void {
		if (this.#stopping) return;
		const type = this.#sessions.hasAnother(session) ? "connection_left" : "peer_left";
		this.#emit({ type, peer: session.peer, reason });
	}

	#tell(message: Message): void {
		for (const session of this.#sessions) session.tell(message);
	}

	#sweep(): void {
		const count = this.#transfers.sweep();
		if (count > 0) this.#emit({ type: "transfers_reset", count });
	}

	async #stop(interrupted: boolean): Promise<void> {
		this.#invitation.close();
		clearInterval(this.#sweeper);
		this.#health.watch(false);
		this.#news.close();
		this.#emit({ type: "stopping", interrupted });
		for (const session of this.#sessions) session.dismiss(STOPPED);
		this.#emit({ type: "waiting", what: "transfers" });
		await this.#transfers.drain();
		this.#emit({ type: "waiting", what: undefined });
		for (const session of this.#sessions) session.connection.close(STOPPED);
	}
}
