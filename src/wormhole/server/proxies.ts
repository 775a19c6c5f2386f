// Where a connection comes from: its own address, or behind a trusted reverse proxy the one that X-Forwarded-For names.
// Anybody can send that header, so it counts only as far as each proxy on the way is trusted.
import { canonicalHost, isInBlock, isLiteral } from "../../base/address.ts";
import { HivemindError } from "../../base/errors.ts";
import { SERVER_HOPS_MAX } from "./limits.ts";

/** The addresses of trusted proxies, as blocks like 10.0.0.0/8. */
export type Proxies = readonly string[];

/**
 * Proxies by their networks: `loopback`, an address, or a block such as 10.0.0.0/8.
 * @throws HivemindError `usage`
 */
export function trustedProxies(networks: readonly string[]): Proxies {
	return networks.flatMap((text) => {
		if (text === "loopback") return ["127.0.0.0/8", "::1/128"];
		const block = text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`;
		if (isInBlock(block.split("/", 1)[0] as string, block)) return [block];
		throw new HivemindError("usage", `--trust-proxy: '${text}' is not a network.`, {
			hint: "Write loopback, an address, or a network such as 10.0.0.0/8.",
		});
	});
}

/** The client behind a connection from `address` with this X-Forwarded-For, if it has one. */
export function clientAddress(address: string, forwarded: string | null, proxies: Proxies): string {
	let client = canonicalHost(address);
	// Each proxy appends the address that it was connected from.
	for (const hop of (forwarded ?? "").split(",").slice(-SERVER_HOPS_MAX).reverse()) {
		const before = hopAddress(hop.trim());
		const trusted = proxies.some((block) => isInBlock(client, block));
		if (before === undefined || !trusted) break;
		client = before;
	}
	return client;
}

// --- internal ---

/** The address in a hop, to which some proxies add a port; undefined for `unknown` and the like. */
function hopAddress(hop: string): string | undefined {
	const [, bracketed, v4] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(hop) ?? [];
	const address = bracketed ?? v4 ?? hop;
	return isLiteral(address) ? canonicalHost(address) : undefined;
}
