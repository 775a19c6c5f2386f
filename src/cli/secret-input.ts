// Tickets and join codes, which should not be in the process list: from an option, from standard input (`-`), from the
// environment, or typed on a terminal.
import { HivemindError } from "../base/errors.ts";
import { prompt } from "../base/output.ts";
import { aborted } from "../base/timers.ts";
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
 * @throws HivemindError `usage` when two of them exclude each other, or nothing comes on standard input; the reason of
 * `stop` when that is aborted while reading
 */
export async function readSecret<T extends SecretSource>(
	sources: readonly T[],
	stop: AbortSignal,
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
	const line = await firstStdinLine(stop);
	if (!line) throw new HivemindError("usage", `${source.option} -: nothing came on standard input.`);
	return { source, secret: line };
}

/** Whether there is a person at a terminal who can be asked. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Asks on the terminal. Resolves with undefined when the input ends (Ctrl+D); rejects with the reason of `stop`. */
export function ask(question: string, stop: AbortSignal): Promise<string | undefined> {
	prompt(question);
	return firstStdinLine(stop);
}

// --- internal ---

/** Without white space around it; undefined when the input ends before there is anything. */
function firstStdinLine(stop: AbortSignal): Promise<string | undefined> {
	const stopped = aborted(stop).then(() => {
		throw stop.reason;
	});
	return Promise.race([readLine(), stopped]);
}

async function readLine(): Promise<string | undefined> {
	const decoder = new TextDecoder();
	let text = "";
	for await (const chunk of Bun.stdin.stream()) {
		text += decoder.decode(chunk, { stream: true });
		if (text.includes("\n") || text.length > SECRET_LINE_MAX) break;
	}
	return text === "" ? undefined : text.split("\n", 1)[0]?.trim();
}
