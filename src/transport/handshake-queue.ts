// Who among those that knock comes next, and when: a TLS handshake costs a millisecond of the cores that everybody's
// bytes need, so a flood of them is paced, and known ones and whoever has come least often lately come first. One that
// is never finished keeps its place for a minute, so they are bounded, too. Pure; time comes in. Called by accept.ts.
import {
	ARRIVALS_BURST,
	ARRIVALS_KNOWN,
	ARRIVALS_MAX,
	ARRIVALS_PER_SECOND,
	ARRIVALS_WINDOW_MS,
	HANDSHAKES_MAX,
	HANDSHAKES_PER_HOST,
	HANDSHAKES_PER_RELAY,
} from "./limits.ts";

/** Where a connection comes from, as far as anybody knows before the handshake. */
export interface Source {
	/** An IP address, or the URL of the relay that it came by. */
	host: string;
	/** Address and port, or the public id that the relay tells. */
	address: string;
	/** It comes by a relay, where the host is everybody's. */
	relayed: boolean;
	/** The host, or behind a relay the address, that a peer which was let in came from before; undefined for others. */
	known: string | undefined;
}

interface Waiting<T> {
	item: T;
	source: Source;
}

export class HandshakeQueue<T> {
	#waiting: Waiting<T>[] = [];
	/** Handshakes that have begun and not ended, in all and of each host. */
	#underWay = 0;
	#underWayOf = new Map<string, number>();
	/** How often each host and address was served in this window of time and in the one before. */
	#served = new Map<string, number>();
	#servedBefore = new Map<string, number>();
	#windowStart = Number.NEGATIVE_INFINITY;
	#tokens = ARRIVALS_BURST;
	#filledAt = Number.NEGATIVE_INFINITY;

	/** How many handshakes are under way. */
	get underWay(): number {
		return this.#underWay;
	}

	/** How many wait. */
	get length(): number {
		return this.#waiting.length;
	}

	/** Lets one wait. Over {@link ARRIVALS_MAX} the one that would come last is returned: turn it away. */
	add(item: T, source: Source): T | undefined {
		this.#waiting.push({ item, source });
		if (this.#waiting.length <= ARRIVALS_MAX) return undefined;
		let last = 0;
		for (let i = 1; i < this.#waiting.length; i++) if (this.#before(last, i)) last = i;
		return this.#take(last);
	}

	/**
	 * The next one, the milliseconds until there may be a next one, or undefined when nobody may come: ask again when
	 * somebody new waits, or a handshake has {@link ended}.
	 */
	next(now: number): Waiting<T> | { wait: number } | undefined {
		const first = this.#first();
		if (first === undefined) return undefined;
		const filled = Math.max(0, now - this.#filledAt) * (ARRIVALS_PER_SECOND / 1000);
		this.#tokens = Math.min(ARRIVALS_BURST, this.#tokens + filled);
		this.#filledAt = now;
		if (this.#tokens < 1) return { wait: Math.ceil(((1 - this.#tokens) * 1000) / ARRIVALS_PER_SECOND) };
		this.#tokens--;
		const { source } = this.#waiting[first] as Waiting<T>;
		this.#count(source.host, now);
		this.#count(source.address, now);
		this.#underWay++;
		this.#underWayOf.set(source.host, this.#of(source.host) + 1);
		return { item: this.#take(first), source };
	}

	/** The handshake with one that came is over, however it ended. */
	ended({ host }: Source): void {
		this.#underWay--;
		const left = this.#of(host) - 1;
		if (left > 0) this.#underWayOf.set(host, left);
		else this.#underWayOf.delete(host);
	}

	// --- internal ---

	/** The index of the first one that may come. */
	#first(): number | undefined {
		let first: number | undefined;
		for (const [i, { source }] of this.#waiting.entries())
			if (this.#mayCome(source) && (first === undefined || this.#before(i, first))) first = i;
		return first;
	}

	/** Known ones find the door open, whoever stands in it. */
	#mayCome(source: Source): boolean {
		const most = source.relayed ? HANDSHAKES_PER_RELAY : HANDSHAKES_PER_HOST;
		const room = this.#underWay < HANDSHAKES_MAX && this.#of(source.host) < most;
		return room || this.#favoured(source);
	}

	/** Who stands in the door comes last, or its many would fill the line as well. */
	#load(host: string): number {
		return this.#times(host) + this.#of(host);
	}

	#of(host: string): number {
		return this.#underWayOf.get(host) ?? 0;
	}

	/** Whether the one at `i` comes before the one at `j`; of equals the earlier one. */
	#before(i: number, j: number): boolean {
		const [a, b] = [this.#waiting[i], this.#waiting[j]] as [Waiting<T>, Waiting<T>];
		const order =
			Number(this.#favoured(b.source)) - Number(this.#favoured(a.source)) ||
			this.#load(a.source.host) - this.#load(b.source.host) ||
			this.#times(a.source.address) - this.#times(b.source.address) ||
			i - j;
		return order < 0;
	}

	/** Known ones come first, as often as they need to who have lost their connection; beyond that they are as all. */
	#favoured({ known }: Source): boolean {
		return known !== undefined && this.#times(known) < ARRIVALS_KNOWN;
	}

	#take(index: number): T {
		const [{ item }] = this.#waiting.splice(index, 1) as [Waiting<T>];
		return item;
	}

	#times(name: string): number {
		return (this.#served.get(name) ?? 0) + (this.#servedBefore.get(name) ?? 0);
	}

	#count(name: string, now: number): void {
		const age = now - this.#windowStart;
		if (age >= ARRIVALS_WINDOW_MS) {
			this.#servedBefore = age < 2 * ARRIVALS_WINDOW_MS ? this.#served : new Map();
			this.#served = new Map();
			this.#windowStart = now;
		}
		this.#served.set(name, (this.#served.get(name) ?? 0) + 1);
	}
}
