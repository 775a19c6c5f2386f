// From the words of a command line to the command that runs.
import { print, setVerbosity, useEvents } from "../base/output.ts";
import { PROGRAM, VERSION } from "../base/version.ts";
import { COMMANDS } from "./commands.ts";
import type { CommandTable } from "./definition.ts";
import { type Below, type Line, parse } from "./parse-args.ts";
import { type ProjectLayer, projectLayer } from "./project.ts";
import { EVENTS } from "./show-options.ts";

/**
 * Runs one command line until it is done or `stop` is aborted. What still runs then is not waited for once `cut` is
 * aborted. @throws HivemindError
 */
export async function run(argv: readonly string[], stop: AbortSignal, cut: AbortSignal): Promise<void> {
	const table: CommandTable = COMMANDS;
	let file: ProjectLayer | undefined;
	const below: Below = (command, typed) => {
		file = projectLayer(command, typed, table);
		return file?.values ?? new Map();
	};
	// A mistake on the command line is an event, too.
	const first = argv.find((word) => !word.startsWith("-")) ?? "";
	if (argv.includes("--json") && writesEvents(first, table)) useEvents();
	try {
		const line = argv.length === 0 ? HELP : parse(argv, COMMANDS, below);
		if (line.kind === "version") return print(`${PROGRAM} ${VERSION}`);
		if (line.kind === "help") {
			const { help } = await import("./help.ts");
			return print(await help(line.command, table));
		}
		setVerbosity(line.options.verbose);
		if ("json" in line.options && line.options.json && writesEvents(line.command, table)) useEvents();
		await table[line.command]?.run(line.options, stop, { cut, file, table });
	} catch (error) {
		throw file === undefined ? error : file.explain(error);
	}
}

// --- internal ---

/** Whether `--json` of this command makes standard output a list of events. */
const writesEvents = (command: string, table: CommandTable): boolean => table[command]?.args.json === EVENTS.json;

const HELP: Line<typeof COMMANDS> = { kind: "help", command: undefined };
