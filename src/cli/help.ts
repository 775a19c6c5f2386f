// The help texts: citty's layout of the command table, and the exit statuses.
import { type ArgDef, type ArgsDef, type CommandDef, renderUsage } from "citty";
import { EXIT_STATUS } from "../base/errors.ts";
import { isTerminal, STDOUT } from "../base/stdio.ts";
import { PROGRAM, VERSION } from "../base/version.ts";
import { COMMANDS } from "./commands.ts";
import { type AnyCommand, type CommandTable, type Definition, type Definitions, describe } from "./definition.ts";
import { GENERAL } from "./options.ts";

const TABLE: CommandTable = COMMANDS;

/** The help of a command, or of the program; coloured where stdout is a terminal. */
export async function help(command: string | undefined): Promise<string> {
	const found = command === undefined ? undefined : TABLE[command];
	const usage = found ? await renderUsage(cittyCommand(command as string, found), ROOT) : await renderUsage(ROOT);
	const statuses = Object.values(EXIT_STATUS).map(
		({ status, meaning }) => `  ${String(status).padStart(2)}  ${meaning}`,
	);
	const whole = `${usage.trimEnd()}\n\nEXIT STATUS\n\n${statuses.join("\n")}`.replace(/ +$/gm, "");
	// citty colours its text even when it is piped.
	return isTerminal(STDOUT) && !process.env.NO_COLOR ? whole : Bun.stripANSI(whole);
}

// --- internal ---

const ROOT: CommandDef = {
	meta: { name: PROGRAM, version: VERSION, description: "Peer-to-peer port forwarding for a development stack" },
	args: Object.fromEntries(Object.entries(GENERAL).map(([name, one]) => [name, shared(name, one)])),
	subCommands: Object.fromEntries(Object.entries(TABLE).map(([name, one]) => [name, cittyCommand(name, one)])),
};

function cittyCommand(name: string, { description, args }: AnyCommand): CommandDef {
	return { meta: { name, description }, args: cittyArgs(args) };
}

function cittyArgs(args: Definitions): ArgsDef {
	return Object.fromEntries(Object.entries(args).map(([name, definition]) => [name, cittyArg(definition)]));
}

/** citty knows neither repeatable options nor our notes; its own note for a default would be a second one. */
function cittyArg(definition: Definition): ArgDef {
	const description = describe(definition);
	switch (definition.type) {
		case "positional":
			return { type: "positional", description };
		case "boolean":
			return { type: "boolean", description, ...(definition.alias && { alias: definition.alias }) };
		case "string":
			return { type: "string", description, valueHint: definition.valueHint };
		case "enum":
			return { type: "enum", description, options: [...definition.options] };
	}
}

/** An option in the program's help, with the commands that take it unless all do. */
function shared(name: string, definition: Definition): ArgDef {
	const arg = cittyArg(definition);
	const owners = Object.keys(TABLE).filter((command) => TABLE[command]?.args[name]);
	if (owners.length === Object.keys(TABLE).length) return arg;
	return { ...arg, description: `${owners.join(", ")}: ${arg.description}` };
}
