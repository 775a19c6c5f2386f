// An iroh endpoint's life: bind, wait for a relay, ticket, accept, connect, close.
// Called by share.ts and join.ts; hands out Connections.
import { networkInterfaces } from "node:os";
import { type AcceptOptions, Door } from "./accept.ts";
import { type Address, formatAddress, isLoopback, parseAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { HivemindError, systemCode } from "./errors.ts";
import { ALPN, type AlpnName } from "./handshake.ts";
import {
	type EndpointAddr,
	loadIroh,
	type Endpoint as NativeEndpoint,
	nativeReason,
	pin,
	toNumbers,
	unpin,
} from "./iroh.ts";
import { CLOSE_MS, CONNECT_MS, HANDSHAKE_MS, RELAY_MS } from "./limits.ts";
import { formatTicket } from "./ticket.ts";

export interface EndpointOptions {
	alpn: AlpnName;
	/** UDP addresses to bind; none means any address and a free port. */
	ipv4?: Address;
	ipv6?: Address;
	/** "public": n0's relays and discovery. "none": direct connections only. Else the user's own relays, and nobody else's. */
	relays: "public" | "none" | string[];
	/** The secret key, 32 bytes; a new one when not given. */
	key?: Uint8Array;
}

/** @throws HivemindError `bind` or `addon` */
export async function bindEndpoint(options: EndpointOptions): Promise<Endpoint> {
	const { Endpoint: Native, RelayMode } = await loadIroh();
	const attempt = async (addresses: Address[]): Promise<Endpoint> => {
		// A builder is spent by bind(), and touching it again aborts the process (measured).
		const builder = Native.builder();
		if (options.relays === "public") builder.applyN0();
		else {
			builder.applyMinimal();
			builder.relayMode(options.relays === "none" ? RelayMode.disabled() : RelayMode.customFromUrls(options.relays));
		}
		builder.alpns([alpnBytes(options.alpn)]);
		if (options.key) builder.secretKey(toNumbers(options.key));
		for (const address of addresses) builder.bindAddr(formatAddress(address));
		return new Endpoint(await builder.bind(), options);
	};
	const [preferred, fallback] = bindAddresses(options);
	try {
		return await attempt(preferred).catch((error) => (fallback ? attempt(fallback) : Promise.reject(error)));
	} catch (cause) {
		throw await bindError(fallback ?? preferred, cause);
	}
}

export class Endpoint {
	#native: NativeEndpoint;
	#options: EndpointOptions;
	#handshakes: ReadonlySet<Promise<void>> = new Set();
	#closing: Promise<void> | undefined;

	constructor(native: NativeEndpoint, options: EndpointOptions) {
		this.#native = pin(native);
		this.#options = options;
	}

	/** Waits for a relay at most {@link RELAY_MS}; false when none answered. True at once where none is wanted. */
	async online(): Promise<boolean> {
		if (this.#options.relays === "none") return true;
		let timer: Timer | undefined;
		const timeout = new Promise<false>((resolve) => {
			timer = setTimeout(() => resolve(false), RELAY_MS);
		});
		const online = this.#native.online().then(
			() => true,
			() => false,
		);
		const reached = await Promise.race([online, timeout]);
		clearTimeout(timer);
		return reached;
	}

	/** The ticket that leads here, as of now, with the hub's secret. */
	ticket(secret: string | undefined): Promise<string> {
		return formatTicket({ address: this.#native.addr(), secret });
	}

	/** Hands over each new connection, until the endpoint closes. Never rejects. */
	accept(options: AcceptOptions): Promise<void> {
		const door = new Door(this.#native, options);
		this.#handshakes = door.handshakes;
		return door.open();
	}

	/** The relay it is reachable by, or null. */
	relay(): string | null {
		return this.#native.addr().relayUrl();
	}

	/** What binds another endpoint with the same key and, where they are free again, the same ports. */
	rebindOptions(): Pick<EndpointOptions, "key" | "ipv4" | "ipv6"> {
		const bound = this.#native.boundSockets().map((text) => parseAddress(text, "bound socket"));
		const ipv4 = bound.find(({ host }) => !host.includes(":"));
		const ipv6 = bound.find(({ host }) => host.includes(":"));
		return { key: new Uint8Array(this.#native.secretKey().toBytes()), ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
	}

	/** What binds a second endpoint with the same key beside this one: on other ports, and without relays. */
	directTwin(): EndpointOptions {
		const { alpn, ipv4, ipv6 } = this.#options;
		const key = new Uint8Array(this.#native.secretKey().toBytes());
		return {
			alpn,
			relays: "none",
			key,
			...(ipv4 && { ipv4: { ...ipv4, port: 0 } }),
			...(ipv6 && { ipv6: { ...ipv6, port: 0 } }),
		};
	}

	/**
	 * Connects within `timeoutMs`.
	 * @throws HivemindError `unreachable` or `alpn`
	 */
	async connect(address: EndpointAddr, timeoutMs = CONNECT_MS): Promise<Connection> {
		const connecting = this.#native.connect(address, alpnBytes(this.#options.alpn));
		let timer: Timer | undefined;
		const timeout = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
		});
		try {
			return new Connection(await Promise.race([connecting, timeout]));
		} catch (cause) {
			// An attempt given up goes on inside iroh, and may still succeed (measured).
			connecting.then(
				(late) => late.close(0n, []),
				() => {},
			);
			throw connectError(address, this.#options, cause);
		} finally {
			clearTimeout(timer);
		}
	}

	/**
	 * Waits for the handshakes under way, {@link HANDSHAKE_MS} at most: to the peer such a connection is there already,
	 * and it should hear why it ends.
	 */
	async settled(): Promise<void> {
		await Promise.race([Promise.all(this.#handshakes), Bun.sleep(HANDSHAKE_MS)]);
	}

	/** Resolves when the other sides have been told, after {@link CLOSE_MS} at the latest. Idempotent. */
	close(): Promise<void> {
		this.#closing ??= Promise.race([this.#native.close().catch(() => {}), Bun.sleep(CLOSE_MS)]).then(() =>
			unpin(this.#native),
		);
		return this.#closing;
	}
}

// --- internal ---

const alpnBytes = (name: AlpnName): number[] => [...new TextEncoder().encode(ALPN[name])];

/**
 * What to bind, and what to try when that fails. Unasked, iroh binds the other family to every interface and a random
 * port: loopback for one means loopback for both, and a fixed port is tried for both, because a peer looks for a hub
 * that was restarted where it last was, whichever family that is.
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

/** iroh says "Failed to bind sockets" for every cause; a plain socket on the same address knows which. */
async function bindError(addresses: Address[], cause: unknown): Promise<HivemindError> {
	for (const address of addresses) {
		try {
			const socket = await Bun.udpSocket({ hostname: address.host, port: address.port });
			socket.close();
		} catch (error) {
			const why = BIND_REASONS[systemCode(error)] ?? nativeReason(error);
			return new HivemindError("bind", `Cannot bind UDP ${formatAddress(address)}: ${why}.`, {
				hint: "Choose another address or port with --ipv4-addr or --ipv6-addr; port 0 takes a free one.",
				cause,
			});
		}
	}
	return new HivemindError("bind", `Cannot bind a UDP socket: ${nativeReason(cause)}.`, { cause });
}

const BIND_REASONS: Record<string, string> = {
	EADDRINUSE: "the port is in use",
	EADDRNOTAVAIL: "this machine has no such address",
	EACCES: "this port needs more rights",
};

function connectError(address: EndpointAddr, options: EndpointOptions, cause: unknown): HivemindError {
	const text = nativeReason(cause);
	if (/known protocol|NoApplicationProtocol/.test(text)) {
		return new HivemindError("alpn", `The hub speaks another protocol than --alpn ${options.alpn}.`, {
			hint: "Start both sides with the same --alpn: hivemind (the default) or federated-hivemind.",
			cause,
		});
	}
	const direct = address.directAddresses();
	const relay = options.relays === "none" ? null : address.relayUrl();
	const tried = [...direct, ...(relay ? [`relay ${relay}`] : [])];
	const more =
		options.relays === "none" && address.relayUrl() ? " Without --no-relay its relay could be tried too." : "";
	return new HivemindError(
		"unreachable",
		`Cannot reach the hub: ${text}. Tried ${tried.join(", ") || "no address at all"}.`,
		{
			hint: `Is the hub still running? Its ticket changes when it restarts.${more}`,
			cause,
		},
	);
}
