// The help texts: examples, then citty's layout of the command table.
import { type ArgDef, type ArgsDef, type CommandDef, renderUsage } from "citty";
import { isTerminal, STDOUT } from "../base/stdio.ts";
import { PROGRAM, VERSION } from "../base/version.ts";
import type { AnyCommand, CommandTable, Definition, Definitions, Example } from "./definition.ts";
import { argumentRows, describe } from "./describe.ts";
import { TOPICS } from "./help-topics.ts";
import { GENERAL } from "./options.ts";

/** The help of a command or about a topic, or that of the program; coloured where stdout is a terminal. */
export async function help(subject: string | undefined, table: CommandTable): Promise<string> {
	const topic = subject === undefined ? undefined : TOPICS[subject];
	const whole = topic?.() ?? (await usage(subject, table));
	// citty colours its text even when it is piped.
	return (isTerminal(STDOUT) && !process.env.NO_COLOR ? whole : Bun.stripANSI(whole)).replace(/ +$/gm, "");
}

// --- internal ---

const EXAMPLES: readonly Example[] = [
	[`${PROGRAM} share 3000 --wormhole`, "Share the web server on port 3000, and show a join code"],
	[`${PROGRAM} join 5-hamburger-endorse`, "Bring it to localhost on the other machine"],
	[`${PROGRAM} demo`, "Try both on this machine alone"],
];

async function usage(command: string | undefined, table: CommandTable): Promise<string> {
	const found = command === undefined ? undefined : table[command];
	const root = rootOf(table);
	const text = found ? await renderUsage(cittyCommand(command as string, found), root) : await renderUsage(root);
	const [title = "", ...rest] = text.trimEnd().split("\n");
	const shown = (found?.examples ?? EXAMPLES).map(([line, meaning]) => `  ${meaning}:\n    ${line}`);
	const topics = found
		? []
		: [
				`Topics: ${Object.keys(TOPICS)
					.map((topic) => `${PROGRAM} help ${topic}`)
					.join(", ")}`,
			];
	return [title, "", HEADING, "", shown.join("\n\n"), ...rest, ...topics].join("\n");
}

/** As citty prints its headings. */
const HEADING = "\x1b[4m\x1b[1mEXAMPLES\x1b[22m\x1b[24m";

function rootOf(table: CommandTable): CommandDef {
	return {
		meta: { name: PROGRAM, version: VERSION, description: "Peer-to-peer port forwarding for a development stack" },
		args: Object.fromEntries(Object.entries(GENERAL).map(([name, one]) => [name, shared(name, one, table)])),
		subCommands: Object.fromEntries(Object.entries(table).map(([name, one]) => [name, cittyCommand(name, one)])),
	};
}

function cittyCommand(name: string, { description, args }: AnyCommand): CommandDef {
	return { meta: { name, description }, args: cittyArgs(args) };
}

function cittyArgs(args: Definitions): ArgsDef {
	const places = argumentRows(args).map(({ label, optional, description }): [string, ArgDef] => {
		return [label, { type: "positional", required: !optional, description }];
	});
	const options = Object.entries(args).flatMap(([name, definition]): [string, ArgDef][] =>
		definition.type === "positional" ? [] : [[name, cittyArg(definition)]],
	);
	return Object.fromEntries([...places, ...options]);
}

/** citty knows neither repeatable options nor our notes; its own note for a default would be a second one. */
function cittyArg(definition: Exclude<Definition, { type: "positional" }>): ArgDef {
	const description = describe(definition);
	switch (definition.type) {
		case "boolean":
			return { type: "boolean", description, ...(definition.alias && { alias: definition.alias }) };
		case "string":
			return { type: "string", description, valueHint: definition.valueHint };
		case "enum":
			return { type: "enum", description, options: [...definition.options] };
	}
}

/** An option in the program's help, with the commands that take it unless all do. */
function shared(name: string, definition: (typeof GENERAL)[keyof typeof GENERAL], table: CommandTable): ArgDef {
	const arg = cittyArg(definition);
	const owners = Object.keys(table).filter((command) => table[command]?.args[name]);
	if (owners.length === Object.keys(table).length) return arg;
	return { ...arg, description: `${owners.join(", ")}: ${arg.description}` };
}
