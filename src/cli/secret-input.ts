// Tickets and join codes, which should not be in the process list: from an option, from standard input (`-`), from the
// environment, or typed on a terminal.
import { HivemindError } from "../base/errors.ts";
import type { Input } from "./terminal-input.ts";

export interface SecretSource {
	/** `--ticket` or `--join-code`, for messages. */
	option: string;
	given: string | undefined;
	/** The environment variable that stands in for the option. */
	variable: string;
}

/**
 * The one secret of several that was given, read from standard input if it is `-`; undefined when none was. Options
 * outrank the environment.
 * @throws HivemindError `usage` when two of them exclude each other, or nothing comes on standard input
 */
export async function readSecret<T extends SecretSource>(
	sources: readonly T[],
	input: Input,
): Promise<{ source: T; secret: string } | undefined> {
	const options = sources.filter(({ given }) => given !== undefined);
	const variables = sources.filter(({ variable }) => process.env[variable]);
	const [source, other] = options.length > 0 ? options : variables;
	if (!source) return undefined;
	if (other) {
		const name = ({ option, variable }: SecretSource) => (options.length > 0 ? option : variable);
		throw new HivemindError("usage", `${name(source)} and ${name(other)} exclude each other.`, {
			hint: "Give one of them.",
		});
	}
	const value = source.given ?? process.env[source.variable] ?? "";
	if (value !== "-") return { source, secret: value };
	const text = await input.paste();
	if (text.trim() === "") throw new HivemindError("usage", `${source.option} -: nothing came on standard input.`);
	return { source, secret: text };
}
