// What a project file says, checked strictly against the options of the commands that read one: whatever is unknown or of
// a wrong kind is an error with its line. Pure.
import { HivemindError } from "../base/errors.ts";
import { SERVICES_MAX } from "../protocol/limits.ts";
import type { AnyCommand } from "./definition.ts";
import type { Values } from "./layers.ts";
import { nearest } from "./nearest.ts";
import { lineOf, parseToml, place } from "./project-toml.ts";
import { isTable, kindOf, readValue, textOf, wanted } from "./project-values.ts";
import { readName } from "./read-name.ts";

export interface Project {
	readonly path: string;
	/** The hub's. */
	readonly name: string | undefined;
	/** In the order of the file, as `share` takes them: `web=3000`. */
	readonly services: readonly string[];
	/** By command and option. */
	readonly options: Readonly<Record<string, Values>>;
	/** "hivemind.toml, line 4": where these keys are. */
	where(...keys: string[]): string;
}

/** The commands, and their options. Those with the option `config` have a table in the file. */
type Table = Readonly<Record<string, Pick<AnyCommand, "args">>>;

/** @throws HivemindError `usage`, with the line and, for an unknown key, the nearest known one */
export function readProject({ path, text }: { path: string; text: string }, table: Table): Project {
	const root = parseToml(text, path);
	const where = (...keys: string[]) => place(path, lineOf(text, keys));
	const fail: Fail = (keys, message, hint) => {
		throw new HivemindError("usage", `${where(...keys)}: ${message}`, hint === undefined ? {} : { hint });
	};
	const commands = Object.keys(table).filter((command) => table[command]?.args.config);
	const options: Record<string, Values> = {};
	let name: string | undefined;
	let services: string[] = [];
	for (const [key, value] of Object.entries(root)) {
		if (key === "name") name = readHubName(value, fail);
		else if (key === "services") services = readServices(value, fail);
		else if (commands.includes(key)) options[key] = readOptions(key, value, { path, table, fail });
		else throw unknownKey(key, commands, { table, fail });
	}
	return { path, name, services, options, where };
}

// --- internal ---

/** Throws an error about the value at these keys. */
type Fail = (keys: readonly string[], message: string, hint?: string) => never;

function unknownKey(key: string, commands: readonly string[], { table, fail }: { table: Table; fail: Fail }): never {
	const owners = commands.filter((command) => optionOf(table, command, key)).map((command) => `[${command}]`);
	if (owners.length > 0) return fail([key], `'${key}' belongs below ${owners.join(" or ")}.`);
	const known = ["name", "services", ...commands];
	return fail([key], `Unknown key '${key}'.`, suggestion(key, known) ?? `The keys are ${known.join(", ")}.`);
}

function readHubName(value: unknown, fail: Fail): string {
	if (typeof value !== "string") return fail(["name"], `'name' must be a string, not ${kindOf(value)}.`);
	try {
		return readName(value);
	} catch (error) {
		if (error instanceof HivemindError) fail(["name"], error.message);
		throw error;
	}
}

function readServices(value: unknown, fail: Fail): string[] {
	if (!isTable(value)) return fail(["services"], `'services' must be a table, not ${kindOf(value)}.`);
	const names = Object.keys(value);
	if (names.length > SERVICES_MAX) {
		fail(["services", names[SERVICES_MAX] as string], `A hub shares at most ${SERVICES_MAX} services.`);
	}
	return names.map((name) => {
		const text = textOf(value[name]);
		if (text !== undefined) return `${name}=${text}`;
		const meant = `a port, "host:port" or "scheme://host:port"`;
		return fail(["services", name], `'${name}' must be ${meant}, not ${kindOf(value[name])}.`);
	});
}

function readOptions(
	command: string,
	value: unknown,
	{ path, table, fail }: { path: string; table: Table; fail: Fail },
): Values {
	if (!isTable(value)) return fail([command], `'${command}' must be a table, not ${kindOf(value)}.`);
	const values: Values = new Map();
	for (const [name, given] of Object.entries(value)) {
		const definition = optionOf(table, command, name);
		if (!definition) {
			const known = Object.keys(table[command]?.args ?? {}).filter((one) => optionOf(table, command, one));
			const owners = Object.keys(table).filter((other) => optionOf(table, other, name));
			const owned = owners.length > 0 ? `It is an option of '${owners.join("', '")}'.` : undefined;
			return fail([command, name], `'${command}' has no option '${name}'.`, suggestion(name, known) ?? owned);
		}
		if (definition.notInFile !== undefined) {
			fail([command, name], `'${name}' cannot be set here.`, definition.notInFile);
		}
		const read = readValue(given, definition, path);
		if (read === undefined) {
			fail([command, name], `'${name}' must be ${wanted(definition)}, not ${kindOf(given)}.`);
		} else if (!Array.isArray(read) || read.length > 0) values.set(name, read);
	}
	return values;
}

function optionOf(table: Table, command: string, name: string) {
	const args = table[command]?.args ?? {};
	const definition = Object.hasOwn(args, name) ? args[name] : undefined;
	return definition?.type === "positional" ? undefined : definition;
}

function suggestion(word: string, names: readonly string[]): string | undefined {
	const name = nearest(word, names);
	return name === undefined ? undefined : `Did you mean '${name}'?`;
}
