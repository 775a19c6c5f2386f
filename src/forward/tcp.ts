// TCP by Bun.listen, Bun.connect and node:net: hands out sockets as Duplex. No other file opens a TCP socket.
// biome-ignore lint/style/noRestrictedImports: this is the file that it is restricted to.
import { type Socket as NodeSocket, connect as nodeConnect } from "node:net";
import type { Socket, SocketHandler } from "bun";
import type { Address } from "../base/address.ts";
import { within } from "../base/timers.ts";
import { dialError, noAnswer } from "./dial-error.ts";
import type { Duplex } from "./duplex.ts";
import { TcpDuplex } from "./tcp-duplex.ts";

export interface Listener {
	/** The actual address, also when port 0 was asked for. */
	readonly address: Address;
	/** Accepts no more sockets; open ones stay open. Idempotent. */
	stop(): void;
}

/** Listens and hands over each socket. Throws a system error (EADDRINUSE, EACCES, EADDRNOTAVAIL, …). */
export function listen(address: Address, onSocket: (socket: Duplex) => void): Listener {
	const server = Bun.listen<TcpDuplex>({
		hostname: address.host,
		port: address.port,
		allowHalfOpen: true,
		socket: {
			...HANDLERS,
			open(socket) {
				socket.data = new TcpDuplex();
				socket.data.opened(socket);
				onSocket(socket.data);
			},
		},
	});
	return { address: { host: address.host, port: server.port }, stop: () => server.stop() };
}

/**
 * Connects to a literal address within `timeoutMs`: the fastest way, where no other address is to be tried meanwhile.
 * Rejects with a DialError.
 */
export async function dial(address: Address, timeoutMs: number): Promise<Duplex> {
	const duplex = new TcpDuplex();
	const connecting = Bun.connect<TcpDuplex>({
		hostname: address.host,
		port: address.port,
		allowHalfOpen: true,
		data: duplex,
		socket: DIAL_HANDLERS,
	});
	try {
		await within(timeoutMs, connecting, () => noAnswer(timeoutMs));
		return duplex;
	} catch (cause) {
		// Bun cannot cancel a connect: one that succeeds later is ended then.
		connecting.then(
			() => duplex.release(),
			() => {},
		);
		throw dialError(cause);
	}
}

/**
 * Connects to a literal address until `signal` is aborted: the service sees nothing of an attempt that was given up
 * before it was answered. Rejects with a DialError, or with the reason of `signal`.
 */
export function attempt({ host, port }: Address, signal: AbortSignal): Promise<TcpDuplex> {
	const { promise, resolve, reject } = Promise.withResolvers<TcpDuplex>();
	if (signal.aborted) {
		reject(signal.reason);
		return promise;
	}
	const socket = nodeConnect({ host, port, allowHalfOpen: true });
	const giveUp = () => {
		socket.destroy();
		reject(signal.reason);
	};
	signal.addEventListener("abort", giveUp);
	// It stays for good: an `error` event without a listener would be thrown.
	socket.on("error", (cause) => {
		signal.removeEventListener("abort", giveUp);
		reject(dialError(cause));
	});
	socket.once("connect", () => {
		signal.removeEventListener("abort", giveUp);
		// node:net's own handler still writes to the socket's data after this event.
		queueMicrotask(() => resolve(adopted(socket)));
	});
	return promise;
}

// --- internal ---

const HANDLERS: SocketHandler<TcpDuplex> = {
	binaryType: "uint8array",
	data: (socket, bytes: Uint8Array) => socket.data.onData(bytes),
	end: (socket) => socket.data.onEnd(),
	drain: (socket) => socket.data.onDrain(),
	close: (socket, error) => socket.data?.onClose(error),
};

const DIAL_HANDLERS: SocketHandler<TcpDuplex> = {
	...HANDLERS,
	open: (socket) => socket.data.opened(socket),
	// Without this handler Bun reports the rejected connect as unhandled, too (docs/binding-notes.md, "Sockets").
	connectError: () => {},
};

/**
 * Takes the connected Bun socket out of a socket of node:net, which hears nothing of it from then on. Undocumented, and
 * held by a test (docs/binding-notes.md, "Sockets").
 */
function adopted(socket: NodeSocket): TcpDuplex {
	const { _handle: handle } = socket as unknown as { _handle: Socket<TcpDuplex> };
	const duplex = new TcpDuplex();
	const early: Uint8Array | null = socket.read();
	handle.reload({ socket: HANDLERS });
	handle.data = duplex;
	duplex.opened(handle);
	if (early) duplex.onData(early);
	return duplex;
}
