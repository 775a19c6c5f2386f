// Our own mailbox server: WebSockets for Rendezvous, on Bun.serve. It keeps everything in memory and is meant for a team
// or a machine without internet; TLS is left to a reverse proxy.
import { formatAddress } from "../../base/address.ts";
import { HivemindError, LISTEN_REASONS, systemCode } from "../../base/errors.ts";
import { listenersOn, ownerName } from "../../base/port-owner.ts";
import { MAILBOX_MESSAGE_MAX } from "../limits.ts";
import {
	SERVER_BACKLOG_MAX,
	SERVER_CONNECTIONS_MAX,
	SERVER_CONNECTIONS_PER_ADDRESS,
	SERVER_PRUNE_EVERY_MS,
} from "./limits.ts";
import { Rendezvous } from "./rendezvous.ts";
import type { Session } from "./session.ts";

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
}

/** Runs a mailbox server until it is stopped. @throws HivemindError `listen` */
export function startMailbox({ host, port }: MailboxServerOptions): MailboxServer {
	const rendezvous = new Rendezvous();
	const addresses = new Map<string, number>();
	let connections = 0;
	let server: Bun.Server<Data>;
	try {
		server = Bun.serve<Data>({
			hostname: host,
			port,
			fetch: upgrade,
			websocket: {
				// A frame above this ends the connection; one that is merely too long is answered with `error`.
				maxPayloadLength: 4 * MAILBOX_MESSAGE_MAX,
				backpressureLimit: SERVER_BACKLOG_MAX,
				closeOnBackpressureLimit: true,
				perMessageDeflate: false,
				open(socket) {
					connections += 1;
					addresses.set(socket.data.address, (addresses.get(socket.data.address) ?? 0) + 1);
					socket.data.session = rendezvous.connect(socket.data.address, {
						send: (message) => void socket.send(JSON.stringify(message)),
						close: () => socket.close(1008, "too many errors"),
					});
				},
				message(socket, frame) {
					socket.data.session?.receive(frame);
				},
				close(socket) {
					const { address, session } = socket.data;
					session?.disconnected();
					connections -= 1;
					const left = (addresses.get(address) ?? 1) - 1;
					if (left > 0) addresses.set(address, left);
					else addresses.delete(address);
				},
			},
		});
	} catch (cause) {
		const why = LISTEN_REASONS[systemCode(cause)] ?? "the address cannot be used";
		const owners = systemCode(cause) === "EADDRINUSE" ? (listenersOn(port) ?? []) : [];
		const owner = owners.find(({ address }) => address.host === host) ?? owners[0];
		const by = owner ? ` by ${ownerName(owner)}` : "";
		throw new HivemindError(
			"listen",
			`The mailbox server cannot listen on ${formatAddress({ host, port })}: ${why}${by}.`,
			{
				hint: "Choose another address with --listen.",
				cause,
			},
		);
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
		if (new URL(request.url).pathname !== "/v1") return new Response("The mailbox is at /v1.\n", { status: 404 });
		const address = listener.requestIP(request)?.address ?? "";
		if (connections >= SERVER_CONNECTIONS_MAX || (addresses.get(address) ?? 0) >= SERVER_CONNECTIONS_PER_ADDRESS) {
			return new Response("Too many connections.\n", { status: 503 });
		}
		if (listener.upgrade(request, { data: { address } })) return undefined;
		return new Response("A Magic Wormhole mailbox server. It speaks WebSocket.\n", { status: 426 });
	}
}

// --- internal ---

interface Data {
	address: string;
	session?: Session;
}
