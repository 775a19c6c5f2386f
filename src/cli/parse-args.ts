// Strict reading of the command line against citty's definitions, which alone would ignore unknown options and extra
// arguments, cannot count `-vvv` and has no repeatable options. Called by cli.ts; pure.
import type { ArgsDef } from "citty";
import leven from "leven";
import { HivemindError } from "../base/errors.ts";

export interface CommandTable {
	/** Arguments and options of each command, global options included. */
	readonly [command: string]: ArgsDef;
}

export interface ReadOptions {
	/** Options that may stand several times: their values are a list. */
	readonly repeatable: readonly string[];
	/** Flags whose value is how often they stand. */
	readonly counted: readonly string[];
}

export interface CommandLine {
	/** A key of the table, or undefined when none was given. */
	command: string | undefined;
	positionals: string[];
	/** By long name. Flags are true or a count, the others a string or a list of strings. */
	values: Map<string, string | true | number | string[]>;
}

/**
 * Reads `argv`. Options may stand before and after the command; `--` ends them.
 * @throws HivemindError `usage`, naming what is unknown, missing or too much, and the nearest name
 */
export function readCommandLine(
	argv: readonly string[],
	table: CommandTable,
	{ repeatable, counted }: ReadOptions,
): CommandLine {
	const line: CommandLine = { command: undefined, positionals: [], values: new Map() };
	const options = optionNames(table);
	const words = [...argv];

	for (let word = words.shift(); word !== undefined; word = words.shift()) {
		if (word === "--") {
			for (const rest of words.splice(0)) positional(rest);
		} else if (/^-[a-zA-Z]/.test(word)) {
			for (const letter of word.slice(1)) option(`-${letter}`, options.letters.get(letter), undefined);
		} else if (word.startsWith("--")) {
			const [name = "", value] = split(word.slice(2));
			option(`--${name}`, options.names.has(name) ? name : undefined, value);
		} else positional(word);
	}
	check(line, table);
	return line;

	function positional(word: string): void {
		if (line.command !== undefined) line.positionals.push(word);
		else if (Object.hasOwn(table, word)) line.command = word;
		else throw usage(`Unknown command '${word}'.`, nearest(word, Object.keys(table)));
	}

	function option(shown: string, name: string | undefined, given: string | undefined): void {
		if (name === undefined)
			throw usage(
				`Unknown option '${shown}'.`,
				nearest(
					shown,
					[...options.names.keys()].map((known) => `--${known}`),
				),
			);
		const old = line.values.get(name);
		if (counted.includes(name) && given === undefined) {
			line.values.set(name, (typeof old === "number" ? old : 0) + 1);
			return;
		}
		if (options.names.get(name) === "boolean") {
			if (given !== undefined) throw usage(`Option '--${name}' takes no value.`);
			line.values.set(name, true);
			return;
		}
		const next = words[0];
		const value =
			given ?? (next === undefined || (next.startsWith("-") && next !== "-") ? "" : (words.shift() as string));
		if (value === "") throw usage(`Option '--${name}' needs a value.`);
		if (repeatable.includes(name)) line.values.set(name, [...(Array.isArray(old) ? old : []), value]);
		else if (old !== undefined) throw usage(`Option '--${name}' is given twice.`);
		else line.values.set(name, value);
	}
}

// --- internal ---

function optionNames(table: CommandTable) {
	const names = new Map<string, "boolean" | "string">();
	const letters = new Map<string, string>();
	for (const definitions of Object.values(table)) {
		for (const [name, definition] of Object.entries(definitions)) {
			if (definition.type === "positional") continue;
			names.set(name, definition.type === "boolean" ? "boolean" : "string");
			for (const letter of "alias" in definition ? [definition.alias ?? []].flat() : []) letters.set(letter, name);
		}
	}
	return { names, letters };
}

/** What only the whole line shows: options of another command, missing and extra arguments, values of a fixed set. */
function check({ command, positionals, values }: CommandLine, table: CommandTable): void {
	if (values.has("help") || values.has("version")) return;
	if (command === undefined) throw usage("No command given.", `Commands: ${Object.keys(table).join(", ")}.`);
	const definitions = table[command] ?? {};
	for (const [name, value] of values) {
		const definition = definitions[name];
		if (!definition) {
			const owners = Object.keys(table).filter((other) => table[other]?.[name]);
			throw usage(`Option '--${name}' belongs to '${owners.join("', '")}', not to '${command}'.`);
		}
		if (definition.type === "enum" && !definition.options?.includes(String(value))) {
			throw usage(
				`Option '--${name}' is one of ${definition.options?.join(", ")}, not '${String(value)}'.`,
				nearest(String(value), definition.options ?? []),
			);
		}
	}
	const wanted = Object.keys(definitions).filter((name) => definitions[name]?.type === "positional");
	const missing = wanted.slice(positionals.length).map((name) => `<${name.toUpperCase()}>`);
	if (missing.length > 0) throw usage(`'${command}' needs ${missing.join(" ")}.`, `See '${command} --help'.`);
	const extra = positionals.slice(wanted.length);
	if (extra.length > 0)
		throw usage(
			`'${command}' takes no further argument: ${extra.map((word) => `'${word}'`).join(" ")}.`,
			`See '${command} --help'.`,
		);
}

const split = (word: string): [string, string | undefined] => {
	const at = word.indexOf("=");
	return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
};

/** "Did you mean …?" for the nearest name, when it is near enough to be a slip of the fingers. */
function nearest(word: string, names: readonly string[]): string | undefined {
	const [best] = names
		.map((name) => ({ name, distance: name.startsWith(word) && word.length > 3 ? 1 : leven(word, name) }))
		.sort((a, b) => a.distance - b.distance);
	return best && best.distance <= Math.max(2, word.length / 3) ? `Did you mean '${best.name}'?` : undefined;
}

function usage(message: string, hint?: string): HivemindError {
	return new HivemindError("usage", message, hint === undefined ? {} : { hint });
}
