// Our own mailbox server: WebSockets for Rendezvous, on Bun.serve. It keeps everything in memory and is meant for a team
// or a machine without internet; TLS is left to a reverse proxy. Nothing that a stranger sends is parsed as a URL: Bun
// makes the URL of a request from its Host header, which need not be one.
import { formatAddress, network } from "../../base/address.ts";
import { firstLine } from "../../base/errors.ts";
import { listenError } from "../../base/listen-error.ts";
import { printable } from "../../base/printable.ts";
import { MAILBOX_MESSAGE_MAX } from "../limits.ts";
import {
	SERVER_BACKLOG_MAX,
	SERVER_CONNECTIONS_MAX,
	SERVER_CONNECTIONS_PER_NETWORK,
	SERVER_PRUNE_EVERY_MS,
} from "./limits.ts";
import { clientAddress, type Proxies } from "./proxies.ts";
import { Rendezvous } from "./rendezvous.ts";
import type { Session } from "./session.ts";
import { Shares } from "./shares.ts";

export interface MailboxServer {
	/** For `--wormhole-relay`: `ws://127.0.0.1:14400/v1`. */
	url: string;
	/** Closes every socket and frees the port. Idempotent. */
	stop(): Promise<void>;
}

export interface MailboxServerOptions {
	host: string;
	/** 0 for a free one. */
	port: number;
	/** Reverse proxies whose X-Forwarded-For is believed; none when not given. */
	proxies?: Proxies;
	/** Web pages that may connect, by their origin (`https://example.org`); none when not given. */
	origins?: readonly string[];
	/** An exception that nobody expected, on one line. It has ended one request or one socket. */
	onFault?(reason: string): void;
}

/** Runs a mailbox server until it is stopped. @throws HivemindError `listen` */
export function startMailbox(options: MailboxServerOptions): MailboxServer {
	const { host, port, origins = [] } = options;
	const rendezvous = new Rendezvous();
	const connections = new Shares({ all: SERVER_CONNECTIONS_MAX, each: SERVER_CONNECTIONS_PER_NETWORK });
	const fault = (error: unknown) => options.onFault?.(printable(firstLine(error)));
	let server: Bun.Server<Data>;
	try {
		server = Bun.serve<Data>({
			hostname: host,
			port,
			// Otherwise an exception is answered with a page that shows the working directory and a stack.
			development: false,
			// Without development mode the default is true: a second server would take the same port without an error.
			reusePort: false,
			// What health checks ask (docs/containers.md).
			routes: { "/v1": upgrade, "/healthz": () => new Response("ok\n") },
			fetch: () => new Response("The mailbox is at /v1.\n", { status: 404 }),
			error(error) {
				fault(error);
				return new Response("Internal error.\n", { status: 500 });
			},
			websocket: {
				// A longer message ends the connection, in however many frames it comes.
				maxPayloadLength: MAILBOX_MESSAGE_MAX,
				backpressureLimit: SERVER_BACKLOG_MAX,
				closeOnBackpressureLimit: true,
				perMessageDeflate: false,
				open: guarded((socket) => {
					socket.data.session = rendezvous.connect(socket.data.address, {
						send: (message) => void socket.send(JSON.stringify(message)),
						close: () => socket.close(1008, "too many errors"),
					});
				}),
				message: guarded((socket, frame) => socket.data.session?.receive(frame)),
				close: guarded((socket) => {
					connections.give(socket.data.network);
					socket.data.session?.disconnected();
				}),
			},
		});
	} catch (cause) {
		const hint = "Choose another address with --listen.";
		throw listenError("The mailbox server", { host, port }, cause, hint);
	}
	const pruning = setInterval(() => rendezvous.prune(), SERVER_PRUNE_EVERY_MS);
	let stopped: Promise<void> | undefined;
	return {
		url: `ws://${formatAddress({ host, port: server.port as number })}/v1`,
		stop() {
			clearInterval(pruning);
			// Closes every socket with code 1001, "going away" (RFC 6455 section 7.4.1).
			stopped ??= server.stop(true);
			return stopped;
		},
	};

	function upgrade(request: Request, listener: Bun.Server<Data>): Response | undefined {
		const { headers } = request;
		// Browsers name the page that opens a WebSocket; programs do not. Any page could reach a mailbox on localhost.
		const origin = headers.get("origin");
		if (origin !== null && !origins.includes(origin)) {
			return new Response("Web pages may not use this server (--allow-origin names those that may).\n", {
				status: 403,
			});
		}
		const direct = listener.requestIP(request)?.address ?? "";
		const address = options.proxies ? clientAddress(direct, headers.get("x-forwarded-for"), options.proxies) : direct;
		const data = { address, network: network(address) };
		const refusal = connections.take(data.network);
		if (refusal !== undefined) return new Response(`${refusal}\n`, { status: 503 });
		if (listener.upgrade(request, { data })) return undefined;
		connections.give(data.network);
		return new Response("A Magic Wormhole mailbox server. It speaks WebSocket.\n", { status: 426 });
	}

	/** The same handler; an exception in it ends its socket and nothing else. */
	function guarded<A extends unknown[]>(handler: (socket: Socket, ...rest: A) => void): typeof handler {
		return (socket, ...rest) => {
			try {
				handler(socket, ...rest);
			} catch (error) {
				fault(error);
				socket.terminate();
			}
		};
	}
}

// --- internal ---

interface Data {
	address: string;
	network: string;
	session?: Session;
}

type Socket = Bun.ServerWebSocket<Data>;
