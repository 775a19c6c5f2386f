// `help`: the same as --help, and what has no command of its own.
import { print } from "../base/output.ts";
import { defineCommand } from "./definition.ts";
import { TOPICS } from "./help-topics.ts";
import { COMMON } from "./options.ts";

/** The command, for a table that also has these. */
export const helpAbout = (commands: readonly string[]) =>
	defineCommand({
		description: "Show the help of a command, or explain a topic",
		examples: [
			["hivemind-p2p help share", "Show what 'share' takes"],
			["hivemind-p2p help services", "Explain how services are written"],
			["hivemind-p2p help exit-statuses", "List the exit statuses, for scripts"],
		],
		implied: new RegExp(`^(?:${Object.keys(TOPICS).join("|")})$`),
		args: {
			topic: {
				type: "positional",
				optional: true,
				values: [...commands, "help", ...Object.keys(TOPICS)],
				description: `A command, or a topic: ${Object.keys(TOPICS).join(", ")}`,
			},
			...COMMON,
		},
		async run({ topic }, _stop, { table }) {
			const { help } = await import("./help.ts");
			print(await help(topic, table));
		},
	});
