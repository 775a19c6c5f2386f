// The text of a project file as a table, and the lines of what is wrong with it. Bun's TOML tells no positions. They are
// found by parsing ever fewer or ever more lines, so that they cannot contradict the parser. Pure.
import { firstLine, HivemindError } from "../base/errors.ts";
import { PROJECT_LINES_MAX } from "./limits.ts";

export type TomlTable = Readonly<Record<string, unknown>>;

/** `path` is for the message. @throws HivemindError `usage`, with the line and what the parser says about it */
export function parseToml(text: string, path: string): TomlTable {
	const found = attempt(text);
	if (found.table) return found.table;
	const line = lineOfMistake(text, found.mistake);
	throw new HivemindError("usage", `${place(path, line)}: ${found.mistake}.`, {
		hint: "The file is not valid TOML (https://toml.io).",
	});
}

/** The line, from 1, with which the value at these keys begins; undefined if the text, or a very long one, has none. */
export function lineOf(text: string, keys: readonly string[]): number | undefined {
	let begin = 1;
	for (let count = 1; count <= Math.min(linesOf(text).length, PROJECT_LINES_MAX); count++) {
		const { table } = attempt(beginning(text, count));
		// The statement is not finished.
		if (!table) continue;
		if (has(table, keys)) return begin;
		begin = count + 1;
	}
	return undefined;
}

/** "hivemind.toml, line 4" */
export const place = (path: string, line: number | undefined): string =>
	line === undefined ? path : `${path}, line ${line}`;

// --- internal ---

function attempt(text: string): { table: TomlTable; mistake?: never } | { table?: never; mistake: string } {
	try {
		return { table: Bun.TOML.parse(text) as TomlTable };
	} catch (error) {
		return { mistake: readable(firstLine(error)) };
	}
}

/**
 * The parser stops at the first mistake, so every text that ends behind it fails in the same way: the mistake is in the
 * last line without which it is gone, or another one.
 */
function lineOfMistake(text: string, mistake: string): number | undefined {
	let line = linesOf(text).length;
	if (line > PROJECT_LINES_MAX) return undefined;
	while (line > 1 && attempt(beginning(text, line - 1)).mistake === mistake) line--;
	return line;
}

/** What Bun says, with words for the bytes that it shows as numbers. */
const readable = (message: string) =>
	message
		.replace(/^TOML Parse error: |\.$/g, "")
		.replace("(0x0A)", "the end of the line")
		.replace(/\(0x[89A-F][0-9A-F]\)/, "a character outside ASCII");

const linesOf = (text: string) => text.split(/\r?\n/);
/** With the last line's end, which the parser may complain about. */
const beginning = (text: string, count: number) => `${linesOf(text).slice(0, count).join("\n")}\n`;

function has(table: TomlTable, keys: readonly string[]): boolean {
	let value: unknown = table;
	for (const key of keys) {
		if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
		value = (value as TomlTable)[key];
	}
	return true;
}
