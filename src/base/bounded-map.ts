// For maps whose keys a remote can invent: they must not grow without bound.

/** Sets `key` as the newest entry and drops the oldest one beyond `most` entries. */
export function setBounded<V>(map: Map<string, V>, key: string, value: V, most: number): void {
	map.delete(key);
	map.set(key, value);
	const [oldest] = map.keys();
	if (map.size > most && oldest !== undefined) map.delete(oldest);
}
