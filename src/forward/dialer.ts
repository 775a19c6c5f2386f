// The way to one service: which of its addresses to connect to, and what to try when one does not answer. A literal
// address is dialled as it is; a name is resolved anew when it fails; for the loopback addresses 127.0.0.1 and ::1 the
// other one is tried, too, because many development servers listen on one of them only.
import { type Address, canonicalHost, isLiteral, isLocalhost } from "../base/address.ts";
import { DialError, dialError, mostTelling, noAnswer } from "./dial-error.ts";
import type { Duplex } from "./duplex.ts";
import { firstToConnect, NoneConnected } from "./happy-eyeballs.ts";
import { RESOLVED_MS, STAGGER_MS } from "./limits.ts";
import { type Lookup, Resolver } from "./resolver.ts";
import { attempt, dial } from "./tcp.ts";

export interface DialerOptions {
	/** Why a literal address must not be dialled; undefined when it may. */
	forbids?: (address: Address) => DialError | undefined;
	/** getaddrinfo(3) when not given. */
	lookup?: Lookup;
}

/** A connection to the service, and the literal address at which it answered. */
export interface Dialled {
	socket: Duplex;
	at: Address;
}

export class Dialer {
	/** What the service was said to be at. */
	readonly address: Address;
	readonly #forbids: (address: Address) => DialError | undefined;
	/** Undefined where the host is a literal address, or `localhost`. */
	readonly #resolver: Resolver | undefined;
	/** The addresses of a host that is not resolved: one, or both loopback addresses. */
	readonly #literals: readonly Address[];
	/** The address that answered last. */
	#last: string | undefined;
	/** Until when (of `performance.now()`) the other loopback address is tried first. */
	#otherUntil = Number.NEGATIVE_INFINITY;

	constructor(address: Address, { forbids = () => undefined, lookup }: DialerOptions = {}) {
		this.address = address;
		this.#forbids = forbids;
		const { host, port } = address;
		const hosts = isLocalhost(host) ? LOOPBACK : isLiteral(host) ? [host, ...otherLoopback(host)] : [];
		this.#literals = hosts.map((literal) => ({ host: literal, port }));
		this.#resolver = hosts.length === 0 ? new Resolver(host, lookup) : undefined;
	}

	/** Connects within `timeoutMs`. Rejects with a DialError. */
	dial(timeoutMs: number): Promise<Dialled> {
		const raced = this.#resolver || isLocalhost(this.address.host);
		return raced ? this.#race(timeoutMs) : this.#inTurn(timeoutMs);
	}

	/** The literal addresses that a dial would try. Rejects with a DialError. */
	async addresses(): Promise<readonly Address[]> {
		try {
			await this.#resolver?.addresses();
			return this.known();
		} catch (error) {
			throw dialError(error);
		}
	}

	/** The same without a lookup: none where the first one has no answer yet. */
	known(): readonly Address[] {
		const { port } = this.address;
		const addresses = this.#resolver?.known.map((host) => ({ host, port })) ?? this.#literals;
		return addresses.filter((at) => !this.#forbids(at));
	}

	// --- internal ---

	/** First the address that was stated, then the other; the other way round while that has just been refused. */
	async #inTurn(timeoutMs: number): Promise<Dialled> {
		const [stated, other] = this.#literals as [Address, Address?];
		const begun = performance.now();
		const [first, second] = other && begun < this.#otherUntil ? [other, stated] : [stated, other];
		try {
			return { socket: await this.#connect(first, timeoutMs), at: first };
		} catch (error) {
			const isElsewhere = error instanceof DialError && (error.kind === "refused" || error.kind === "forbidden");
			if (!second || !isElsewhere) throw error;
			try {
				const socket = await this.#connect(second, timeoutMs - (performance.now() - begun));
				this.#otherUntil = second === other ? performance.now() + RESOLVED_MS : Number.NEGATIVE_INFINITY;
				return { socket, at: second };
			} catch (next) {
				throw first === stated && next instanceof DialError ? error : next;
			}
		}
	}

	#connect(at: Address, timeoutMs: number): Promise<Duplex> {
		const forbidden = this.#forbids(at);
		return forbidden ? Promise.reject(forbidden) : dial(at, timeoutMs);
	}

	/** One address after the other, staggered, the one that answered last first; a name is asked for again once. */
	async #race(timeoutMs: number): Promise<Dialled> {
		const { port } = this.address;
		const begun = performance.now();
		const end = new AbortController();
		const timer = setTimeout(() => end.abort(noAnswer(timeoutMs)), timeoutMs);
		const tried = new Set<string>();
		const untried = (hosts: readonly string[]) => {
			const next = hosts.filter((host) => !tried.has(host));
			for (const host of next) tried.add(host);
			return next.sort((a, b) => Number(b === this.#last) - Number(a === this.#last));
		};
		const resolver = this.#resolver;
		try {
			const known = resolver ? await inTime(resolver.addresses(), end.signal) : this.#literals.map(({ host }) => host);
			const { connection, candidate } = await firstToConnect({
				candidates: untried(known),
				...(resolver && { more: async () => untried(await resolver.askAgain(begun)) }),
				attempt: async (host: string, signal) => {
					const forbidden = this.#forbids({ host, port });
					if (forbidden) throw forbidden;
					return attempt({ host, port }, signal);
				},
				discard: (socket) => socket.release(),
				staggerMs: STAGGER_MS,
				signal: end.signal,
			});
			this.#last = candidate;
			return { socket: connection, at: { host: candidate, port } };
		} catch (error) {
			throw error instanceof NoneConnected ? mostTelling(error.errors) : dialError(error);
		} finally {
			clearTimeout(timer);
		}
	}
}

// --- internal ---

/** As browsers try them. */
const LOOPBACK = ["::1", "127.0.0.1"];

/** Not for 127.0.0.2 and the like, which somebody chose on purpose. */
function otherLoopback(host: string): string[] {
	const one = canonicalHost(host);
	return LOOPBACK.includes(one) ? LOOPBACK.filter((other) => other !== one) : [];
}

/** Settles as `work` does, or rejects with the signal's reason. */
function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		signal.addEventListener("abort", () => reject(signal.reason), { once: true });
		work.then(resolve, reject);
	});
}
