// The options of one command in a project file, checked strictly against those that the command has. Pure.

import { suggestion } from "../base/nearest.ts";
import type { AnyCommand } from "./definition.ts";
import type { Values } from "./layers.ts";
import { isTable, kindOf, type Option, readValue, wanted } from "./project-values.ts";

/** The commands and their options. */
export type Table = Readonly<Record<string, Pick<AnyCommand, "args">>>;

/** Throws an error about the value at these keys. */
export type Fail = (keys: readonly string[], message: string, hint?: string) => never;

/** Reads the table of a command in the file at `path`. `fail` is called for what is unknown, or of a wrong kind. */
export function readOptions(
	command: string,
	value: unknown,
	{ path, table, fail }: { path: string; table: Table; fail: Fail },
): Values {
	if (!isTable(value)) return fail([command], `'${command}' must be a table, not ${kindOf(value)}.`);
	const values: Values = new Map();
	for (const [name, given] of Object.entries(value)) {
		const keys = [command, name];
		const definition = optionOf(table, command, name) ?? unknownOption(command, name, { table, fail });
		if (definition.notInFile !== undefined) fail(keys, `'${name}' cannot be set here.`, definition.notInFile);
		const read = readValue(given, definition, path);
		if (read === undefined) fail(keys, `'${name}' must be ${wanted(definition)}, not ${kindOf(given)}.`);
		else if (!Array.isArray(read) || read.length > 0) values.set(name, read);
	}
	return values;
}

/** The option of that name, if the command has one. */
export function optionOf(table: Table, command: string, name: string): Option | undefined {
	const args = table[command]?.args ?? {};
	const definition = Object.hasOwn(args, name) ? args[name] : undefined;
	return definition?.type === "positional" ? undefined : definition;
}

// --- internal ---

function unknownOption(command: string, name: string, { table, fail }: { table: Table; fail: Fail }): never {
	const known = Object.keys(table[command]?.args ?? {}).filter((one) => optionOf(table, command, one));
	const owners = Object.keys(table).filter((other) => optionOf(table, other, name));
	const owned = owners.length > 0 ? `It is an option of '${owners.join("', '")}'.` : undefined;
	return fail([command, name], `'${command}' has no option '${name}'.`, owned ?? suggestion(name, known));
}
