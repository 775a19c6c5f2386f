// `share`: makes this machine the hub for three services.
import { parseAddress } from "../base/address.ts";
import { notice } from "../base/output.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import { ACCESS, IDENTITY, ROTATE, readIdentity, readPolicy } from "./access-options.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { CODES, COMMON } from "./options.ts";
import { readName } from "./read-name.ts";

export const share = defineCommand({
	description: "Make this machine the hub for three services",
	args: {
		frontend: { type: "positional", description: "Address of the frontend, host:port" },
		backend: { type: "positional", description: "Address of the backend, host:port" },
		websocket: { type: "positional", description: "Address of the WebSocket service, host:port" },
		name: { type: "positional", description: "A name for this hub" },
		...CODES,
		...IDENTITY,
		...ROTATE,
		...ACCESS,
		...NETWORK,
		...COMMON,
	},
	async run(options, stop, { cut }) {
		const name = readName(options.name);
		const services = ORIGINAL_SERVICES.map(({ portId, name, scheme }) => {
			return { portId, name, scheme, address: parseAddress(options[name], `The ${name}`, false) };
		});
		const { codeOptions } = await import("./invitation-options.ts");
		const codes = codeOptions(options);
		const endpoint = endpointOptions(options);
		const policyFor = readPolicy(options);
		const identity = readIdentity(options);
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
			const [{ runHub }, { hubReporter }] = await Promise.all([
				import("../hub/run-hub.ts"),
				import("../hub/reporter.ts"),
			]);
			const report = hubReporter({ qr: codes?.qr ?? false });
			await runHub({ name, services, policy, lasting, endpoint: bound, ...(codes && { codes }) }, report, stop, cut);
		} finally {
			identity?.close();
		}
	},
});
