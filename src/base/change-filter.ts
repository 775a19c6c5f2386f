// "Say it once until it changes": remembers the last reported value of each key.

export class ChangeFilter<V> {
	readonly #reported = new Map<string, V>();

	/** Whether `value` differs from the last one reported for `key`, and remembers it as reported. */
	changed(key: string, value: V): boolean {
		if (this.#reported.has(key) && Object.is(this.#reported.get(key), value)) return false;
		this.#reported.set(key, value);
		return true;
	}

	/** The last value reported for `key`; undefined when there was none. */
	last(key: string): V | undefined {
		return this.#reported.get(key);
	}

	/** Forgets `key`: its next value counts as a change. */
	forget(key: string): void {
		this.#reported.delete(key);
	}
}
