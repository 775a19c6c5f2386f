// Options come from the command line, the environment and the project file. What a higher layer decides is not taken from
// a lower one, nor is what that excludes or makes pointless. Within one layer either is an error. Pure.
import { HivemindError } from "../base/errors.ts";
import type { Definitions } from "./definition.ts";

/** An option's value: for a flag how often it is given, 0 if it is switched off; a list if it is repeatable. */
export type Value = string | string[] | number;

/** By long name, in the order in which they were given. */
export type Values = Map<string, Value>;

/** What is left of a file's values below those that were typed and those of the environment. */
export function beneath(file: Values, typed: Values, args: Definitions, environment: NodeJS.ProcessEnv): Values {
	const isSet = (name: string) => Boolean(environment[relationsOf(args, name).variable ?? ""]);
	const counts = ([name]: [string, Value]) => {
		const { needs = "" } = relationsOf(args, name);
		if (typed.has(name) || isSet(name) || typed.get(needs) === 0) return false;
		return !Object.keys(args).some(
			(other) =>
				(isOn(typed, other) || isSet(other)) &&
				(relationsOf(args, name).excludes === other || relationsOf(args, other).excludes === name),
		);
	};
	return new Map([...file].filter(counts));
}

/** @throws HivemindError `usage` for an option that excludes another one, or does nothing without one */
export function checkRelations(values: Values, args: Definitions): void {
	for (const name of values.keys()) {
		if (!isOn(values, name)) continue;
		const { excludes, needs } = relationsOf(args, name);
		if (excludes !== undefined && isOn(values, excludes)) {
			throw new HivemindError("usage", `--${name} and --${excludes} exclude each other.`);
		}
		if (needs !== undefined && args[needs] && !isOn(values, needs)) {
			throw new HivemindError("usage", `--${name} does nothing without --${needs}.`, { hint: `Add --${needs}.` });
		}
	}
}

// --- internal ---

function isOn(values: Values, name: string): boolean {
	const value = values.get(name);
	return value !== undefined && value !== 0;
}

interface Relations {
	readonly excludes?: string;
	readonly needs?: string;
	readonly variable?: string;
}

function relationsOf(args: Definitions, name: string): Relations {
	const definition = args[name];
	return definition === undefined || definition.type === "positional" ? {} : definition;
}
