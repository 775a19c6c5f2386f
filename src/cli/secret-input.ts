// Tickets and join codes that should not stand in the process list: from an option, from standard input (`-`), from the
// environment, or asked for on a terminal. Called by codes.ts.
import { HivemindError } from "../base/errors.ts";
import { prompt } from "../base/output.ts";
import { SECRET_LINE_MAX } from "./limits.ts";

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
): Promise<{ source: T; secret: string } | undefined> {
	const options = sources.filter(({ given }) => given !== undefined);
	const variables = sources.filter(({ variable }) => process.env[variable]);
	const found = options.length > 0 ? options : variables;
	const [source, other] = found;
	if (!source) return undefined;
	const name = ({ option, variable }: SecretSource) => (options.length > 0 ? option : variable);
	if (other)
		throw new HivemindError("usage", `${name(source)} and ${name(other)} exclude each other.`, {
			hint: "Give one of them.",
		});
	const value = source.given ?? process.env[source.variable] ?? "";
	if (value !== "-") return { source, secret: value };
	const line = await firstStdinLine();
	if (line === "") throw new HivemindError("usage", `${source.option} -: nothing came on standard input.`);
	return { source, secret: line };
}

/** Whether a person is there to be asked. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Asks on the terminal. Resolves with "" when the input ends. */
export function ask(question: string): Promise<string> {
	prompt(question);
	return firstStdinLine();
}

// --- internal ---

async function firstStdinLine(): Promise<string> {
	const decoder = new TextDecoder();
	let text = "";
	for await (const chunk of Bun.stdin.stream()) {
		text += decoder.decode(chunk, { stream: true });
		if (text.includes("\n") || text.length > SECRET_LINE_MAX) break;
	}
	return (text.split("\n", 1)[0] ?? "").trim();
}
