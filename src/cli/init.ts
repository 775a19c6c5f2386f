// `init`: writes a project file with the services that run on this machine.
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";
import { PROJECT_FILE } from "./project-file.ts";

export const init = defineCommand({
	description: `Write ${PROJECT_FILE}, with the services that run on this machine`,
	examples: [
		["hivemind-p2p init", "Show the services that run here, and ask which of them to write"],
		["hivemind-p2p init --yes", "Write all that are found, without a question"],
		["hivemind-p2p init --force", `Write a new ${PROJECT_FILE} in the place of an old one`],
	],
	args: {
		yes: { type: "boolean", alias: "y", description: "Take all services that are found, and do not ask" },
		force: { type: "boolean", description: `Replace a ${PROJECT_FILE} that is there already` },
		...COMMON,
	},
	async run(options, stop) {
		const { writeProject } = await import("./write-project.ts");
		await writeProject(options, stop);
	},
});
