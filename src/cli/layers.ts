// Options come from the command line, the environment and the project file. What a higher layer decides is not taken from
// a lower one, nor is what that excludes or makes pointless. Within one layer either is an error. Pure.
import { HivemindError } from "../base/errors.ts";
import type { Definition, Definitions } from "./definition.ts";
import type { Related } from "./related.ts";

/**
 * An option's value: for a flag how often it is given, 0 if it is switched off; a list if it is repeatable; true where its
 * value is left out.
 */
export type Value = string | string[] | number | true;

/** By long name, in the order in which they were given. */
export type Values = Map<string, Value>;

/** What is left of a file's values below those that were typed and those of the environment. */
export function beneath(file: Values, typed: Values, args: Definitions, environment: NodeJS.ProcessEnv): Values {
	const isSet = (name: string) => Boolean(environment[relationsOf(args[name]).variable ?? ""]);
	const above = Object.keys(args).filter((name) => isOn(typed, name) || isSet(name));
	const left = ([name, value]: [string, Value]): [string, Value][] => {
		const { excludes, needs = "", narrows, insteadOf: [option = "", key = ""] = [] } = relationsOf(args[name]);
		const excluded = above.some((other) => excludes === other || relationsOf(args[other]).excludes === name);
		if (isSet(name) || excluded || typed.get(needs) === 0 || isDecided(option, key, typed, args)) return [];
		if (!Array.isArray(value) || !isPair(args[name])) {
			if (typed.has(name)) return [];
			const also = narrows === undefined ? [] : keysOf(narrows, typed, args);
			return [[name, Array.isArray(value) ? [...new Set([...value, ...also])] : value]];
		}
		const rest = value.filter((pair) => !isDecided(name, keyOf(pair), typed, args));
		return rest.length > 0 ? [[name, rest]] : [];
	};
	return new Map([...file].flatMap(left));
}

/** The typed values with those below them. Of NAME=VALUE each name is a value of its own. */
export function layered(below: Values, typed: Values, args: Definitions): Values {
	const all = new Map([...below, ...typed]);
	for (const [name, value] of below) {
		if (isPair(args[name]) && typed.has(name)) all.set(name, [value, typed.get(name) as string[]].flat() as string[]);
	}
	return all;
}

/** @throws HivemindError `usage` for an option that excludes another one, or does nothing without one */
export function checkRelations(values: Values, args: Definitions): void {
	for (const name of values.keys()) {
		if (!isOn(values, name)) continue;
		const { excludes, needs } = relationsOf(args[name]);
		if (excludes !== undefined && isOn(values, excludes)) {
			throw new HivemindError("usage", `--${name} and --${excludes} exclude each other.`);
		}
		if (needs !== undefined && args[needs] && !isOn(values, needs)) {
			throw new HivemindError("usage", `--${name} does nothing without --${needs}.`, { hint: `Add --${needs}.` });
		}
	}
}

/** Whether an option's values are NAME=VALUE. */
export const isPair = (definition: Definition | undefined): boolean =>
	definition?.type === "string" && Boolean(definition.repeatable) && definition.valueHint.includes("=");

// --- internal ---

function isOn(values: Values, name: string): boolean {
	const value = values.get(name);
	return value !== undefined && value !== 0;
}

const keyOf = (pair: string) => pair.split("=", 1)[0] as string;

/** Whether NAME=VALUE of this option is typed for that name, or what is typed leaves the name out. */
function isDecided(option: string, key: string, typed: Values, args: Definitions): boolean {
	const lists = [...typed.keys()].filter((name) => relationsOf(args[name]).narrows === option);
	const leftOut = lists.some((name) => !namesIn(typed.get(name)).includes(key));
	return key !== "" && (leftOut || keysOf(option, typed, args).includes(key));
}

/** The names for which a value of this option was typed, also by an option that stands for it. */
function keysOf(option: string, typed: Values, args: Definitions): string[] {
	const own = [typed.get(option) ?? []].flat().map((pair) => keyOf(String(pair)));
	const others = [...typed.keys()].flatMap((name) => {
		const [of, key] = relationsOf(args[name]).insteadOf ?? [];
		return of === option && key !== undefined ? [key] : [];
	});
	return [...own, ...others];
}

/** The names in lists like `web,api`. */
const namesIn = (value: Value | undefined): string[] =>
	[value ?? []].flat().flatMap((list) =>
		String(list)
			.split(",")
			.map((name) => name.trim()),
	);

const relationsOf = (definition: Definition | undefined): Related & { readonly variable?: string } =>
	definition === undefined || definition.type === "positional" ? {} : definition;
