// How a command and its options are defined. One definition serves the parser, the types of the parsed values, the help,
// the completion scripts and docs/cli.md, so none of them can know other options than the rest.

/** An argument that is told by its place. */
export interface Argument {
	readonly type: "positional";
	readonly description: string;
	/** The only values there are. The command checks them itself. */
	readonly values?: readonly string[];
}

export interface Flag {
	readonly type: "boolean";
	readonly description: string;
	/** A single letter. */
	readonly alias?: string;
	/** The parsed value is how often the flag is given. */
	readonly counted?: true;
}

interface Valued {
	readonly description: string;
	/** What the parsed value is when the option is not given. */
	readonly default?: string;
	/** What happens when the option is not given, for people; for options without a `default`. */
	readonly otherwise?: string;
	/** The environment variable that stands in for the option. */
	readonly variable?: string;
}

export interface Text extends Valued {
	readonly type: "string";
	readonly valueHint: string;
	/** The parsed value is a list, empty when the option is not given. */
	readonly repeatable?: true;
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
		: D extends { repeatable: true }
			? readonly string[]
			: D extends { options: readonly (infer O)[] }
				? O
				: string;

type Always = Argument | Flag | { readonly repeatable: true } | { readonly default: string };

/** What the parser makes of definitions: an option that is not given and has no default is absent. */
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

/** Any command. What it is run with must come from the parser, which has matched it to `args`. */
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

/** A command whose `run` gets what its own `args` say. */
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
