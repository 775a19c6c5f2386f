// Which incoming connection gets its TLS handshake next, and when. A handshake costs a millisecond of the cores that
// all transfers need, so floods are paced, and known sources and those that were served least lately go first. One that
// never finishes stays pending for a minute, so pending ones are bounded, too. Pure: the time is passed in.
import { RateLimiter } from "../base/rate-limiter.ts";
import {
	HANDSHAKE_BURST,
	HANDSHAKE_QUEUE_MAX,
	HANDSHAKES_MAX,
	HANDSHAKES_PER_HOST,
	HANDSHAKES_PER_RELAY,
	HANDSHAKES_PER_SECOND,
	KNOWN_SOURCE_PRIORITY,
	SOURCE_HISTORY_MS,
} from "./limits.ts";

/** Where a connection comes from, as far as can be told before its handshake. */
export interface Source {
	/** The rate-limit key of the IP address, or the URL of the relay that it came through. */
	host: string;
	/** Address and port, or the public id that the relay names. */
	address: string;
	/** It came through a relay, whose host says nothing about the client. */
	relayed: boolean;
	/** The host, or through a relay the address, if an admitted peer has come from there before; else undefined. */
	known: string | undefined;
}

interface Queued<T> {
	item: T;
	source: Source;
}

export class HandshakeQueue<T> {
	#queue: Queued<T>[] = [];
	/** Handshakes that have begun and not ended, in all and for each host. */
	#pending = 0;
	#pendingOf = new Map<string, number>();
	/** How often each host and address was served in the current window of time and in the one before. */
	#served = new Map<string, number>();
	#servedBefore = new Map<string, number>();
	#windowStart = Number.NEGATIVE_INFINITY;
	#rate = new RateLimiter({ burst: HANDSHAKE_BURST, everyMs: 1000 / HANDSHAKES_PER_SECOND });

	/** How many handshakes are pending. */
	get pending(): number {
		return this.#pending;
	}

	/** How many connections are queued. */
	get length(): number {
		return this.#queue.length;
	}

	/** Queues a connection. Beyond {@link HANDSHAKE_QUEUE_MAX} it returns the one that would be served last: drop it. */
	add(item: T, source: Source): T | undefined {
		this.#queue.push({ item, source });
		if (this.#queue.length <= HANDSHAKE_QUEUE_MAX) return undefined;
		let last = 0;
		for (let i = 1; i < this.#queue.length; i++) if (this.#before(last, i)) last = i;
		return this.#take(last);
	}

	/**
	 * The next connection, or the milliseconds until there may be one, or undefined when none is allowed: then ask again
	 * after {@link add} or {@link ended}.
	 */
	next(now: number): Queued<T> | { waitMs: number } | undefined {
		const first = this.#first();
		if (first === undefined) return undefined;
		if (!this.#rate.take("", now)) return { waitMs: Math.ceil(this.#rate.waitMs("", now)) };
		const { source } = this.#queue[first] as Queued<T>;
		this.#count(source.host, now);
		this.#count(source.address, now);
		this.#pending++;
		this.#pendingOf.set(source.host, this.#pendingFrom(source.host) + 1);
		return { item: this.#take(first), source };
	}

	/** A handshake is over, however it ended. */
	ended({ host }: Source): void {
		this.#pending--;
		const left = this.#pendingFrom(host) - 1;
		if (left > 0) this.#pendingOf.set(host, left);
		else this.#pendingOf.delete(host);
	}

	// --- internal ---

	/** The index of the first connection that is allowed a handshake now. */
	#first(): number | undefined {
		let first: number | undefined;
		for (const [i, { source }] of this.#queue.entries())
			if (this.#allowed(source) && (first === undefined || this.#before(i, first))) first = i;
		return first;
	}

	/** Known sources bypass the caps on pending handshakes. */
	#allowed(source: Source): boolean {
		const most = source.relayed ? HANDSHAKES_PER_RELAY : HANDSHAKES_PER_HOST;
		const room = this.#pending < HANDSHAKES_MAX && this.#pendingFrom(source.host) < most;
		return room || this.#hasPriority(source);
	}

	/** Pending handshakes count as well, or the host that uses up its cap would fill the queue, too. */
	#load(host: string): number {
		return this.#times(host) + this.#pendingFrom(host);
	}

	#pendingFrom(host: string): number {
		return this.#pendingOf.get(host) ?? 0;
	}

	/** Whether the connection at `i` comes before the one at `j`; of equals the earlier one does. */
	#before(i: number, j: number): boolean {
		const [a, b] = [this.#queue[i], this.#queue[j]] as [Queued<T>, Queued<T>];
		const order =
			Number(this.#hasPriority(b.source)) - Number(this.#hasPriority(a.source)) ||
			this.#load(a.source.host) - this.#load(b.source.host) ||
			this.#times(a.source.address) - this.#times(b.source.address) ||
			i - j;
		return order < 0;
	}

	/** Known sources go first, as often as peers that lost their connection need it; after that they are like others. */
	#hasPriority({ known }: Source): boolean {
		return known !== undefined && this.#times(known) < KNOWN_SOURCE_PRIORITY;
	}

	#take(index: number): T {
		const [{ item }] = this.#queue.splice(index, 1) as [Queued<T>];
		return item;
	}

	#times(name: string): number {
		return (this.#served.get(name) ?? 0) + (this.#servedBefore.get(name) ?? 0);
	}

	#count(name: string, now: number): void {
		const age = now - this.#windowStart;
		if (age >= SOURCE_HISTORY_MS) {
			this.#servedBefore = age < 2 * SOURCE_HISTORY_MS ? this.#served : new Map();
			this.#served = new Map();
			this.#windowStart = now;
		}
		this.#served.set(name, (this.#served.get(name) ?? 0) + 1);
	}
}
