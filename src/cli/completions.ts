// `completions`: prints the completion script for a shell.
import { HivemindError } from "../base/errors.ts";
import { print } from "../base/output.ts";
import { PROGRAM } from "../base/version.ts";
import { completionScript, isShell, SHELLS } from "./completion-scripts.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";

export const completions = defineCommand({
	description: "Print the completion script for a shell",
	args: {
		shell: { type: "positional", values: SHELLS, description: `The shell: ${SHELLS.join(", ")}` },
		...COMMON,
	},
	async run({ shell }, _stop, { table }) {
		if (isShell(shell)) return print(completionScript(shell, PROGRAM, table).trimEnd());
		throw new HivemindError("usage", `'completions' supports ${SHELLS.join(", ")}, not '${shell}'.`);
	},
});
