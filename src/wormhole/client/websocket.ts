// One WebSocket to the mailbox server, from opening to its end: bounded opening, pings, silence noticed.
// Called by mailbox.ts; the only user of WebSocket.
import type { Timing } from "./timing.ts";

export interface LinkEvents {
	onOpen(): void;
	/** A frame; servers send text or binary ones. */
	onFrame(frame: string | Uint8Array): void;
	/** The socket is gone, or never came to be: once, and never after `close()`. */
	onDown(why: string): void;
}

export interface Link {
	/** Sends a text frame; drops it when the socket is not open, as a broken network would. */
	send(text: string): void;
	/** Resolves when the socket is closed. Idempotent. */
	close(): Promise<void>;
}

/** Opens a WebSocket to `url`; what becomes of it is told through `events`. */
export function openLink(url: string, events: LinkEvents, timing: Timing): Link {
	// Compression would let a server expand a small frame into a large one.
	const socket = new WebSocket(url, { perMessageDeflate: false });
	const closed = Promise.withResolvers<void>();
	let over = false;
	let why = "";
	let heardAt = performance.now();

	let timer: Timer = setTimeout(() => down("it does not answer"), timing.connectMs);
	const heard = () => {
		heardAt = performance.now();
	};

	socket.addEventListener("open", () => {
		clearTimeout(timer);
		if (over) return;
		heard();
		timer = setInterval(beat, timing.pingMs);
		events.onOpen();
	});
	socket.addEventListener("message", ({ data }) => {
		heard();
		if (!over) events.onFrame(data as string | Uint8Array);
	});
	// A pong is traffic too. Bun's types do not know this event.
	(socket as EventTarget).addEventListener("pong", heard);
	socket.addEventListener("error", (event) => {
		// "WebSocket connection to 'ws://…' failed: Failed to connect"
		why = ((event as ErrorEvent).message ?? "").replace(/^.* failed: /s, "");
	});
	socket.addEventListener("close", ({ reason }) => {
		down(reason || why || "the connection was closed");
		closed.resolve();
	});
	return { send, close };

	function beat(): void {
		if (performance.now() - heardAt >= timing.silenceMs) down("it fell silent");
		else socket.ping();
	}

	function down(reason: string): void {
		if (over) return;
		stop();
		socket.terminate();
		events.onDown(reason);
	}

	function stop(): void {
		over = true;
		clearTimeout(timer);
		clearInterval(timer);
	}

	function send(text: string): void {
		if (socket.readyState === WebSocket.OPEN) socket.send(text);
	}

	async function close(): Promise<void> {
		stop();
		if (socket.readyState === WebSocket.OPEN) socket.close(1000);
		else socket.terminate();
		const hard = setTimeout(() => socket.terminate(), timing.closeMs);
		await closed.promise;
		clearTimeout(hard);
	}
}
