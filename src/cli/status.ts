// `status`: asks a running hub or peer how it is, for a person, a script or a health check.
import { HivemindError, NegativeAnswer } from "../base/errors.ts";
import { notice, print } from "../base/output.ts";
import { printable } from "../base/printable.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";
import { readQuestion, STATUS_QUESTION } from "./status-options.ts";

export const status = defineCommand({
	description: "Show the status of a hub or peer that runs with --status",
	examples: [
		["hivemind-p2p status", "Show the hub or peer that runs with --status on this machine"],
		["hivemind-p2p status --check", "Succeed only if the hub can be joined, or the peer is connected"],
		["hivemind-p2p status --addr 127.0.0.1:4041 --json", "Print the status of another one as JSON"],
	],
	args: {
		...STATUS_QUESTION,
		json: { type: "boolean", description: "Print the status as JSON" },
		check: {
			type: "boolean",
			description: "Print nothing, and exit with 0 only if the hub can be joined or the peer is connected",
		},
		...COMMON,
	},
	async run({ json, check, ...options }, stop) {
		if (json && check) throw new HivemindError("usage", "--json and --check exclude each other.");
		const question = { ...readQuestion(options), stop };
		const { askHealth, askSnapshot } = await import("../status/client.ts");
		try {
			if (check) return await expectHealthy(askHealth(question));
			const snapshot = await askSnapshot(question);
			if (json) return print(JSON.stringify(snapshot));
			const { statusText } = await import("./status-text.ts");
			print(statusText(snapshot, Date.now()));
		} catch (error) {
			if (!stop.aborted || error !== stop.reason) throw error;
		}
	},
});

// --- internal ---

/** Health checks know yes and no: whatever is not a yes is a no. @throws NegativeAnswer */
async function expectHealthy(asked: Promise<string | undefined>): Promise<void> {
	const why = await asked.catch((error: unknown) => {
		if (error instanceof HivemindError) return error.message;
		throw error;
	});
	if (why === undefined) return;
	notice(printable(why));
	throw new NegativeAnswer();
}
