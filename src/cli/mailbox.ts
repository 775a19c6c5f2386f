// `mailbox`: runs a mailbox server, for a team or for machines without internet access.
import { parseAddress } from "../base/address.ts";
import { HivemindError, systemCode, unexpected } from "../base/errors.ts";
import { wasInterrupted } from "../base/interrupt.ts";
import { log, print, printEvent } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { aborted } from "../base/timers.ts";
import { PROGRAM } from "../base/version.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import type { ProgramEvent } from "../status/program-events.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import type { MailboxServer, MailboxServerOptions } from "../wormhole/server/server.ts";
import { defineCommand } from "./definition.ts";
import { COMMON } from "./options.ts";
import { EVENTS } from "./show-options.ts";

/**
 * Where no service of a development stack is to be expected, least of all our own: those count up from 3000, 4000, 5000,
 * 8000 and 9000. Below the ports from which systems take those of outgoing connections (32768 on Linux).
 */
const DEFAULT_ADDRESS = "127.0.0.1:14400";

export const mailbox = defineCommand({
	description: "Run a mailbox server for join codes, for a team or for use offline",
	examples: [
		["hivemind-p2p mailbox", "Serve join codes to this machine only"],
		["hivemind-p2p mailbox --listen 192.168.1.10:14400", "Serve a local network"],
		["hivemind-p2p mailbox --trust-proxy loopback", "Serve behind a reverse proxy on the same machine"],
	],
	args: {
		listen: {
			type: "string",
			valueHint: "ADDR",
			default: DEFAULT_ADDRESS,
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
		...EVENTS,
		...COMMON,
	},
	async run({ listen, "trust-proxy": networks, "allow-origin": origins }, stop) {
		const address = parseAddress(listen, "--listen");
		const { trustedProxies } = await import("../wormhole/server/proxies.ts");
		const rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
		const server = await start({
			...address,
			...(networks.length > 0 && { proxies: trustedProxies(networks) }),
			origins: origins.map(parseOrigin),
			onFault(reason) {
				// A stranger may be able to cause it again and again.
				if (rate.take()) log.error(unexpected(reason));
			},
		});
		print(`Mailbox server for join codes: ${server.url}

Use it on both sides:
  ${PROGRAM} share … --wormhole --wormhole-relay ${server.url}
  ${PROGRAM} join CODE --wormhole-relay ${server.url}

It keeps everything in memory and never sees a ticket. Press Ctrl+C to stop.
`);
		const tell = (event: ProgramEvent) => printEvent({ time: new Date().toISOString(), ...event });
		tell({ event: "ready", role: "mailbox", url: server.url });
		await aborted(stop);
		tell({ event: "stopping", interrupted: wasInterrupted(stop) });
		await server.stop();
	},
});

// --- internal ---

/** @throws HivemindError `listen`, which also says whose port that usually is */
async function start(options: MailboxServerOptions): Promise<MailboxServer> {
	const { startMailbox } = await import("../wormhole/server/server.ts");
	try {
		return startMailbox(options);
	} catch (error) {
		const usual = ORIGINAL_SERVICES.find((service) => parseAddress(service.defaultAddress, "").port === options.port);
		if (!usual || !(error instanceof HivemindError) || systemCode(error.cause) !== "EADDRINUSE") throw error;
		const hint = `On port ${options.port} there is usually the ${usual.name}. ${error.hint}`;
		throw new HivemindError("listen", error.message, { hint, cause: error.cause });
	}
}

/** An origin as browsers write it in their `Origin` header: without a path, the scheme's own port left out. */
function parseOrigin(text: string): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
	throw new HivemindError("usage", `--allow-origin: '${text}' is not the origin of a web page.`, {
		hint: "Write it like https://wormhole.example.org, without a path.",
	});
}
