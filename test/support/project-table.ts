// A command table with every kind of option that a project file can set.
import type { Definitions } from "../../src/cli/definition.ts";
import type { Table } from "../../src/cli/parse-args.ts";

const BOTH = {
	config: { type: "string", valueHint: "FILE", excludes: "no-config", notInFile: "No other file.", description: "" },
	"no-config": { type: "boolean", description: "" },
	verbose: { type: "boolean", alias: "v", counted: true, description: "" },
	"no-relay": { type: "boolean", description: "" },
	"relay-url": { type: "string", valueHint: "URL", repeatable: true, excludes: "no-relay", description: "" },
	identity: { type: "string", valueHint: "FILE", description: "" },
	mailbox: { type: "string", valueHint: "URL", variable: "TEST_MAILBOX", description: "" },
	alpn: { type: "enum", options: ["one", "two"], default: "one", description: "" },
} as const satisfies Definitions;

export const PROJECT_TABLE = {
	share: {
		args: {
			words: { type: "positional", description: "" },
			...BOTH,
			wormhole: { type: "boolean", description: "" },
			qr: { type: "boolean", needs: "wormhole", description: "" },
			"max-peers": { type: "string", valueHint: "N", default: "64", description: "" },
		},
	},
	join: {
		args: {
			...BOTH,
			ticket: { type: "string", valueHint: "TICKET", notInFile: "It is a secret.", description: "" },
			bind: { type: "string", valueHint: "NAME=PORT", repeatable: true, description: "" },
			"web-addr": { type: "string", valueHint: "ADDR", insteadOf: ["bind", "web"], description: "" },
			only: { type: "string", valueHint: "NAMES", repeatable: true, narrows: "bind", description: "" },
		},
	},
	demo: { args: { once: { type: "boolean", description: "" } } },
} as const satisfies Table;
