// The command line, parsed strictly: whatever is unknown, missing or too much is an error that names it. node:util only
// splits it into tokens, leniently, because its own errors make no suggestions and know of no commands. Pure.
import { parseArgs } from "node:util";
import { HivemindError } from "../base/errors.ts";
import { suggestion } from "../base/nearest.ts";
import type { Argument, Definitions, Parsed } from "./definition.ts";
import { checkRelations, layered, type Values } from "./layers.ts";

/** Arguments and options by command. Commands that share an option define it alike, and no argument has its name. */
export type Table = Readonly<Record<string, { readonly args: Definitions; readonly implied?: RegExp }>>;

/** What a command line asks for. Where it asks for help or the version, the rest may be incomplete. */
export type Line<T extends Table> =
	| { readonly kind: "help"; readonly command: string | undefined }
	| { readonly kind: "version" }
	| { [K in keyof T & string]: Run<K, T[K]["args"]> }[keyof T & string];

interface Run<K extends string, D extends Definitions> {
	readonly kind: "run";
	readonly command: K;
	readonly options: Parsed<D>;
}

/** The values of lower layers, once it is known which command is run with what. */
export type Below = (command: string, typed: Values) => Values;

/**
 * Reads `argv`. Options may be given before and after the command; `--` ends them. What is not given comes from `below`.
 * @throws HivemindError `usage`, naming what is unknown, missing or too much, and the nearest name
 */
export function parse<T extends Table>(argv: readonly string[], table: T, below: Below = () => new Map()): Line<T> {
	const definitions: Definitions = Object.assign({}, ...Object.values(table).map(({ args }) => args));
	const values: Values = new Map();
	const words: string[] = [];
	for (const part of partsOf(argv, definitions, Object.keys(table))) {
		if (typeof part !== "string") take(part, definitions, values);
		else if (words.length > 0 || Object.hasOwn(table, part)) words.push(part);
		else throw usage(`Unknown command '${part}'.`, commandFor(part, table));
	}
	const [command, ...positionals] = words;
	if (values.get("help")) return { kind: "help", command };
	if (values.get("version")) return { kind: "version" };
	if (command === undefined) throw usage("No command given.", `Commands: ${Object.keys(table).join(", ")}.`);
	checkOptions(command, values, table);
	checkArguments(command, positionals, table);
	const args = table[command]?.args ?? {};
	const all = layered(below(command, values), values, args);
	checkRelations(all, args);
	// The only type that is asserted and not inferred: each value has been read according to its definition.
	return { kind: "run", command, options: complete(args, positionals, all) } as Line<T>;
}

// --- internal ---

interface Option {
	name: string;
	/** The name as it was typed. */
	shown: string;
	value: string | undefined;
	/** Whether the value follows an equals sign. */
	inline: boolean;
}

/** The words and the options of a command line, in order. The first word is one of the commands. */
function* partsOf(
	argv: readonly string[],
	definitions: Definitions,
	commands: readonly string[],
): Generator<string | Option> {
	const options: Record<string, { type: "boolean" | "string"; short?: string }> = {};
	const letters = new Set<string>();
	const optional = new Map<string, RegExp>();
	for (const [name, definition] of Object.entries(definitions)) {
		if (definition.type === "positional") continue;
		const short = definition.type === "boolean" ? definition.alias : undefined;
		const next = definition.type === "string" ? definition.next : undefined;
		// For node:util, a "string" takes the next word, whatever it is.
		options[name] = { type: definition.type === "boolean" || next ? "boolean" : "string", ...(short && { short }) };
		if (short) letters.add(short);
		if (next) optional.set(name, next);
	}
	const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
	let last = -1;
	let command = false;
	for (const [i, token] of tokens.entries()) {
		const typed = argv[token.index] as string;
		if (token.kind === "option-terminator" || token.index === last) continue;
		if (token.kind === "positional" || !/^-[-a-zA-Z]/.test(typed)) {
			// A negative number, too: to node:util it is a group of letters, one token each.
			last = token.index;
			command = true;
			yield typed;
		} else {
			const next = tokens[i + 1];
			// What stands behind `--` is no value, nor is the command.
			const mayBeValue = next?.kind === "positional" && next.index === token.index + 1 && token.value === undefined;
			const taken =
				mayBeValue && (command || !commands.includes(next.value)) && optional.get(token.name)?.test(next.value);
			if (taken) last = next.index;
			const value = taken ? next.value : token.value;
			const letter = [...typed.slice(1)].find((one) => !letters.has(one));
			const shown = typed.startsWith("--") ? typed.split("=", 1)[0] : `-${letter}`;
			yield { name: token.name, shown: shown as string, value, inline: token.inlineValue ?? false };
		}
	}
}

function take({ name, shown, value, inline }: Option, definitions: Definitions, values: Values): void {
	const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
	if (!definition || definition.type === "positional") {
		const names = Object.keys(definitions).filter((known) => definitions[known]?.type !== "positional");
		throw usage(
			`Unknown option '${shown}'.`,
			suggestion(
				shown,
				names.map((known) => `--${known}`),
			),
		);
	}
	const old = values.get(name);
	if (definition.type === "boolean") {
		if (inline && value !== "false") {
			throw usage(`Option '--${name}' takes no value.`, `Write --${name}, or --${name}=false to switch it off.`);
		}
		values.set(name, inline ? 0 : typeof old === "number" ? old + 1 : 1);
		return;
	}
	// node:util takes any next word as the value; before one that looks like an option, the value was likely forgotten.
	const bare = value === undefined && definition.type === "string" && definition.next !== undefined;
	if (!bare && (!value || (!inline && value.startsWith("-") && value !== "-")))
		throw usage(`Option '--${name}' needs a value.`);
	if (definition.type === "string" && definition.repeatable) {
		values.set(name, [...(Array.isArray(old) ? old : []), value as string]);
	} else if (old !== undefined) throw usage(`Option '--${name}' is given twice.`);
	else values.set(name, value ?? true);
}

/** Refuses options of other commands, and values that are not in their list. */
function checkOptions(command: string, values: Values, table: Table): void {
	for (const [name, value] of values) {
		const definition = table[command]?.args[name];
		if (!definition) {
			const owners = Object.keys(table).filter((other) => table[other]?.args[name]);
			throw usage(`Option '--${name}' belongs to ${quotedList(owners)}, not to '${command}'.`);
		}
		if (definition.type === "enum" && !definition.options.includes(String(value))) {
			throw usage(
				`Option '--${name}' must be one of ${definition.options.join(", ")}, not '${value}'.`,
				suggestion(String(value), definition.options),
			);
		}
	}
}

function checkArguments(command: string, positionals: readonly string[], table: Table): void {
	const help = `See '${command} --help'.`;
	const wanted = argumentsOf(table[command]?.args ?? {});
	const required = wanted.filter(([, { optional, variadic }]) => !optional && !variadic);
	const missing = required.slice(positionals.length).map(([name]) => `<${name.toUpperCase()}>`);
	if (missing.length > 0) throw usage(`'${command}' needs ${missing.join(" ")}.`, help);
	const last = wanted.at(-1)?.[1];
	const extra = last?.variadic ? [] : positionals.slice(wanted.length);
	if (extra.length > 0) {
		const dashed = suggestionOfOption(extra[0] as string, table[command]?.args ?? {});
		const words = extra.map((word) => `'${word}'`).join(" ");
		throw usage(`'${command}' takes no further argument: ${words}.`, dashed ?? help);
	}
	for (const [i, [, { values, optional, description }]] of wanted.entries()) {
		const word = positionals[i];
		if (word === undefined || !values || values.includes(word)) continue;
		const list = values.length > 1 ? `one of ${values.join(", ")}` : `'${values[0]}'`;
		const without = optional && values.length === 1 ? `${description}.` : undefined;
		throw usage(`The argument of '${command}' must be ${list}, not '${word}'.`, suggestion(word, values) ?? without);
	}
}

function complete(args: Definitions, positionals: readonly string[], values: Values): Record<string, unknown> {
	const options: Record<string, unknown> = {};
	argumentsOf(args).forEach(([name, { variadic }], i) => {
		const value = variadic ? positionals.slice(i) : positionals[i];
		if (value !== undefined) options[name] = value;
	});
	for (const [name, definition] of Object.entries(args)) {
		const value = values.get(name);
		if (definition.type === "positional") continue;
		if (definition.type === "boolean") options[name] = definition.counted ? (value ?? 0) : Boolean(value);
		else if (definition.type === "string" && definition.repeatable) options[name] = value ?? [];
		else if ((value ?? definition.default) !== undefined) options[name] = value ?? definition.default;
	}
	return options;
}

const argumentsOf = (args: Definitions): [name: string, Argument][] =>
	Object.entries(args).flatMap(([name, definition]): [string, Argument][] =>
		definition.type === "positional" ? [[name, definition]] : [],
	);

/** What may have been meant by a first word that is not a command. */
function commandFor(word: string, table: Table): string | undefined {
	const implied = Object.keys(table).find((command) => table[command]?.implied?.test(word));
	return implied === undefined ? suggestion(word, Object.keys(table)) : `Did you mean '${implied} ${word}'?`;
}

/** The option that was meant by a word without its hyphens. */
const suggestionOfOption = (word: string, args: Definitions): string | undefined =>
	Object.hasOwn(args, word) && args[word]?.type !== "positional" ? `Did you mean '--${word}'?` : undefined;

/** `'share', 'join' and 'demo'` */
const quotedList = (names: readonly string[]): string =>
	names
		.map((name) => `'${name}'`)
		.join(", ")
		.replace(/, ([^,]*)$/, " and $1");

function usage(message: string, hint?: string): HivemindError {
	return new HivemindError("usage", message, hint === undefined ? {} : { hint });
}
