// `completions`: prints the completion script for a shell.
import { print } from "../base/output.ts";
import { PROGRAM } from "../base/version.ts";
import { completionScript, SHELLS } from "./completion-scripts.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";

export const completions = defineCommand({
	description: "Print the completion script for a shell",
	examples: [
		["source <(hivemind-p2p completions bash)", "Complete in this bash; put it into ~/.bashrc for all"],
		["source <(hivemind-p2p completions zsh)", "The same for zsh and ~/.zshrc"],
		["hivemind-p2p completions fish | source", "The same for fish and ~/.config/fish/config.fish"],
	],
	args: {
		shell: { type: "positional", values: SHELLS, description: `The shell: ${SHELLS.join(", ")}` },
		...COMMON,
	},
	async run({ shell }, _stop, { table }) {
		print(completionScript(shell, PROGRAM, table).trimEnd());
	},
});
