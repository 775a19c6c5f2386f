// `mailbox`: a mailbox server of one's own, for a team or for machines without internet.
import { parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { log, print } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { aborted } from "../base/timers.ts";
import { PROGRAM } from "../base/version.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";

export const mailbox = defineCommand({
	description: "Run a mailbox server for join codes, for a team or without internet",
	args: {
		listen: {
			type: "string",
			valueHint: "ADDR",
			default: "127.0.0.1:4000",
			description: "TCP address to listen on",
		},
		"trust-proxy": {
			type: "string",
			valueHint: "NETWORK",
			repeatable: true,
			otherwise: "none",
			description:
				"Reverse proxies whose X-Forwarded-For is believed: loopback, an address, or a network like 10.0.0.0/8",
		},
		"allow-origin": {
			type: "string",
			valueHint: "ORIGIN",
			repeatable: true,
			otherwise: "none",
			description: "Let web pages of this origin connect, for example https://wormhole.example.org",
		},
		...COMMON,
	},
	async run({ listen, "trust-proxy": networks, "allow-origin": origins }, stop) {
		const address = parseAddress(listen, "--listen");
		const { trustedProxies } = await import("../wormhole/server/proxies.ts");
		const { startMailbox } = await import("../wormhole/server/server.ts");
		const rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
		const server = startMailbox({
			...address,
			...(networks.length > 0 && { proxies: trustedProxies(networks) }),
			origins: origins.map(parseOrigin),
			onFault(reason) {
				// A stranger may be able to cause it again and again.
				if (rate.take()) log.error(`Unexpected (a bug, please report it): ${reason}`);
			},
		});
		print(`Mailbox server for join codes: ${server.url}

Use it on both sides:
  ${PROGRAM} share … --wormhole --wormhole-relay ${server.url}
  ${PROGRAM} join <name> --wormhole-relay ${server.url} --join-code <code>

It keeps codes in memory and sees no ticket. Press Ctrl+C to stop.
`);
		await aborted(stop);
		await server.stop();
	},
});

// --- internal ---

/** An origin as browsers write it in their `Origin` header: without a path, the scheme's own port left out. */
function parseOrigin(text: string): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
	throw new HivemindError("usage", `--allow-origin: '${text}' is not the origin of a web page.`, {
		hint: "Write it like https://wormhole.example.org, without a path.",
	});
}
