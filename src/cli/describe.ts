// What help, completions and docs/cli.md say of a definition.
import type { Definition, Definitions } from "./definition.ts";

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

/** What the help calls the arguments of a command, in order. */
export function argumentRows(args: Definitions): { label: string; optional: boolean; description: string }[] {
	return Object.entries(args).flatMap(([name, definition]) => {
		if (definition.type !== "positional") return [];
		const { words = { [name.toUpperCase()]: definition.description }, optional, variadic } = definition;
		return Object.entries(words).map(([label, description]) => {
			return { label, optional: Boolean(optional ?? variadic), description };
		});
	});
}
