// Text that somebody else chose, on our screen. Called by whoever prints or keeps such text; calls nothing.
import { REMOTE_TEXT_MAX } from "./limits.ts";

/** Text, safe to print: one line, no control characters, at most `max` characters. */
export function printable(text: string, max = REMOTE_TEXT_MAX): string {
	const clean = text.replace(/[\p{C}\s]+/gu, " ").trim();
	// A cut must not leave half of a surrogate pair.
	return clean.length > max ? `${clean.slice(0, max).replace(/[\ud800-\udbff]$/, "")}…` : clean;
}
