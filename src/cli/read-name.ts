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
