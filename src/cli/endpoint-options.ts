// The options about the connection, from strings to typed values.
import { type Address, parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { ALPN, type AlpnName } from "../protocol/stream-header.ts";
import type { EndpointOptions } from "../transport/endpoint.ts";
import type { Definitions, Parsed } from "./definition.ts";

/** The options of each command that connects. */
export const NETWORK = {
	alpn: {
		type: "enum",
		options: Object.keys(ALPN) as AlpnName[],
		default: "hivemind",
		description: "ALPN of the connection, the same on both sides",
	},
	"ipv4-addr": {
		type: "string",
		valueHint: "ADDR",
		otherwise: "any address, a free port",
		description: "IPv4 UDP address to bind, for example 0.0.0.0:4433",
	},
	"ipv6-addr": {
		type: "string",
		valueHint: "ADDR",
		otherwise: "any address, a free port",
		description: "IPv6 UDP address to bind, for example [::]:4433",
	},
	"no-relay": {
		type: "boolean",
		description: "Direct connections only: no relay, no discovery service; works offline",
	},
	"relay-url": {
		type: "string",
		valueHint: "URL",
		repeatable: true,
		otherwise: "the public relays of n0",
		excludes: "no-relay",
		description: "Use this iroh relay, and no public relay or discovery service",
	},
} as const satisfies Definitions;

/** `relays` applies when the options name none. @throws HivemindError `usage` */
export function endpointOptions(
	options: Parsed<typeof NETWORK>,
	relays: "public" | "none" = "public",
): EndpointOptions {
	const urls = options["relay-url"];
	for (const url of urls) {
		if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
			throw new HivemindError("usage", `--relay-url: '${url}' is not an http or https URL.`, {
				hint: "Write it like https://relay.example.org",
			});
		}
	}
	const ipv4 = udpAddress(options["ipv4-addr"], 4);
	const ipv6 = udpAddress(options["ipv6-addr"], 6);
	return {
		alpn: options.alpn,
		...(ipv4 && { ipv4 }),
		...(ipv6 && { ipv6 }),
		relays: urls.length > 0 ? [...urls] : options["no-relay"] ? "none" : relays,
	};
}

// --- internal ---

function udpAddress(text: string | undefined, family: 4 | 6): Address | undefined {
	if (text === undefined) return undefined;
	const option = `--ipv${family}-addr`;
	const address = parseAddress(text, option);
	const loopback = family === 4 ? "127.0.0.1" : "::1";
	const host = address.host === "localhost" ? loopback : address.host;
	// parseAddress has already refused anything that only looks like an IP address.
	const found = host.includes(":") ? 6 : /^[\d.]+$/.test(host) ? 4 : undefined;
	if (found === family) return { host, port: address.port };
	throw new HivemindError("usage", `${option}: '${text}' is not an IPv${family} address.`, {
		hint: `Write it like ${family === 4 ? "0.0.0.0:4433" : "[::]:4433"}`,
	});
}
