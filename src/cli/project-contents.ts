// What a project file says, checked strictly: whatever is unknown, or cannot be meant, is an error with its line. Pure.
import { HivemindError } from "../base/errors.ts";
import { suggestion } from "../base/nearest.ts";
import { SERVICES_MAX } from "../protocol/limits.ts";
import type { Values } from "./layers.ts";
import { readNamedService } from "./named-service.ts";
import { type Fail, optionOf, readOptions, type Table } from "./project-options.ts";
import { lineOf, parseToml, place } from "./project-toml.ts";
import { isTable, kindOf, textOf } from "./project-values.ts";
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

/**
 * Reads a project file. A command with the option `config` may have a table of options in it.
 * @throws HivemindError `usage`, with the line and, for an unknown key, the nearest known one
 */
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

function readHubName(value: unknown, fail: Fail): string {
	if (typeof value !== "string") return fail(["name"], `'name' must be a string, not ${kindOf(value)}.`);
	return locating(["name"], fail, () => readName(value));
}

function readServices(value: unknown, fail: Fail): string[] {
	if (!isTable(value)) return fail(["services"], `'services' must be a table, not ${kindOf(value)}.`);
	const names = Object.keys(value);
	const surplus = names[SERVICES_MAX];
	if (surplus !== undefined) fail(["services", surplus], `A hub shares at most ${SERVICES_MAX} services.`);
	return names.map((name) => {
		const keys = ["services", name];
		const target = textOf(value[name]);
		if (target === undefined) {
			const meant = `a port, "host:port" or "scheme://host:port"`;
			return fail(keys, `'${name}' must be ${meant}, not ${kindOf(value[name])}.`);
		}
		locating(keys, fail, () => readNamedService(name, target));
		return `${name}=${target}`;
	});
}

function unknownKey(key: string, commands: readonly string[], { table, fail }: { table: Table; fail: Fail }): never {
	const owners = commands.filter((command) => optionOf(table, command, key)).map((command) => `[${command}]`);
	if (owners.length > 0) return fail([key], `'${key}' belongs below ${owners.join(" or ")}.`);
	const known = ["name", "services", ...commands];
	return fail([key], `Unknown key '${key}'.`, suggestion(key, known) ?? `The keys are ${known.join(", ")}.`);
}

/** Does work whose errors are about the value at these keys. */
function locating<T>(keys: readonly string[], fail: Fail, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof HivemindError)) throw error;
		return fail(keys, error.message, error.hint);
	}
}
