// A command table like the program's, small enough to reason about.
import type { Definitions, Parsed } from "../../src/cli/definition.ts";
import { type Line, parse, type Table } from "../../src/cli/parse-args.ts";

const GENERAL = {
	alpn: { type: "enum", options: ["hivemind", "federated-hivemind"], description: "" },
	"relay-url": { type: "string", valueHint: "URL", repeatable: true, description: "" },
	"no-relay": { type: "boolean", description: "" },
	verbose: { type: "boolean", alias: "v", counted: true, description: "" },
	help: { type: "boolean", alias: "h", description: "" },
	version: { type: "boolean", alias: "V", description: "" },
} as const satisfies Definitions;

const argument = { type: "positional", description: "" } as const;

export const TABLE = {
	share: { args: { frontend: argument, backend: argument, name: argument, ...GENERAL } },
	join: {
		args: {
			name: argument,
			ticket: { type: "string", valueHint: "TICKET", description: "" },
			keep: { type: "string", valueHint: "ALIAS", next: /^[^-\d]/, description: "" },
			"ws-addr": { type: "string", valueHint: "ADDR", default: "127.0.0.1:4000", description: "" },
			...GENERAL,
		},
	},
	hubs: { args: { words: { type: "positional", variadic: true, description: "" }, ...GENERAL } },
	demo: { args: { once: { type: "boolean", description: "" }, ...GENERAL } },
} as const satisfies Table;

export const read = (...argv: string[]): Line<typeof TABLE> => parse(argv, TABLE);

/** The options of a command line that runs this command. */
export function optionsOf<C extends keyof typeof TABLE>(
	command: C,
	argv: readonly string[],
): Parsed<(typeof TABLE)[C]["args"]> {
	const line = read(...argv);
	if (line.kind !== "run" || line.command !== command) throw new Error(`this is not '${command}'`);
	return line.options as Parsed<(typeof TABLE)[C]["args"]>;
}
