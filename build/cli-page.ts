// The text of docs/cli.md, made from the table that the command line is parsed with.
import { EXIT_STATUS } from "../src/base/errors.ts";
import { OUTPUT_QUEUE } from "../src/base/limits.ts";
import { PROGRAM } from "../src/base/version.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import type { AnyCommand, CommandTable, Definition, Definitions } from "../src/cli/definition.ts";
import { argumentRows } from "../src/cli/describe.ts";
import { NETWORK } from "../src/cli/endpoint-options.ts";
import { SERVICE_FORMS } from "../src/cli/help-topics.ts";
import { CUT_MS, SIGNAL_ECHO_MS } from "../src/cli/limits.ts";
import { COMMON } from "../src/cli/options.ts";
import { DRAIN_MS } from "../src/forward/limits.ts";
import { NAME_MAX, SERVICES_MAX } from "../src/protocol/limits.ts";
import { table } from "./markdown.ts";

const TABLE: CommandTable = COMMANDS;

/** The page, in Markdown. */
export function cliPage(): string {
	return `# Command line

<!-- Made by \`bun build/docs.ts\` from src/cli/. Change it there. -->

${table(
	["command", "what it does"],
	Object.entries(TABLE).map(([name, { description }]) => [`[\`${name}\`](#${name})`, description]),
)}

Options may be given before or after the command; \`--\` ends them, so that an argument may begin with a dash. An unknown command, option or value is an error that suggests the nearest known one. A value follows its option after a space or an equals sign; a flag that the [project file](project-file.md) sets is switched off with \`=false\`. Addresses are \`host:port\`, where the host is a name, an IPv4 address, or an IPv6 address in brackets.

\`join\` listens on both addresses of \`localhost\`, 127.0.0.1 and ::1, by default and where its option says \`localhost\`: a browser may take either. If a program has one of the two, that is an error. A number (\`127.0.0.1:3000\`) is that address only.

A hub or a peer that is given no name is called like its machine: the host name without its domain. The other side sees it.

Tickets and join codes are secrets, and arguments are visible in the process list: \`--ticket -\` and \`--join-code -\` read from standard input, and there are [environment variables](#environment).

stdout carries results that a script may read; stderr carries messages. Ctrl+C (SIGINT, SIGTERM or SIGHUP) stops the program cleanly: it accepts nothing new, gives running transfers ${DRAIN_MS / 1000} s to finish, and tells the other side. A second signal, at least ${SIGNAL_ECHO_MS / 1000} s later, ends the transfers and, within ${CUT_MS / 1000} s, the program; a third one ends it at once. Under \`nohup\`, SIGHUP is ignored.

No reader holds the program up. While a terminal or a pipe is not read (Ctrl+S, a selection in a Windows console), ${OUTPUT_QUEUE / 1024} KiB wait for it; beyond that the oldest lines are dropped, and a line says how many.

${Object.entries(TABLE)
	.map(([name, command]) => section(name, command))
	.join("\n\n")}

## Services

\`share\` takes up to ${SERVICES_MAX} services:

${table(
	["written as", "means"],
	SERVICE_FORMS.map(([form, meaning]) => [`\`${form}\``, meaning]),
)}

Of those without a name the first is the \`frontend\`, the second the \`backend\`, and the third the \`websocket\`; a fourth needs a name. A name has lower-case letters, digits and hyphens, begins with a letter, and is at most ${NAME_MAX} characters long. Without a scheme the address is shown as \`http\`, the websocket's as \`ws\`, and that of a port that usually belongs to something else, like 5432, as \`tcp\`.

At most one argument may be something else: the last one is a name for the hub. \`host:port\` three times and then anything but a complete \`name=…\` is a command line of the original program, and the fourth argument is the hub's name. What could be read in two ways is an error that says how to write it.

## Invitations

\`join\` takes a join code, a ticket, or the hub's whole command in quotes, as \`--join-code\` and \`--ticket\` do, also with what a mail puts around it. What begins with digits and a hyphen, or with \`endpoint\`, is an invitation and not a name; a name like that is written \`--name 5-a-b\`. Beside \`--ticket\` or \`--join-code\` the argument is a name, whatever it looks like.

## Connection options

${owners(NETWORK)} take these. \`demo\` uses no relay unless \`--relay-url\` names one. If only one of the two addresses is given and it is a loopback address, the other one is loopback as well.

${options(NETWORK)}

## Options of every command

${options(COMMON)}

## Environment

${table(["variable", "instead of", "commands"], [...variables(), ["`NO_COLOR`", "(turns off colours)", "all"]])}

An option takes precedence over its variable, and the argument CODE, TICKET or @ALIAS over both that give an invitation; all of this takes precedence over the [project file](project-file.md). The program reads no \`.env\` file.

## Exit status

${table(["status", "meaning"], [...statuses(), ["129, 130, 143", "ended by a second signal: SIGHUP, SIGINT, SIGTERM"]])}
`;
}

// --- internal ---

function section(name: string, { description, examples, args }: AnyCommand): string {
	const places = argumentRows(args);
	const own = Object.entries(args).filter(([option]) => !(option in NETWORK) && !(option in COMMON));
	const words = places.map(({ label, optional }) => (optional ? `[${label}]` : `<${label}>`));
	const lines = examples.map(([line, meaning]) => `# ${meaning}\n${line}`);
	const parts = [
		`## ${name}`,
		`${description}.`,
		code(lines.join("\n\n")),
		code([PROGRAM, name, "[OPTIONS]", ...words].join(" ")),
	];
	if (places.length > 0) {
		const rows = places.map(({ label, description }) => [`\`${label}\``, description]);
		parts.push(table(["argument", "meaning"], rows));
	}
	const listed = own.filter(([, { type }]) => type !== "positional");
	if (listed.length > 0) parts.push(options(Object.fromEntries(listed)));
	const common = "alpn" in args ? "[connection options](#connection-options) and the " : "";
	parts.push(`It also takes the ${common}[options of every command](#options-of-every-command).`);
	return parts.join("\n\n");
}

const code = (text: string): string => `\`\`\`\n${text}\n\`\`\``;

function options(args: Definitions): string {
	const rows = Object.entries(args).map(([name, definition]) => {
		const letter = "alias" in definition ? `\`-${definition.alias}\`, ` : "";
		const more = "repeatable" in definition ? "; may be repeated" : "";
		return [
			`${letter}\`--${name}${valueText(definition)}\``,
			`${definition.description}${more}`,
			defaultText(definition),
		];
	});
	const some = rows.some(([, , absent]) => absent !== "");
	return some ? table(["option", "meaning", "default"], rows) : table(["option", "meaning"], rows);
}

function valueText(definition: Definition): string {
	if (definition.type === "string") return definition.next ? ` [${definition.valueHint}]` : ` ${definition.valueHint}`;
	return definition.type === "enum" ? ` ${definition.options.join("|")}` : "";
}

function defaultText(definition: Definition): string {
	if (definition.type === "positional" || definition.type === "boolean") return "";
	return definition.default === undefined ? (definition.otherwise ?? "") : `\`${definition.default}\``;
}

/** The commands that have all of these options. */
function owners(args: Definitions): string {
	const names = Object.keys(TABLE).filter((name) => Object.keys(args).every((option) => TABLE[name]?.args[option]));
	return new Intl.ListFormat("en").format(names.map((name) => `\`${name}\``));
}

function variables(): string[][] {
	const named = Object.values(TABLE).flatMap(({ args }) => Object.entries(args));
	const found = named.flatMap(([option, definition]) =>
		"variable" in definition ? [[definition.variable as string, option] as const] : [],
	);
	return [...new Map(found)].map(([variable, option]) => [
		`\`${variable}\``,
		`\`--${option}\``,
		Object.keys(TABLE)
			.filter((name) => TABLE[name]?.args[option])
			.join(", "),
	]);
}

const statuses = (): string[][] => Object.values(EXIT_STATUS).map(({ status, meaning }) => [`${status}`, meaning]);
