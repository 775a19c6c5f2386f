// The accept loop with real connections: more at once than it may serve at once.
import { expect, test } from "bun:test";
import { Endpoint as Native, RelayMode } from "@number0/iroh";
import { formatTicket } from "../../src/invite/ticket.ts";
import { ALPN } from "../../src/protocol/stream-header.ts";
import { type AcceptOptions, Acceptor } from "../../src/transport/acceptor.ts";
import { ChunkScheduler } from "../../src/transport/chunk-size.ts";
import type { Connection } from "../../src/transport/connection.ts";
import type { EndpointEvent } from "../../src/transport/events.ts";
import type { Incoming, Endpoint as NativeEndpoint } from "../../src/transport/iroh.ts";
import { HANDSHAKE_BURST, HANDSHAKE_RETRY_FROM, HANDSHAKES_PER_SECOND } from "../../src/transport/limits.ts";
import { nativeBytes } from "../support/native-bytes.ts";
import { RawPeer } from "../support/raw-peer.ts";

/**
 * Enough to exceed the burst and to make sources prove their addresses, even on a slow machine that needs four seconds
 * to make all of them, while the hub is already serving the first.
 */
const CONNECTIONS = HANDSHAKE_BURST + HANDSHAKE_RETRY_FROM + 4 * HANDSHAKES_PER_SECOND;

interface Host extends AsyncDisposable {
	ticket: string;
	/** How often each method was called on its incoming connections. */
	calls: Map<string, number>;
	run(options: AcceptOptions): Promise<void>;
}

/** The method `broken` of its incoming connections rejects on its first call. */
async function host(broken?: keyof Incoming): Promise<Host> {
	const builder = Native.builder();
	builder.applyMinimal();
	builder.relayMode(RelayMode.disabled());
	builder.bindAddr("127.0.0.1:0");
	builder.bindAddr("[::1]:0");
	builder.alpns([nativeBytes(ALPN.hivemind)]);
	const endpoint = await builder.bind();
	const calls = new Map<string, number>();
	const watched = (incoming: Incoming): Incoming =>
		new Proxy(incoming, {
			get(target, name: keyof Incoming) {
				// `await` looks for `then`.
				if (!(name in target)) return undefined;
				calls.set(name, (calls.get(name) ?? 0) + 1);
				if (name === broken && calls.get(name) === 1) return () => Promise.reject(new Error(`injected into ${name}`));
				return target[name].bind(target);
			},
		});
	const accepting = {
		acceptNext: async () => {
			const incoming = await endpoint.acceptNext();
			return incoming && watched(incoming);
		},
		isClosed: () => endpoint.isClosed(),
	} as unknown as NativeEndpoint;
	return {
		ticket: await formatTicket({ address: endpoint.addr(), secret: undefined }),
		calls,
		run: (options) => new Acceptor(accepting, options, new ChunkScheduler()).run(),
		[Symbol.asyncDispose]: () => endpoint.close(),
	};
}

test.each([
	["", undefined],
	[", even if one check of that fails", "remoteAddrValidated"],
	[", even if one request for that proof fails", "retry"],
] as const)(
	"more connections than are served at once: all are served, and under load each source proves its address first%s",
	async (_, broken) => {
		await using hub = await host(broken);
		const inside: Connection[] = [];
		const events: EndpointEvent[] = [];
		const asked = new Set<string>();
		const running = hub.run({
			onConnection: (connection) => inside.push(connection),
			onEvent: (event) => events.push(event),
			isKnown: (hostOrId) => {
				asked.add(hostOrId);
				return false;
			},
			stop: new AbortController().signal,
		});
		const peers = await Promise.all(Array.from({ length: 8 }, () => RawPeer.make()));
		try {
			const connections = await Promise.all(
				Array.from({ length: CONNECTIONS }, (_, i) => (peers[i % peers.length] as RawPeer).connect(hub.ticket)),
			);
			expect(connections).toHaveLength(CONNECTIONS);
			expect(events).toEqual(broken ? [{ type: "attempt_failed", reason: `injected into ${broken}` }] : []);
			expect([...asked].every((name) => name === "127.0.0.1" || name === "0:0:0:0::/64")).toBe(true);
			expect(hub.calls.get("retry") ?? 0).toBeGreaterThan(0);
			expect(hub.calls.get("accept")).toBe(CONNECTIONS);
			for (const connection of connections) connection.close();
			await Promise.all(inside.map(({ closed }) => closed));
		} finally {
			for (const peer of peers) await peer[Symbol.asyncDispose]();
		}
		await hub[Symbol.asyncDispose]();
		await running;
	},
	60_000,
);
