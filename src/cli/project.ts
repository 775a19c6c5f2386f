// The project file as the lowest layer of a command line: what of it counts for the command that runs, and how that is
// told.
import { formatAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { ERROR_TEXT_MAX } from "../base/limits.ts";
import { notice } from "../base/output.ts";
import { printable } from "../base/printable.ts";
import type { SharedService } from "../protocol/services.ts";
import type { Definitions } from "./definition.ts";
import type { FromFile } from "./from-file.ts";
import { beneath, type Value, type Values } from "./layers.ts";
import { type Project, readProject } from "./project-contents.ts";
import { findProjectFile, PROJECT_FILE } from "./project-file.ts";
import type { Table } from "./project-options.ts";

/** The options of the commands that read a project file. */
export const CONFIG = {
	config: {
		type: "string",
		valueHint: "FILE",
		otherwise: `${PROJECT_FILE} in the working directory`,
		excludes: "no-config",
		notInFile: "A project file names no other one.",
		description: "Take what is not given here from this project file",
	},
	"no-config": {
		type: "boolean",
		notInFile: "It is for the command line.",
		description: `Do not read ${PROJECT_FILE}`,
	},
} as const satisfies Definitions;

/** A project file, as the lowest layer of a command line. */
export interface ProjectLayer extends FromFile {
	/** The options that neither the command line nor the environment has decided. */
	readonly values: Values;
	/** The same error, with the lines of those options in its message that come from the file. */
	explain(error: unknown): unknown;
}

/**
 * Reads the project file for a command that may have one; says why one that is there is not read.
 * @throws HivemindError `usage` for one that cannot be used, or has a mistake
 */
export function projectLayer(command: string, typed: Values, table: Table): ProjectLayer | undefined {
	const args = table[command]?.args ?? {};
	if (!args.config || typed.get("no-config")) return undefined;
	const found = findProjectFile(typed.get("config") as string | undefined);
	if (found.kind === "ignored") notice(printable(found.message, ERROR_TEXT_MAX));
	if (found.kind !== "file") return undefined;
	const project = readProject(found, table);
	const values = beneath(project.options[command] ?? new Map(), typed, args, process.env);
	return {
		path: project.path,
		name: project.name,
		services: project.services,
		values,
		gives: (option) => values.has(option),
		announce(services = []) {
			const text = summary(project, services, values);
			if (text !== undefined) notice(text);
		},
		explain: (error) => explain(error, command, project, values),
	};
}

// --- internal ---

function summary({ path }: Project, services: readonly SharedService[], values: Values): string | undefined {
	const shared = services.map(({ name, address }) => `${name} (${formatAddress(address)})`);
	const options = [...values].flatMap(([name, value]) => asTyped(name, value));
	const parts = [shared, options].filter((list) => list.length > 0).map((list) => list.join(", "));
	return parts.length === 0 ? undefined : printable(`Using ${path}: ${parts.join("; ")}.`, ERROR_TEXT_MAX);
}

function asTyped(name: string, value: Value): string[] {
	if (typeof value === "number" || value === true) return Number(value) > 0 ? [`--${name}`] : [];
	return [value].flat().map((text) => `--${name} ${text}`);
}

/** What of a value is told apart from the other words of an error: a number, or `x`, may be anything in it. */
const textsOf = (value: Value): string[] =>
	[value].flat().filter((text) => typeof text === "string" && /[^\d]../.test(text)) as string[];

function explain(error: unknown, command: string, project: Project, values: Values): unknown {
	if (!(error instanceof HivemindError)) return error;
	const isAbout = ([name, value]: [string, Value]) =>
		[`--${name}`, ...textsOf(value)].some((text) =>
			new RegExp(`(?<![\\w-])${RegExp.escape(text)}(?![\\w-])`).test(error.message),
		);
	const named = [...values].filter(isAbout).map(([name]) => name);
	if (named.length === 0) return error;
	const places = named.map((name) => `--${name} is set in ${project.where(command, name)}.`);
	// In front: a hint may end with a command or a URL, which no full stop follows.
	const hint = [...places, error.hint].filter(Boolean).join(" ");
	return new HivemindError(error.code, error.message, { hint, cause: error.cause });
}
