// `join`: brings the services of a hub to this machine's localhost.
import type { PortQuestion } from "../peer/port-choices.ts";
import { IDENTITY, readIdentity } from "./access-options.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { COMMON, INVITATION, MAILBOX } from "./options.ts";
import { PORTS, portChoices } from "./port-options.ts";
import { readName } from "./read-name.ts";

export const join = defineCommand({
	description: "Bring a hub's services to this machine's localhost",
	args: {
		name: { type: "positional", description: "A name for this peer" },
		...INVITATION,
		...MAILBOX,
		...PORTS,
		"no-reconnect": { type: "boolean", description: "Exit when the hub is lost instead of looking for it again" },
		...IDENTITY,
		...NETWORK,
		...COMMON,
	},
	async run(options, stop, { cut }) {
		const name = readName(options.name);
		const choices = portChoices(options);
		const endpoint = endpointOptions(options);
		const [{ Input }, { askForPort }, { readInvitation }] = await Promise.all([
			import("./terminal-input.ts"),
			import("./port-question.ts"),
			import("./invitation-options.ts"),
		]);
		const input = new Input(stop);
		const ask = input.canAsk ? (question: PortQuestion) => askForPort(question, input) : undefined;
		const identity = readIdentity(options);
		try {
			const invitation = await readInvitation(options, input, stop);
			if (!invitation) return;
			const bound = { ...endpoint, ...(identity && { key: identity.key }) };
			const reconnect = !options["no-reconnect"];
			const [{ runPeer }, { peerReporter }] = await Promise.all([
				import("../peer/run-peer.ts"),
				import("../peer/reporter.ts"),
			]);
			const report = peerReporter();
			await runPeer(
				{ name, invitation, ports: { ...choices, ask }, reconnect, endpoint: bound },
				(event) => {
					// From now on nobody is asked: standard input belongs to whoever started this.
					if (event.type === "ready") input.close();
					report(event);
				},
				stop,
				cut,
			);
		} finally {
			input.close();
			identity?.close();
		}
	},
});
