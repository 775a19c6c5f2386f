// Who has how much of something that the server has little of. Nobody may have more than a share, so that one network
// cannot take everything.

export class Shares {
	readonly #all: number;
	readonly #each: number;
	/** Only those that have something. */
	readonly #held = new Map<string, number>();
	#total = 0;

	/** `all`: how much there is. `each`: how much of it one network may have. */
	constructor({ all, each }: { all: number; each: number }) {
		this.#all = all;
		this.#each = each;
	}

	/** How much all have together. */
	get total(): number {
		return this.#total;
	}

	/** `network` takes `amount` more. What comes back says why it may not; undefined if it has it now. */
	take(network: string, amount = 1): string | undefined {
		const held = (this.#held.get(network) ?? 0) + amount;
		if (held > this.#each) return "your network has too much on this server, try again later";
		if (this.#total + amount > this.#all) return "the server is full, try again later";
		this.#held.set(network, held);
		this.#total += amount;
		return undefined;
	}

	/** `network` gives back what it has taken. */
	give(network: string, amount = 1): void {
		const held = (this.#held.get(network) ?? 0) - amount;
		this.#total -= amount;
		if (held > 0) this.#held.set(network, held);
		else this.#held.delete(network);
	}
}
