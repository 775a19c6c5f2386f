// Makes text from a remote or from user input safe to print.
import { REMOTE_TEXT_MAX } from "./limits.ts";

/** One line without control characters, cut to `max` characters; a cut is marked by an ellipsis. */
export function printable(text: string, max = REMOTE_TEXT_MAX): string {
	const clean = text.replace(/[\p{C}\s]+/gu, " ").trim();
	// The cut must not leave half of a surrogate pair.
	return clean.length > max ? `${clean.slice(0, max).replace(/[\ud800-\udbff]$/, "")}…` : clean;
}
