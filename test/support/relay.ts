// A relay server that misbehaves on command. It speaks the protocol of iroh-relay (version 1.4, src/protos/handshake.rs
// and relay.rs) as far as an endpoint needs it, and believes every signature.
import type { ServerWebSocket } from "bun";

/** Frame types; each frame is one WebSocket message that begins with it. */
const CHALLENGE = 0;
const AUTH = 1;
const CONFIRMED = 2;
const TO_RELAY = 4;
const TO_RELAY_BATCH = 5;
const PING = 9;
const PONG = 10;

const KEY = 32;

interface Client {
	id: string;
}

export class Relay implements Disposable {
	readonly url: string;
	/** The HTTP status of its answers to latency probes. After a 503 an endpoint does not use it. */
	probeStatus = 200;
	/** Whether it lets endpoints connect. */
	admits = true;
	/** How many different endpoints it admits; later ones are refused, as by an allow-list. */
	admitsOnly = Number.POSITIVE_INFINITY;
	/** How many datagrams, or batches of them, it has forwarded. */
	forwarded = 0;
	#clients = new Map<string, ServerWebSocket<Client>>();
	#server: Bun.Server<Client>;

	constructor() {
		this.#server = Bun.serve<Client>({
			hostname: "127.0.0.1",
			port: 0,
			fetch: (request, server) => {
				const { pathname } = new URL(request.url);
				if (pathname !== "/relay") return new Response(null, { status: this.probeStatus });
				const headers = { "Sec-WebSocket-Protocol": "iroh-relay-v1" };
				if (this.admits && server.upgrade(request, { data: { id: "" }, headers })) return undefined;
				return new Response(null, { status: 503 });
			},
			websocket: {
				open: (socket) => void socket.send(Uint8Array.of(CHALLENGE, ...new Uint8Array(16))),
				message: (socket, message) => this.#frame(socket, message as Buffer),
				close: (socket) => void this.#clients.delete(socket.data.id),
			},
		});
		this.url = `http://127.0.0.1:${this.#server.port}`;
	}

	/** Ends all connections; whether new ones are admitted is up to {@link admits}. */
	drop(): void {
		for (const socket of this.#clients.values()) socket.terminate();
	}

	[Symbol.dispose](): void {
		void this.#server.stop(true);
	}

	// --- internal ---

	#frame(socket: ServerWebSocket<Client>, frame: Buffer): void {
		const type = frame[0];
		if (type === AUTH) {
			socket.data.id = frame.toString("hex", 1, 1 + KEY);
			if (this.#clients.has(socket.data.id) || this.#clients.size < this.admitsOnly) {
				this.#clients.set(socket.data.id, socket);
				socket.send(Uint8Array.of(CONFIRMED));
			} else socket.terminate();
		} else if (type === PING) socket.send(Buffer.concat([Uint8Array.of(PONG), frame.subarray(1)]));
		else if (type === TO_RELAY || type === TO_RELAY_BATCH) {
			const to = this.#clients.get(frame.toString("hex", 1, 1 + KEY));
			if (!to) return;
			this.forwarded++;
			// The same frame with the sender's key; the type for that direction is two higher.
			to.send(Buffer.concat([Uint8Array.of(type + 2), Buffer.from(socket.data.id, "hex"), frame.subarray(1 + KEY)]));
		}
	}
}
