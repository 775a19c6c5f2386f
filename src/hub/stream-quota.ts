// Streams of all connections together: a fair share for each remote when they become too many. Pure. Called by hub.ts.

export class StreamQuota {
	#most: number;
	#held = new Map<string, number>();
	#total = 0;

	/** `most` may be held in all before shares count. */
	constructor(most: number) {
		this.#most = most;
	}

	/**
	 * Whether `id` may hold one more. Beyond the limit only who has less than its share of it, so that whoever fills it
	 * shuts out himself and nobody else; beyond twice the limit only who has none.
	 */
	take(id: string): boolean {
		const held = this.#held.get(id) ?? 0;
		const holders = this.#held.size + (held === 0 ? 1 : 0);
		if (this.#total >= this.#most && held >= Math.max(1, Math.floor(this.#most / holders))) return false;
		if (this.#total >= 2 * this.#most && held > 0) return false;
		this.#held.set(id, held + 1);
		this.#total++;
		return true;
	}

	release(id: string): void {
		const held = this.#held.get(id) ?? 0;
		if (held > 1) this.#held.set(id, held - 1);
		else this.#held.delete(id);
		this.#total--;
	}

	/** How many are held. */
	get total(): number {
		return this.#total;
	}
}
