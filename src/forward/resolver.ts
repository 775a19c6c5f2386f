// The addresses of one host name. An answer is used while it is new; an older one is used, too, while it is refreshed in
// the background, so that a slow name server delays the first connection only.
import { lookup as systemLookup } from "node:dns/promises";
import { RESOLVED_MS } from "./limits.ts";

/** All addresses of a host, in the order to try them. Rejects with a system error. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export class Resolver {
	readonly #host: string;
	readonly #lookup: Lookup;
	#known: { addresses: readonly string[]; at: number } | undefined;
	#running: { answer: Promise<readonly string[]>; begun: number } | undefined;

	constructor(host: string, lookup: Lookup = getaddrinfo) {
		this.#host = host;
		this.#lookup = lookup;
	}

	/** The last answer; none before the first. */
	get known(): readonly string[] {
		return this.#known?.addresses ?? [];
	}

	/** What is known, or what the first lookup finds. Rejects with a system error. */
	addresses(): Promise<readonly string[]> {
		if (!this.#known) return this.askAgain(0);
		if (performance.now() - this.#known.at > RESOLVED_MS) this.askAgain(0).catch(() => {});
		return Promise.resolve(this.#known.addresses);
	}

	/** A new lookup, or one under way that began at `since` (of `performance.now()`) or later. */
	askAgain(since: number): Promise<readonly string[]> {
		if (this.#running && this.#running.begun >= since) return this.#running.answer;
		const begun = performance.now();
		const answer = this.#lookup(this.#host).then((addresses) => {
			// An answer that was asked for earlier may come later.
			if (!this.#known || this.#known.at <= begun) this.#known = { addresses, at: begun };
			return addresses;
		});
		const running = { answer, begun };
		this.#running = running;
		const done = () => {
			if (this.#running === running) this.#running = undefined;
		};
		answer.then(done, done);
		return answer;
	}
}

// --- internal ---

/**
 * getaddrinfo(3), which nothing caches (docs/binding-notes.md, "Sockets"). The system's order decides which family is
 * first, and then they alternate (RFC 8305, section 4), so that a family without a route costs one attempt.
 */
async function getaddrinfo(host: string): Promise<readonly string[]> {
	const found = await systemLookup(host, { all: true, verbatim: true });
	const [first, second] = [found[0]?.family, found[0]?.family === 6 ? 4 : 6].map((family) =>
		found.filter((one) => one.family === family).map(({ address }) => address),
	) as [string[], string[]];
	return [...new Set(first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]).concat(second))];
}
