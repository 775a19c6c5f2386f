// TCP by Bun.listen and Bun.connect: hands out sockets as Duplex. No other file opens a TCP socket.
import type { SocketHandler } from "bun";
import type { Address } from "../base/address.ts";
import { firstLine, systemCode } from "../base/errors.ts";
import { within } from "../base/timers.ts";
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

/** Connects within `timeoutMs`. Rejects with an Error whose message is a short reason ("connection refused"). */
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
		await within(timeoutMs, connecting, () => new Error(`no answer within ${timeoutMs / 1000} s`));
		return duplex;
	} catch (cause) {
		// Bun cannot cancel a connect: one that succeeds later is aborted then.
		connecting.then(
			() => duplex.abort(),
			() => {},
		);
		throw new Error(DIAL_REASONS[systemCode(cause)] ?? firstLine(cause), { cause });
	}
}

// --- internal ---

const DIAL_REASONS: Record<string, string> = {
	ECONNREFUSED: "connection refused",
	ENOTFOUND: "host name not found",
	EHOSTUNREACH: "host unreachable",
	ENETUNREACH: "network unreachable",
};

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
