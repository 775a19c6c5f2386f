// A bounded memory: what a remote can name must not grow for ever. Called by admission.ts and hub.ts; calls nothing.

/** Sets `key`, as the newest; beyond `most` entries the oldest is forgotten. */
export function setBounded<V>(memory: Map<string, V>, key: string, value: V, most: number): void {
	memory.delete(key);
	memory.set(key, value);
	const [oldest] = memory.keys();
	if (memory.size > most && oldest !== undefined) memory.delete(oldest);
}
