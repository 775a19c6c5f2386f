// How a command and its options are defined. One definition serves the parser, the types of the parsed values, the help,
// the completion scripts and docs/cli.md, so that they all agree.
import type { FromFile } from "./from-file.ts";
import type { Related } from "./related.ts";

/** A positional argument. */
export interface Argument {
	readonly type: "positional";
	readonly description: string;
	/** The possible values, if they are a fixed set. */
	readonly values?: readonly string[];
	/** May be left out. Required arguments come before optional ones. */
	readonly optional?: true;
	/** Takes all words that are left, also none: the parsed value is a list. It is the last argument. */
	readonly variadic?: true;
	/** For the help of a variadic argument: what its words are, and what each kind means. */
	readonly words?: Readonly<Record<string, string>>;
}

export interface Flag extends Related {
	readonly type: "boolean";
	readonly description: string;
	/** A single letter. */
	readonly alias?: string;
	/** The parsed value is the number of times that the flag was given. */
	readonly counted?: true;
}

interface Valued extends Related {
	readonly description: string;
	/** The parsed value when the option is not given. */
	readonly default?: string;
	/** For the help of an option without a `default`: what happens when it is not given. */
	readonly otherwise?: string;
	/** The environment variable that is read when the option is not given. */
	readonly variable?: string;
}

export interface Text extends Valued {
	readonly type: "string";
	readonly valueHint: string;
	/** The parsed value is a list, empty when the option is not given. */
	readonly repeatable?: true;
	/**
	 * The value may be left out, and is then parsed as `true`: the next word is the value only if it matches this. Behind
	 * an equals sign, any text is.
	 */
	readonly next?: RegExp;
}

export interface Choice extends Valued {
	readonly type: "enum";
	readonly options: readonly string[];
}

export type Definition = Argument | Flag | Text | Choice;
export type Definitions = Readonly<Record<string, Definition>>;

type Value<D extends Definition> = D extends { counted: true }
	? number
	: D extends { type: "boolean" }
		? boolean
		: D extends { next: RegExp }
			? string | true
			: D extends { repeatable: true } | { variadic: true }
				? readonly string[]
				: D extends { options: readonly (infer O)[] } | { values: readonly (infer O)[] }
					? O
					: string;

type Required = { readonly type: "positional"; readonly optional?: never } | { readonly variadic: true };
type Always = Required | Flag | { readonly repeatable: true } | { readonly default: string };

/** The values that the parser returns. What is not given and has no default is absent. */
export type Parsed<D extends Definitions> = {
	readonly [K in keyof D as D[K] extends Always ? K : never]: Value<D[K]>;
} & {
	readonly [K in keyof D as D[K] extends Always ? never : K]?: Value<D[K]>;
};

/** A command line, and what it is good for as a sentence without a full stop. The line runs as it stands. */
export type Example = readonly [line: string, meaning: string];

interface Described {
	readonly description: string;
	/** The help begins with them. */
	readonly examples: readonly [Example, Example, Example];
	/** What somebody types first who has left out this command. */
	readonly implied?: RegExp;
}

export interface Command<D extends Definitions> extends Described {
	readonly args: D;
	/** Runs until it is done or `stop` is aborted. @throws HivemindError */
	run(options: Parsed<D>, stop: AbortSignal, more: RunContext): Promise<void>;
}

/** Any command. Its options must come from the parser, which matches them to `args`. */
export interface AnyCommand extends Described {
	readonly args: Definitions;
	run(options: object, stop: AbortSignal, more: RunContext): Promise<void>;
}

export interface RunContext {
	/** Aborted when a program that was stopped must wait for nothing any more. */
	readonly cut: AbortSignal;
	readonly file: FromFile | undefined;
	readonly table: CommandTable;
}

export type CommandTable = Readonly<Record<string, AnyCommand>>;

/** Defines a command; the type of its `run` follows from its `args`. */
export function defineCommand<const D extends Definitions>(command: Command<D>): Command<D> {
	return command;
}
