// Binds a native endpoint: with which addresses and relays, and with an error that says why it did not work.
import { networkInterfaces } from "node:os";
import { type Address, formatAddress, isLoopback } from "../base/address.ts";
import { HivemindError, systemCode } from "../base/errors.ts";
import { ALPN, type AlpnName, PROBE_ALPN } from "../protocol/stream-header.ts";
import type { ChunkScheduler } from "./chunk-size.ts";
import { loadIroh, type Endpoint as NativeEndpoint, nativeReason, toNative } from "./iroh.ts";

export interface EndpointOptions {
	/** "probe" is for an endpoint that only checks whether a hub can be reached (PROBE_ALPN). */
	alpn: AlpnName | "probe";
	/** UDP addresses to bind; without them any address and a free port. */
	ipv4?: Address;
	ipv6?: Address;
	/** "public": n0's relays and discovery. "none": direct connections only. Else these relays and no others. */
	relays: "public" | "none" | string[];
	/** The secret key, 32 bytes; a new one when not given. */
	key?: Uint8Array;
	/** Shared with other endpoints whose streams are moved by the same thread; a new one when not given. */
	scheduler?: ChunkScheduler;
}

/** @throws HivemindError `bind` or `addon` */
export async function bindNative(options: EndpointOptions): Promise<NativeEndpoint> {
	const { Endpoint: Native, RelayMode } = await loadIroh();
	const attempt = (addresses: Address[]): Promise<NativeEndpoint> => {
		// Any use of a builder after bind() aborts the process (docs/binding-notes.md, "Crashes").
		const builder = Native.builder();
		if (options.relays === "public") builder.applyN0();
		else {
			builder.applyMinimal();
			builder.relayMode(options.relays === "none" ? RelayMode.disabled() : RelayMode.customFromUrls(options.relays));
		}
		builder.alpns([alpnBytes(options.alpn)]);
		if (options.key) builder.secretKey(toNative(options.key));
		for (const address of addresses) builder.bindAddr(formatAddress(address));
		return builder.bind();
	};
	const [preferred, fallback] = bindAddresses(options);
	try {
		return await attempt(preferred).catch((error) => (fallback ? attempt(fallback) : Promise.reject(error)));
	} catch (cause) {
		throw await bindError(fallback ?? preferred, cause);
	}
}

/** In the form that the loaded binding wants. */
export function alpnBytes(name: AlpnName | "probe"): number[] {
	return toNative(new TextEncoder().encode(name === "probe" ? PROBE_ALPN : ALPN[name]));
}

// --- internal ---

/**
 * What to bind, and what to try when that fails. Given one address family only, iroh binds the other one to every
 * interface and a random port (docs/binding-notes.md, "Relays"). So loopback for one means loopback for both, and a
 * fixed port is tried for both, because peers look for a restarted hub at its last address of either family.
 */
function bindAddresses({ ipv4, ipv6 }: EndpointOptions): [preferred: Address[], fallback?: Address[]] {
	if (!ipv4 === !ipv6) return [[ipv4, ipv6].filter((address) => address !== undefined)];
	const given = (ipv4 ?? ipv6) as Address;
	const loopback = isLoopback(given.host);
	const other = ipv4 ? (loopback ? "::1" : "::") : loopback ? "127.0.0.1" : "0.0.0.0";
	if (ipv4 && !hasIPv6Loopback()) return [[given]];
	const fallback = loopback ? [given, { host: other, port: 0 }] : [given];
	return given.port === 0 ? [fallback] : [[given, { host: other, port: given.port }], fallback];
}

function hasIPv6Loopback(): boolean {
	return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
}

/** iroh says "Failed to bind sockets" for every cause; a plain socket knows more (docs/binding-notes.md, "Relays"). */
async function bindError(addresses: Address[], cause: unknown): Promise<HivemindError> {
	for (const address of addresses) {
		try {
			const socket = await Bun.udpSocket({ hostname: address.host, port: address.port });
			socket.close();
		} catch (error) {
			const why = BIND_REASONS[systemCode(error)] ?? nativeReason(error);
			return new HivemindError("bind", `Cannot bind UDP ${formatAddress(address)}: ${why}.`, {
				hint: "Choose another address or port with --ipv4-addr or --ipv6-addr; port 0 picks a free one.",
				cause,
			});
		}
	}
	return new HivemindError("bind", `Cannot bind a UDP socket: ${nativeReason(cause)}.`, { cause });
}

const BIND_REASONS: Record<string, string> = {
	EADDRINUSE: "the port is in use",
	EADDRNOTAVAIL: "this machine has no such address",
	EACCES: "permission denied (ports below 1024 need root)",
};
