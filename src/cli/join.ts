// `join`: brings the services of a hub to this machine's localhost.
import type { PeerEvent, PeerView } from "../peer/events.ts";
import type { PortQuestion } from "../peer/port-choices.ts";
import { IDENTITY, readIdentity } from "./access-options.ts";
import type { Saved } from "./coming-back.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { readJoinWords } from "./join-words.ts";
import { COMMON, COMPRESSION, INVITATION, MAILBOX, NAME } from "./options.ts";
import { ownName } from "./own-name.ts";
import { PORTS, portChoices } from "./port-options.ts";
import { CONFIG } from "./project.ts";
import { readGivenName } from "./read-name.ts";
import { readSaved } from "./read-saved.ts";
import { SAVE } from "./saved-options.ts";
import { SHOW } from "./show-options.ts";
import { STATUS } from "./status-options.ts";

export const join = defineCommand({
	description: "Bring a hub's services to this machine's localhost",
	examples: [
		["hivemind-p2p join 5-hamburger-endorse", "Join with the code that the hub shows"],
		["hivemind-p2p join my-peer --ticket -", "Join as 'my-peer' with a ticket from standard input"],
		["hivemind-p2p join 5-hamburger-endorse --bind db=5433", "Put the service 'db' on another port"],
	],
	implied: /^\d+-\p{L}|^endpoint[a-z2-7]{20}|^@./u,
	args: {
		words: {
			type: "positional",
			variadic: true,
			description: "A name for this peer and the hub's invitation, in either order",
			words: {
				NAME: "A name for this peer, as with --name",
				"CODE|TICKET|@ALIAS": "The hub's join code or ticket, or a saved hub; before or after the name",
			},
		},
		...NAME,
		...INVITATION,
		...MAILBOX,
		...PORTS,
		...SAVE,
		"no-reconnect": { type: "boolean", description: "Exit when the hub is lost instead of looking for it again" },
		...STATUS,
		...SHOW,
		...IDENTITY,
		...NETWORK,
		...COMPRESSION,
		...CONFIG,
		...COMMON,
	},
	async run(options, stop, { cut, file }) {
		file?.announce();
		const { explicitInvitation, readInvitation } = await import("./invitation-options.ts");
		const words = readJoinWords(options.words, explicitInvitation(options));
		const alias = words.invitation?.kind === "saved" ? words.invitation.text : undefined;
		const name = readGivenName(options.name, words.name) ?? ownName("peer");
		const choices = portChoices(options);
		const endpoint = endpointOptions(options);
		const { Input } = await import("./terminal-input.ts");
		const { askForPort } = await import("./port-question.ts");
		const input = new Input(stop);
		const ask = input.canAsk ? (question: PortQuestion) => askForPort(question, input) : undefined;
		const identity = await readIdentity(options);
		let saved: Saved | undefined;
		try {
			// What a file says of joining with a code is not about coming back.
			const savedFor = (alias?: string) =>
				readSaved(alias, alias !== undefined && file?.gives("save") ? undefined : options.save, identity !== undefined);
			saved = await savedFor(alias);
			let invitation = saved?.ticket
				? { ticket: saved.ticket }
				: await readInvitation(options, words.invitation, input, stop);
			if (invitation && "alias" in invitation) {
				saved?.close();
				saved = await savedFor(invitation.alias);
				invitation = saved?.ticket ? { ticket: saved.ticket } : undefined;
			}
			if (!invitation) return;
			const [{ runPeer }, { peerReporter }, { PeerStatus }, { show }] = await Promise.all([
				import("../peer/run-peer.ts"),
				import("../peer/reporter.ts"),
				import("../peer/peer-status.ts"),
				import("./show.ts"),
			]);
			const report = peerReporter();
			const shown = await show(options, (process) => new PeerStatus({ name, process }));
			const bound = { ...endpoint, ...(identity && { key: identity.key }) };
			const onStart = (view: PeerView) => shown.source.attach(view);
			const more = { reconnect: !options["no-reconnect"], compress: !options["no-compress"], ...saved, onStart };
			const peer = { name, invitation, ports: { ...choices, ask }, endpoint: bound, ...more };
			const emit = (event: PeerEvent) => {
				// From now on nobody is asked: standard input belongs to whoever started this.
				if (event.type === "ready") input.close();
				report(event);
				shown.source.take(event);
			};
			await runPeer(peer, emit, stop, cut).finally(() => shown.close());
		} catch (error) {
			throw saved ? saved.explained(error) : error;
		} finally {
			input.close();
			saved?.close();
			identity?.close();
		}
	},
});
