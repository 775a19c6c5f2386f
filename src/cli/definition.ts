// How a command and its options are defined. One definition serves the parser, the types of the parsed values, the help,
// the completion scripts and docs/cli.md, so that they all agree.

/** A positional argument. */
export interface Argument {
	readonly type: "positional";
	readonly description: string;
	/** The possible values, if they are a fixed set. The command checks them itself. */
	readonly values?: readonly string[];
	/** Takes all words that are left, also none: the parsed value is a list. It is the last argument. */
	readonly variadic?: true;
}

export interface Flag {
	readonly type: "boolean";
	readonly description: string;
	/** A single letter. */
	readonly alias?: string;
	/** The parsed value is the number of times that the flag was given. */
	readonly counted?: true;
}

interface Valued {
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
				: D extends { options: readonly (infer O)[] }
					? O
					: string;

type Always = Argument | Flag | { readonly repeatable: true } | { readonly default: string };

/** The values that the parser returns. An option that is not given and has no default is absent. */
export type Parsed<D extends Definitions> = {
	readonly [K in keyof D as D[K] extends Always ? K : never]: Value<D[K]>;
} & {
	readonly [K in keyof D as D[K] extends Always ? never : K]?: Value<D[K]>;
};

export interface Command<D extends Definitions> {
	readonly description: string;
	readonly args: D;
	/** Runs until it is done or `stop` is aborted. @throws HivemindError */
	run(options: Parsed<D>, stop: AbortSignal, more: RunContext): Promise<void>;
}

/** Any command. Its options must come from the parser, which matches them to `args`. */
export interface AnyCommand {
	readonly description: string;
	readonly args: Definitions;
	run(options: object, stop: AbortSignal, more: RunContext): Promise<void>;
}

export interface RunContext {
	/** Aborted when a program that was stopped must wait for nothing any more. */
	readonly cut: AbortSignal;
	readonly table: CommandTable;
}

export type CommandTable = Readonly<Record<string, AnyCommand>>;

/** Defines a command; the type of its `run` follows from its `args`. */
export function defineCommand<const D extends Definitions>(command: Command<D>): Command<D> {
	return command;
}

/** The description of an option, with its default and its environment variable. */
export function describe(definition: Definition): string {
	if (definition.type === "positional" || definition.type === "boolean") return definition.description;
	const absent = definition.default ?? definition.otherwise;
	const notes = [
		definition.type === "string" && definition.repeatable && "repeatable",
		definition.variable !== undefined && `environment: ${definition.variable}`,
		absent !== undefined && `default: ${absent}`,
	].filter(Boolean);
	return notes.length > 0 ? `${definition.description} (${notes.join("; ")})` : definition.description;
}
