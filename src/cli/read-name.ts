// The name of a hub or a peer, which the other side prints.
import { HivemindError } from "../base/errors.ts";
import { NAME_MAX } from "../protocol/limits.ts";

/** @throws HivemindError `usage` */
export function readName(name: string): string {
	if (name.trim() === "") throw new HivemindError("usage", "The name is empty.");
	if (/\p{C}/u.test(name)) throw new HivemindError("usage", "The name contains control characters.");
	if (name.length > NAME_MAX) throw new HivemindError("usage", `The name is longer than ${NAME_MAX} characters.`);
	return name;
}

/**
 * The name that was given by `--name` or as an argument; undefined without one.
 * @throws HivemindError `usage`, also when both are given
 */
export function readGivenName(option: string | undefined, word: string | undefined): string | undefined {
	if (option !== undefined && word !== undefined) {
		throw new HivemindError("usage", `There are two names: '${word}' and --name '${option}'.`, {
			hint: "Give one of them.",
		});
	}
	const name = option ?? word;
	return name === undefined ? undefined : readName(name);
}
