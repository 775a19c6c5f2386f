// A table of commands like the program's, but small enough to reason about, for the tests of the parser.
import type { ArgsDef } from "citty";
import { type CommandLine, type CommandTable, type ReadOptions, readCommandLine } from "../../src/cli/parse-args.ts";

const GLOBAL = {
	alpn: { type: "enum", options: ["hivemind", "federated-hivemind"] },
	"relay-url": { type: "string" },
	"no-relay": { type: "boolean" },
	verbose: { type: "boolean", alias: "v" },
	help: { type: "boolean", alias: "h" },
	version: { type: "boolean", alias: "V" },
} satisfies ArgsDef;

export const TABLE: CommandTable = {
	share: { frontend: { type: "positional" }, backend: { type: "positional" }, name: { type: "positional" }, ...GLOBAL },
	join: { name: { type: "positional" }, ticket: { type: "string" }, "ws-addr": { type: "string" }, ...GLOBAL },
	demo: { once: { type: "boolean" }, ...GLOBAL },
};

export const OPTIONS: ReadOptions = { repeatable: ["relay-url"], counted: ["verbose"] };

export const read = (...argv: string[]): CommandLine => readCommandLine(argv, TABLE, OPTIONS);
