// `share`: makes this machine the hub for one or more services.
import { HivemindError } from "../base/errors.ts";
import { notice } from "../base/output.ts";
import { PROGRAM } from "../base/version.ts";
import type { HubEvent, HubView } from "../hub/events.ts";
import { SERVICES_MAX } from "../protocol/limits.ts";
import { ACCESS, IDENTITY, ROTATE, readIdentity, readPolicy } from "./access-options.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import type { FromFile } from "./from-file.ts";
import { CODES, COMMON, COMPRESSION, NAME } from "./options.ts";
import { ownName } from "./own-name.ts";
import { CONFIG } from "./project.ts";
import { findProjectFile, PROJECT_FILE } from "./project-file.ts";
import { readGivenName } from "./read-name.ts";
import { readServiceArgs } from "./service-args.ts";
import { SHOW } from "./show-options.ts";
import { STATUS } from "./status-options.ts";

export const share = defineCommand({
	description: "Share services: make this machine the hub",
	examples: [
		["hivemind-p2p share 3000 --wormhole", "Share the web server on port 3000, and show a join code"],
		["hivemind-p2p share 3000 8000 4000 my-hub", "Share a frontend, a backend and a WebSocket as 'my-hub'"],
		[
			"hivemind-p2p share web=3000 db=db.local:5432",
			"Share services by names of your choice, one from another machine",
		],
	],
	implied: /^\d{1,5}$|:\d{1,5}$|^[a-z][a-z0-9-]*=/,
	args: {
		words: {
			type: "positional",
			variadic: true,
			description: "The services, then a name for this hub",
			words: {
				"SERVICE...": `PORT, HOST:PORT or NAME=PORT, up to ${SERVICES_MAX}; 'help services' says more`,
				NAME: "A name for this hub, as with --name",
			},
		},
		...NAME,
		...CODES,
		...IDENTITY,
		...ROTATE,
		...ACCESS,
		...STATUS,
		...SHOW,
		...NETWORK,
		...COMPRESSION,
		...CONFIG,
		...COMMON,
	},
	async run(options, stop, { cut, file }) {
		const typed = readServiceArgs(options.words);
		const fromFile = typed.services.length > 0 ? [] : readServiceArgs(file?.services ?? []).services;
		const services = [...typed.services, ...fromFile];
		const name = readGivenName(options.name, typed.name) ?? file?.name ?? ownName("hub");
		if (services.length === 0) throw noServices(typed.name, file);
		file?.announce(fromFile);
		const { codeOptions } = await import("./invitation-options.ts");
		const codes = codeOptions(options);
		const endpoint = endpointOptions(options);
		const policyFor = readPolicy(options);
		const identity = await readIdentity(options);
		try {
			const policy = policyFor(identity);
			const fixed = endpoint.relays !== "none" || Boolean(endpoint.ipv4?.port || endpoint.ipv6?.port);
			if (identity && !fixed) {
				notice(
					"Without a relay the ticket changes at each start, unless the UDP port is fixed: --ipv4-addr 0.0.0.0:4433.",
				);
			}
			const lasting = identity !== undefined && fixed;
			const bound = { ...endpoint, ...(identity && { key: identity.key }) };
			const [{ runHub }, { hubReporter }, { HubStatus }, { show }] = await Promise.all([
				import("../hub/run-hub.ts"),
				import("../hub/reporter.ts"),
				import("../hub/hub-status.ts"),
				import("./show.ts"),
			]);
			const report = hubReporter({ qr: codes?.qr ?? false });
			const shown = await show(options, (process) => new HubStatus({ name, services, process }));
			const compress = !options["no-compress"];
			const hub = { name, services, policy, lasting, compress, endpoint: bound, ...(codes && { codes }) };
			const onStart = (view: HubView) => shown.source.attach(view);
			const emit = (event: HubEvent) => {
				report(event);
				shown.source.take(event);
			};
			await runHub({ ...hub, onStart }, emit, stop, cut).finally(() => shown.close());
		} finally {
			identity?.close();
		}
	},
});

// --- internal ---

function noServices(name: string | undefined, file: FromFile | undefined): HivemindError {
	const host = name === undefined ? "" : ` If '${name}' is the machine of one, write ${name}:3000.`;
	const how = `Write its port, host:port or name=port, for example: share 3000, or share web=3000 api=8000 my-hub.${host}`;
	// Nothing about `init` where there is a file already: why that is not read has been said.
	const list =
		findProjectFile(undefined).kind === "none"
			? ` Or list them in ${PROJECT_FILE}, which '${PROGRAM} init' writes.`
			: "";
	const hint = file ? `${file.path} has none: add some below [services]. Or write them here: share 3000.` : how + list;
	return new HivemindError("usage", "'share' needs a service.", { hint });
}
