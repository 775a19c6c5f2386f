// "Say it once until it changes": what was last said of each thing.

export class ChangeFilter<V> {
	readonly #said = new Map<string, V>();

	/** Whether `value` differs from what was last said of `key`; from now on it is what was said. */
	changed(key: string, value: V): boolean {
		if (this.#said.has(key) && Object.is(this.#said.get(key), value)) return false;
		this.#said.set(key, value);
		return true;
	}

	/** What was last said of `key`; undefined when nothing was. */
	last(key: string): V | undefined {
		return this.#said.get(key);
	}

	/** Nothing was said of `key`. */
	forget(key: string): void {
		this.#said.delete(key);
	}
}
