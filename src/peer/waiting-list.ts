// Callers that wait for the same thing and are all woken at once.

export class WaitingList {
	#waiting = new Set<() => void>();

	/** Resolves when woken, after `ms` milliseconds at the latest. */
	async wait(ms: number): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, ms);
		this.#waiting.add(resolve);
		await promise;
		clearTimeout(timer);
		this.#waiting.delete(resolve);
	}

	wake(): void {
		for (const wake of this.#waiting) wake();
	}
}
