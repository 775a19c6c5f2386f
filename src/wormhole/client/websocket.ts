// One WebSocket to the mailbox server, from opening to its end: opening is bounded, a message is bounded, pings keep it
// alive, and a silent one is given up. The only user of WebSocket.
import { systemCode } from "../../base/errors.ts";
import { printable } from "../../base/printable.ts";
import { MAILBOX_MESSAGE_MAX } from "../limits.ts";
import { type Outage, outage } from "./failures.ts";
import type { Route } from "./proxy.ts";
import type { Timing } from "./timing.ts";

export interface MailboxSocketEvents {
	onOpen(): void;
	/** A frame; servers send text or binary ones. */
	onFrame(frame: string | Uint8Array): void;
	/** The server has sent more than {@link MAILBOX_MESSAGE_MAX} bytes as one message. `onDown` follows. */
	onTooLong(): void;
	/** The socket is lost, or could not be opened. Called once, and never after `close()`. */
	onDown(outage: Outage): void;
}

export interface MailboxSocket {
	/** Sends a text frame, or drops it when the socket is not open, as a broken network would. */
	send(text: string): void;
	/** Resolves when the socket is closed. Idempotent. */
	close(): Promise<void>;
}

/** Opens a WebSocket by `route`; what becomes of it is reported through `events`. */
export function openMailboxSocket({ url, proxy }: Route, events: MailboxSocketEvents, timing: Timing): MailboxSocket {
	const socket = new WebSocket(url, {
		// Compression would let a server expand a small frame into a large one.
		perMessageDeflate: false,
		maxPayload: MAILBOX_MESSAGE_MAX,
		// Otherwise NODE_TLS_REJECT_UNAUTHORIZED=0, which people set for something else, would let any certificate pass.
		tls: { rejectUnauthorized: true },
		...(proxy && { proxy: proxy.url }),
	});
	const closed = Promise.withResolvers<void>();
	let over = false;
	let failed: Outage | undefined;
	let trafficAt = performance.now();

	let timer: Timer = setTimeout(() => down({ why: "it does not answer" }), timing.connectMs);
	const traffic = () => {
		trafficAt = performance.now();
	};

	socket.addEventListener("open", () => {
		clearTimeout(timer);
		if (over) return;
		traffic();
		timer = setInterval(beat, timing.pingMs);
		events.onOpen();
	});
	socket.addEventListener("message", ({ data }) => {
		traffic();
		if (!over) events.onFrame(data as string | Uint8Array);
	});
	// A pong is traffic too.
	socket.addEventListener("pong", traffic);
	socket.addEventListener("error", ({ message, error }) => {
		failed = outage(systemCode(error), message, proxy);
		if (error?.code !== "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" || over) return;
		events.onTooLong();
		down({ why: "it sent a message that is too long" });
	});
	socket.addEventListener("close", ({ reason }) => {
		down(reason ? { why: printable(reason) } : (failed ?? { why: "the connection was closed" }));
		closed.resolve();
	});
	return { send, close };

	function beat(): void {
		if (performance.now() - trafficAt >= timing.silenceMs) down({ why: "it stopped answering" });
		else socket.ping();
	}

	function down(outage: Outage): void {
		if (over) return;
		stop();
		socket.terminate();
		events.onDown(outage);
	}

	function stop(): void {
		over = true;
		clearTimeout(timer);
		clearInterval(timer);
	}

	function send(text: string): void {
		if (socket.readyState === OPEN) socket.send(text);
	}

	async function close(): Promise<void> {
		stop();
		if (socket.readyState === OPEN) socket.close(1000);
		else socket.terminate();
		const hard = setTimeout(() => socket.terminate(), timing.closeMs);
		await closed.promise;
		clearTimeout(hard);
	}
}

// --- internal ---

/** `WebSocket.OPEN` of RFC 6455's browser interface. */
const OPEN = 1;

interface BoundedOptions {
	perMessageDeflate: false;
	/** Bytes of a message, in however many frames. */
	maxPayload: number;
	tls: { rejectUnauthorized: true };
	/** The URL of an http or https proxy. */
	proxy?: string;
}

interface BoundedSocket {
	readonly readyState: number;
	addEventListener(type: "open" | "pong", listener: () => void): void;
	addEventListener(type: "message", listener: (event: { data: string | Uint8Array }) => void): void;
	addEventListener(type: "error", listener: (event: { message: string; error?: { code?: string } }) => void): void;
	addEventListener(type: "close", listener: (event: { reason: string }) => void): void;
	send(text: string): void;
	ping(): void;
	close(code: number): void;
	terminate(): void;
}

/**
 * Bun's own `ws`, which bun-types does not declare. The global WebSocket cannot be bounded: it takes messages of 128 MiB,
 * for which it needs 260 MB when they come in fragments (docs/binding-notes.md, "Sockets").
 */
const { WebSocket } = process.getBuiltinModule("ws") as unknown as {
	WebSocket: new (url: string, options: BoundedOptions) => BoundedSocket;
};
