// The endpoint's door with real connections: more that knock at once than may come in at once.
import { expect, test } from "bun:test";
import { Endpoint as Native, RelayMode } from "@number0/iroh";
import { formatTicket } from "../../src/invite/ticket.ts";
import { ALPN } from "../../src/protocol/stream-header.ts";
import { type AcceptOptions, Acceptor } from "../../src/transport/acceptor.ts";
import type { Connection } from "../../src/transport/connection.ts";
import type { Incoming, Endpoint as NativeEndpoint } from "../../src/transport/iroh.ts";
import { ARRIVALS_BURST, ARRIVALS_CROWDED, ARRIVALS_PER_SECOND } from "../../src/transport/limits.ts";
import { RawPeer } from "../support/raw-peer.ts";

/**
 * More than the burst and the crowd, so that some must prove their addresses: also where a slow machine takes four
 * seconds to knock so often, and the hub lets in who came first meanwhile.
 */
const KNOCKS = ARRIVALS_BURST + ARRIVALS_CROWDED + 4 * ARRIVALS_PER_SECOND;

interface Host extends AsyncDisposable {
	ticket: string;
	/** Which methods of its Incomings were called, and how often. */
	calls: Map<string, number>;
	open(options: AcceptOptions): Promise<void>;
}

/** Its Incomings' method `broken` rejects the first time that it is called. */
async function host(broken?: keyof Incoming): Promise<Host> {
	const builder = Native.builder();
	builder.applyMinimal();
	builder.relayMode(RelayMode.disabled());
	builder.bindAddr("127.0.0.1:0");
	builder.bindAddr("[::1]:0");
	builder.alpns([[...Buffer.from(ALPN.hivemind)]]);
	const native = await builder.bind();
	const calls = new Map<string, number>();
	const watched = (incoming: Incoming): Incoming =>
		new Proxy(incoming, {
			get(target, name: keyof Incoming) {
				// An await looks for it.
				if (!(name in target)) return undefined;
				calls.set(name, (calls.get(name) ?? 0) + 1);
				if (name === broken && calls.get(name) === 1) return () => Promise.reject(new Error(`injected into ${name}`));
				return target[name].bind(target);
			},
		});
	const accepting = {
		acceptNext: async () => {
			const incoming = await native.acceptNext();
			return incoming && watched(incoming);
		},
		isClosed: () => native.isClosed(),
	} as unknown as NativeEndpoint;
	return {
		ticket: await formatTicket({ address: native.addr(), secret: undefined }),
		calls,
		open: (options) => new Acceptor(accepting, options).open(),
		[Symbol.asyncDispose]: () => native.close(),
	};
}

test.each([
	["", undefined],
	[", though it fails once to ask whether one has", "remoteAddrValidated"],
	[", though it fails once to ask one for that", "retry"],
] as const)(
	"of more than may come in at once all come in, and those behind the crowd prove their addresses first%s",
	async (_, broken) => {
		await using hub = await host(broken);
		const inside: Connection[] = [];
		const errors: string[] = [];
		const asked = new Set<string>();
		const opened = hub.open({
			onConnection: (connection) => inside.push(connection),
			onError: (error) => errors.push(error),
			isKnown: (hostOrId) => {
				asked.add(hostOrId);
				return false;
			},
			stop: new AbortController().signal,
		});
		const peers = await Promise.all(Array.from({ length: 8 }, () => RawPeer.make()));
		try {
			const connections = await Promise.all(
				Array.from({ length: KNOCKS }, (_, i) => (peers[i % peers.length] as RawPeer).connect(hub.ticket)),
			);
			expect(connections).toHaveLength(KNOCKS);
			expect(errors).toEqual(broken ? [`injected into ${broken}`] : []);
			expect([...asked].every((name) => name === "127.0.0.1" || name === "0:0:0:0::/64")).toBe(true);
			expect(hub.calls.get("retry") ?? 0).toBeGreaterThan(0);
			expect(hub.calls.get("accept")).toBe(KNOCKS);
			for (const connection of connections) connection.close();
			await Promise.all(inside.map(({ closed }) => closed));
		} finally {
			for (const peer of peers) await peer[Symbol.asyncDispose]();
		}
		await hub[Symbol.asyncDispose]();
		await opened;
	},
	60_000,
);
