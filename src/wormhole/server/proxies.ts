// Where a connection comes from: its own address, or behind a trusted reverse proxy the one that X-Forwarded-For names.
// Anybody can send that header, so it counts only as far as each proxy on the way is trusted.
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { unmapped } from "../../base/address.ts";
import { HivemindError } from "../../base/errors.ts";
import { SERVER_HOPS_MAX } from "./limits.ts";

/** The addresses of trusted proxies. */
export interface Proxies {
	has(address: string): boolean;
}

/**
 * Proxies by their networks: `loopback`, an address, or a network such as 10.0.0.0/8.
 * @throws HivemindError `usage`
 */
export function trustedProxies(networks: readonly string[]): Proxies {
	const list = new BlockList();
	for (const text of networks) {
		const [address = "", digits] = text.split("/", 2);
		const family = familyOf(address);
		const most = family === "ipv4" ? 32 : 128;
		const prefix = digits === undefined ? most : /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
		if (text === "loopback") {
			list.addSubnet("127.0.0.0", 8, "ipv4");
			list.addAddress("::1", "ipv6");
		} else if (family && prefix <= most && text.split("/").length <= 2) {
			list.addSubnet(address, prefix, family);
		} else {
			throw new HivemindError("usage", `--trust-proxy: '${text}' is not a network.`, {
				hint: "Write loopback, an address, or a network such as 10.0.0.0/8.",
			});
		}
	}
	return {
		has(address) {
			const family = familyOf(address);
			return family !== undefined && list.check(address, family);
		},
	};
}

/** The client behind a connection from `address` with this X-Forwarded-For, if it has one. */
export function clientAddress(address: string, forwarded: string | null, proxies: Proxies): string {
	let client = unmapped(address);
	// Each proxy appends the address that it was connected from.
	for (const hop of (forwarded ?? "").split(",").slice(-SERVER_HOPS_MAX).reverse()) {
		const before = hopAddress(hop.trim());
		if (!before || !proxies.has(client)) break;
		client = before;
	}
	return client;
}

// --- internal ---

function familyOf(address: string): "ipv4" | "ipv6" | undefined {
	if (isIPv4(address)) return "ipv4";
	return isIPv6(address) && !address.includes("%") ? "ipv6" : undefined;
}

/** The address in a hop, to which some proxies add a port; undefined for `unknown` and the like. */
function hopAddress(hop: string): string | undefined {
	const [, bracketed, v4] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(hop) ?? [];
	const address = unmapped(bracketed ?? v4 ?? hop);
	return familyOf(address) && address;
}
