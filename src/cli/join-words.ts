// The arguments of `join`: this peer's name and the hub's invitation, each optional, in either order. What looks like an
// invitation is never silently taken for a name. Pure.
import { HivemindError } from "../base/errors.ts";
import { readPasted } from "../invite/pasted.ts";

/** An invitation as it was typed. `saved` is the alias of a hub, without its @. */
export interface TypedInvitation {
	readonly kind: "code" | "ticket" | "saved";
	readonly text: string;
}

export interface JoinWords {
	readonly name: string | undefined;
	readonly invitation: TypedInvitation | undefined;
}

/**
 * Tells a name from an invitation. `option` is the one that already gives an invitation: beside it a single word is the
 * name whatever it looks like, as in the original program.
 * @throws HivemindError `usage`
 */
export function readJoinWords(words: readonly string[], option: string | undefined): JoinWords {
	if (words.length === 1 && option !== undefined) return { name: words[0], invitation: undefined };
	const invitations = words.flatMap((word) => asInvitation(word) ?? []);
	const names = words.filter((word) => !asInvitation(word));
	if (invitations.length > (option === undefined ? 1 : 0)) {
		throw usage(
			`'join' takes one invitation, ${option === undefined ? "not two" : `and ${option} already gives one`}.`,
			"Give one of them. If one is meant as this peer's name, write --name NAME.",
		);
	}
	const bind = names.find((word) => BIND.test(word));
	if (bind !== undefined) {
		throw usage(
			`'${bind}' is not taken for this peer's name.`,
			`To choose the port of a service, write --bind ${bind}. If it is the name, write --name ${bind}.`,
		);
	}
	if (names.length > 1) throw tooMany(names);
	return { name: names[0], invitation: invitations[0] };
}

// --- internal ---

/** Digits, and what people type for a hyphen: see parseCode(). */
const CODE = /^\d+[\s_\p{Pd}\u02d7\u2043\u2212]/u;

/** A service and a port or an address, as `share` and --bind take them. */
const BIND = /^[a-z][a-z0-9-]*=\S*\d$/;

function asInvitation(word: string): TypedInvitation | undefined {
	if (/^@./.test(word)) return { kind: "saved", text: word.slice(1) };
	const { kind, text } = readPasted(word);
	return kind === "ticket" || CODE.test(text) || CODE.test(word) ? { kind, text: word } : undefined;
}

function tooMany(names: readonly string[]): HivemindError {
	const [first = "", ...others] = names;
	const code = /^\d+$/.test(first) && others.every((word) => /^\p{L}+$/u.test(word));
	const hint = code
		? `Write a join code with hyphens: ${names.join("-")}.`
		: `Put a name of several words in quotes: "${names.join(" ")}". A join code looks like 5-hamburger-endorse.`;
	return usage(`'join' takes one name, not ${names.length}: ${names.map((name) => `'${name}'`).join(" ")}.`, hint);
}

function usage(message: string, hint: string): HivemindError {
	return new HivemindError("usage", message, { hint });
}
