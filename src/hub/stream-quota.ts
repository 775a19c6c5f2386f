// The streams of all connections together: when there are too many, each remote gets a fair share. Pure.

export class StreamQuota {
	#most: number;
	#held = new Map<string, number>();
	#total = 0;

	/** `most` streams may be held in all before shares apply. */
	constructor(most: number) {
		this.#most = most;
	}

	/**
	 * Takes one more for `id` if it may have one, and returns whether it may. Beyond the limit only an id with less than
	 * its share may, so that one that uses it up shuts out only itself; beyond twice the limit only an id that has none.
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

	/** Takes one, if `id` may have it, until `over` resolves; returns whether it may. */
	hold(id: string, over: Promise<unknown>): boolean {
		if (!this.take(id)) return false;
		void over.then(() => this.release(id));
		return true;
	}

	/** Gives one back. */
	release(id: string): void {
		const held = this.#held.get(id) ?? 0;
		if (held > 1) this.#held.set(id, held - 1);
		else this.#held.delete(id);
		this.#total--;
	}
}
