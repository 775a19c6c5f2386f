// All guests of a hub: who is in, who has not said hello yet, what they share. Called by share.ts; calls guest, serve.
import { type Address, network } from "../base/address.ts";
import { setBounded } from "../base/bounded-map.ts";
import { log, talk, waiting } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { Transfers } from "../forward/transfers.ts";
import type { ServiceState } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import { CONNECTIONS_PER_ID, REPORT_EVERY_MS, SWEEP_MS } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { Admission } from "./admission.ts";
import { HEALTH_WAIT_MS, KNOWN_MAX, STRANGER_STREAMS, STRANGERS_MAX, STREAM_CREDIT, STREAMS_MAX } from "./limits.ts";
import { type Host, PeerSession } from "./peer-session.ts";
import { serve } from "./serve-stream.ts";
import { ServiceHealth } from "./service-health.ts";
import { StreamQuota } from "./stream-quota.ts";

const STOPPED = "the hub was stopped";

/** What a hub shares; see ShareOptions. */
interface Shared {
	name: string;
	services: readonly Address[];
	look?: boolean;
}

export class Hub implements Host {
	readonly name: string;
	readonly run = crypto.randomUUID();
	readonly admission: Admission;
	/** Aborted once no new peer may come any more: `--once` has had its peer, or the invitation has expired. */
	readonly closedToNewPeers: AbortSignal;
	#addresses: readonly Address[];
	#guests = new Set<PeerSession>();
	/** Ids of peers that were let in, and hosts that they came from. */
	#known = new Map<string, true>();
	#streams = new StreamQuota(STREAMS_MAX);
	#transfers = new Transfers();
	#health: ServiceHealth;
	#reports = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	#closing = new AbortController();
	#expiry: Timer | undefined;
	#sweeper = setInterval(() => this.#transfers.sweep(), SWEEP_MS);
	#stopping = false;

	constructor({ name, services, look = true }: Shared, admission: Admission) {
		this.name = name;
		this.admission = admission;
		this.closedToNewPeers = this.#closing.signal;
		this.#addresses = services;
		this.#health = new ServiceHealth(services, look);
		this.#health.onChange = (states) => this.#tell(states);
		this.#awaitExpiry();
	}

	/** Takes a new connection; it has to introduce itself. */
	welcome(connection: Connection): void {
		if (this.#stopping) {
			connection.close(STOPPED);
			return;
		}
		// Attempts that a peer has given up go first, then what carries least; of equals the older one.
		const same = [...this.#guests].filter((guest) => guest.connection.id === connection.id);
		same.sort((a, b) => Number(a.inside) - Number(b.inside) || a.connection.streams - b.connection.streams);
		this.#evict(same, CONNECTIONS_PER_ID - 1, `connections of ${connection.remote}`);
		const strangers = [...this.#guests].filter((guest) => !guest.inside);
		this.#evict(strangers, STRANGERS_MAX - 1, "connections without a hello");
		connection.limitIncomingStreams(STRANGER_STREAMS);
		const guest = new PeerSession(connection, this);
		this.#guests.add(guest);
		void connection.closed.then((reason) => {
			this.#guests.delete(guest);
			this.#health.watch([...this.#guests].some(({ inside }) => inside));
			if (!guest.inside || guest.leaving || this.#stopping) return;
			if (this.hasAnother(guest)) log.debug(`A connection of ${guest.name} ended: ${reason}.`);
			else talk(`Peer ${guest.name} left: ${reason}.`);
		});
	}

	/** Whether a peer that was let in has come from this host, or has this public id. */
	knows(hostOrId: string): boolean {
		return this.#known.has(hostOrId);
	}

	/** Its connections are about to end, and it will be there again at once. */
	restarting(): void {
		for (const guest of this.#guests) guest.tell({ type: "bye", reason: "it starts its network part again" });
	}

	/** Refuses what is new, waits for what runs, tells every peer. */
	async stop(): Promise<void> {
		this.#stopping = true;
		clearTimeout(this.#expiry);
		clearInterval(this.#sweeper);
		this.#health.watch(false);
		for (const guest of this.#guests) guest.dismiss(STOPPED);
		await waiting("running transfers; Ctrl+C again stops at once", this.#transfers.drain());
		for (const guest of this.#guests) guest.connection.close(STOPPED);
	}

	// --- what a guest asks for ---

	connected(): ReadonlySet<string> {
		return new Set([...this.#guests].filter(({ inside }) => inside).map(({ connection }) => connection.id));
	}

	hasAnother(one: PeerSession): boolean {
		return [...this.#guests].some(
			(other) => other !== one && other.inside && !other.leaving && other.connection.id === one.connection.id,
		);
	}

	async services(): Promise<ServiceState[]> {
		await Promise.race([this.#health.fresh(), Bun.sleep(HEALTH_WAIT_MS)]);
		return this.#health.states();
	}

	counts(stream: QuicStream, id: string): boolean {
		if (!this.#streams.take(id)) return false;
		void stream.closed.then(() => this.#streams.release(id));
		return true;
	}

	entered(guest: PeerSession): void {
		guest.connection.limitIncomingStreams(STREAM_CREDIT);
		const host = guest.connection.host();
		for (const name of [guest.connection.id, ...(host ? [network(host)] : [])])
			setBounded(this.#known, name, true, KNOWN_MAX);
		this.#health.watch(true);
		this.#closeIfFull();
	}

	serve(portId: number | undefined, stream: QuicStream, from: string): Promise<void> {
		const serving = {
			addresses: this.#addresses,
			health: this.#health,
			transfers: this.#transfers,
			stopping: () => this.#stopping,
			report: (key: string) => this.#reports.take(key),
		};
		return serve(serving, portId, stream, from);
	}

	complain(key: string, text: string, where: "log" | "screen" = "log"): void {
		if (!this.#reports.take(key)) return;
		if (where === "screen") talk(text);
		else log.warn(text);
	}

	// --- internal ---

	/** Closes the first of them until `most` are left. They no longer count from now on. */
	#evict(guests: PeerSession[], most: number, what: string): void {
		for (const guest of guests.slice(0, Math.max(0, guests.length - most))) {
			this.complain("too many connections", `Too many ${what}: closed one.`);
			this.#guests.delete(guest);
			guest.connection.close("too many connections at once");
		}
	}

	#tell(services: ServiceState[]): void {
		for (const guest of this.#guests) guest.tell({ type: "services", services });
	}

	/** Timers know nothing of a clock that is set, nor of a machine that sleeps: so it is looked at again and again. */
	#awaitExpiry(): void {
		this.#closeIfFull();
		const { expiresAt } = this.admission.policy;
		if (expiresAt === undefined || this.#closing.signal.aborted) return;
		this.#expiry = setTimeout(() => this.#awaitExpiry(), Math.min(expiresAt - Date.now(), SWEEP_MS));
	}

	#closeIfFull(): void {
		if (this.#closing.signal.aborted || !this.admission.closed(Date.now())) return;
		this.#closing.abort();
		const why = this.admission.policy.once ? "One peer is in" : "The invitation has expired";
		talk(`${why}: nobody else is let in, by ticket or join code.`);
	}
}
