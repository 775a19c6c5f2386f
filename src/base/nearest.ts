// "Did you mean …?"
import leven from "leven";

/** The nearest of `names`, if `word` may be a typing error for it or is its beginning; else undefined. */
export function nearest(word: string, names: readonly string[]): string | undefined {
	const [best] = names
		.map((name) => ({ name, distance: name.startsWith(word) && word.length > 3 ? 1 : leven(word, name) }))
		.sort((a, b) => a.distance - b.distance);
	// As many changes as letters: then nothing of the word is left.
	const most = Math.min(word.length - 1, Math.max(2, word.length / 3));
	return best && best.distance <= most ? best.name : undefined;
}

/** The question after what went wrong, if there is a {@link nearest} one. */
export function suggestion(word: string, names: readonly string[]): string | undefined {
	const name = nearest(word, names);
	return name === undefined ? undefined : `Did you mean '${name}'?`;
}
