// One option's value in a project file, as the command line would give it: a flag is true or false, a repeatable option
// a list, and what is NAME=VALUE on the command line may be a table. Pure.
import { dirname, isAbsolute, join } from "node:path";
import type { Choice, Flag, Text } from "./definition.ts";
import { isPair, type Value } from "./layers.ts";

export type Option = Flag | Choice | Text;

/** What a value in the file at `path` means for this option; undefined if it is none of {@link wanted}. */
export function readValue(value: unknown, definition: Option, path: string): Value | undefined {
	switch (definition.type) {
		case "boolean":
			if (typeof value === "boolean") return Number(value);
			return definition.counted && Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
		case "enum":
			return definition.options.find((option) => option === value);
		case "string": {
			if (value === true && definition.next) return true;
			const texts = readTexts(value, definition, path);
			return definition.repeatable ? texts : texts?.[0];
		}
	}
}

/** The values that an option may have, to be read after "must be". */
export function wanted(definition: Option): string {
	if (definition.type === "boolean") return definition.counted ? "true, false or a whole number" : "true or false";
	if (definition.type === "enum") return `one of ${definition.options.join(", ")}`;
	const one = `a string (${definition.valueHint})`;
	if (definition.next) return `${one} or true`;
	if (isPair(definition)) return `${one}, an array of them, or a table like { web = 3001 }`;
	return definition.repeatable ? `${one} or an array of them` : `${one} or a whole number`;
}

/** A text or a number as a text, if there is something in it that can be an argument. */
export function textOf(value: unknown): string | undefined {
	if (Number.isSafeInteger(value)) return String(value);
	return typeof value === "string" && value !== "" && !value.includes("\0") ? value : undefined;
}

/** What a value is, in the words of an error. */
export function kindOf(value: unknown): string {
	if (typeof value === "string") return value === "" ? "an empty string" : `'${value}'`;
	if (typeof value !== "object" || value === null) return String(value);
	const kind = Array.isArray(value) ? "an array" : isTable(value) ? "a table" : "a date or a time";
	const wrong = Object.values(value).find((one) => textOf(one) === undefined);
	return wrong === undefined || typeof wrong === "object" ? kind : `${kind} with ${kindOf(wrong)}`;
}

export const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
	typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

// --- internal ---

/** All that are given; undefined if one of them cannot be. */
function readTexts(value: unknown, definition: Text, path: string): string[] | undefined {
	const items =
		isPair(definition) && isTable(value)
			? Object.entries(value).map(([name, one]) => textOf(one) && `${name}=${textOf(one)}`)
			: (definition.repeatable && Array.isArray(value) ? value : [value]).map(textOf);
	const found = items.filter((text) => text !== undefined);
	if (found.length < items.length) return undefined;
	return definition.valueHint === "FILE" ? found.map((text) => beside(path, text)) : found;
}

/** A relative path in a file starts from that file's folder. */
function beside(path: string, text: string): string {
	return isAbsolute(text) || dirname(path) === "." ? text : join(dirname(path), text);
}
