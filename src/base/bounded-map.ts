// A bounded memory: a map whose keys a remote can invent must not grow for ever.

/** Sets `key` as the newest entry; beyond `most` entries the oldest one is dropped. */
export function setBounded<V>(map: Map<string, V>, key: string, value: V, most: number): void {
	map.delete(key);
	map.set(key, value);
	const [oldest] = map.keys();
	if (map.size > most && oldest !== undefined) map.delete(oldest);
}
