// A TCP socket of Bun as Duplex. Half-close is shutdown() and abort is terminate(); Bun's end() and close() lose bytes,
// so neither is called while any could matter (docs/binding-notes.md, "Sockets").
import type { Socket } from "bun";
import { firstLine, systemCode } from "../base/errors.ts";
import { Aborted, type Duplex, type Waiter } from "./duplex.ts";
import { KEEPALIVE_MS, LINGER_MS, RELEASE_MS, SOCKET_QUEUE } from "./limits.ts";

export class TcpDuplex implements Duplex {
	readonly closed: Promise<Error | undefined>;
	ended = false;
	#socket: Socket<TcpDuplex> | undefined;
	#queue: Uint8Array[] = [];
	#queued = 0;
	#paused = false;
	#reader: Waiter<Uint8Array | null> | undefined;
	#writer: (Waiter<void> & { rest: Uint8Array }) | undefined;
	#finSent = false;
	#cancelled = false;
	#over: Aborted | "clean" | undefined;
	#lastWrite = 0;
	#linger: Timer | undefined;
	#resolveClosed!: (error: Error | undefined) => void;

	constructor() {
		this.closed = new Promise((resolve) => {
			this.#resolveClosed = resolve;
		});
	}

	read(): Promise<Uint8Array | null> {
		const bytes = this.#queue.shift();
		if (bytes) {
			this.#queued -= bytes.length;
			this.#flow();
			return Promise.resolve(bytes);
		}
		if (this.ended) return Promise.resolve(null);
		if (this.#over) return Promise.reject(this.#cause());
		return new Promise((resolve, reject) => {
			this.#reader = { resolve, reject };
		});
	}

	write(bytes: Uint8Array): Promise<void> {
		const accepted = this.#over || this.#finSent ? -1 : this.#push(bytes);
		if (accepted === bytes.length) return Promise.resolve();
		// A write that finds a RST returns -1; the `close` event gives the reason.
		if (accepted < 0) return Promise.reject(this.#cause());
		return new Promise((resolve, reject) => {
			this.#writer = { rest: bytes.subarray(accepted), resolve, reject };
		});
	}

	end(): Promise<void> {
		if (this.#over) return this.#over === "clean" ? Promise.resolve() : Promise.reject(this.#cause());
		this.#finSent = true;
		this.#socket?.shutdown();
		if (this.#cancelled) this.#startLinger();
		return Promise.resolve();
	}

	cancel(): void {
		this.#cancelled = true;
		this.#queue = [];
		this.#queued = 0;
		if (this.#over || this.ended) return;
		// Before our FIN the sender is simply held up; after it, see LINGER_MS.
		if (this.#finSent) this.#startLinger();
		else this.#flow();
	}

	abort(): void {
		if (this.#over) return;
		// After discarded bytes nothing may look like a clean end.
		if (this.#queue.length > 0) this.ended = false;
		this.#queue = [];
		this.#queued = 0;
		this.#socket?.terminate();
		this.onClose(new Error("aborted here"));
	}

	/**
	 * Ends a connection that carried nothing of ours without a reset: a FIN, and what comes is discarded until the other
	 * side's FIN. After {@link RELEASE_MS} the descriptor is closed, which sends nothing: the receive queue is empty and
	 * the FIN has gone. Only a side that keeps sending after that gets a RST, as from any client that has left.
	 */
	release(): void {
		const socket = this.#socket;
		if (this.#over || !socket) return;
		this.cancel();
		void this.end();
		clearTimeout(this.#linger);
		this.#linger = setTimeout(() => {
			this.onClose(undefined);
			socket.end();
		}, RELEASE_MS);
	}

	// --- called by the handlers of tcp.ts ---

	opened(socket: Socket<TcpDuplex>): void {
		this.#socket = socket;
		socket.setNoDelay(true);
		socket.setKeepAlive(true, KEEPALIVE_MS);
	}

	onData(bytes: Uint8Array): void {
		if (this.#cancelled) return;
		if (this.#reader) {
			const reader = this.#reader;
			this.#reader = undefined;
			reader.resolve(bytes);
			return;
		}
		this.#queue.push(bytes);
		this.#queued += bytes.length;
		this.#flow();
	}

	onEnd(): void {
		this.ended = true;
		this.#reader?.resolve(null);
		this.#reader = undefined;
	}

	onDrain(): void {
		const writer = this.#writer;
		if (!writer) return;
		const accepted = this.#push(writer.rest);
		if (accepted >= 0 && accepted < writer.rest.length) {
			writer.rest = writer.rest.subarray(accepted);
			return;
		}
		this.#writer = undefined;
		if (accepted < 0) writer.reject(this.#cause());
		else writer.resolve();
	}

	/** The native socket is closed. Only without an error and after our FIN this is a clean end. */
	onClose(error: Error | undefined): void {
		if (this.#over) return;
		clearTimeout(this.#linger);
		const clean = !error && this.#finSent;
		this.#over = clean
			? "clean"
			: new Aborted(`TCP connection reset${error ? ` (${systemCode(error) || firstLine(error)})` : ""}`, {
					cause: error,
				});
		// After our own FIN, Bun reports the other side's FIN as `close` without `end`.
		if (clean) this.onEnd();
		this.#reader?.reject(this.#cause());
		this.#writer?.reject(this.#cause());
		this.#reader = undefined;
		this.#writer = undefined;
		this.#resolveClosed(clean ? undefined : this.#cause());
	}

	// --- internal ---

	#push(bytes: Uint8Array): number {
		this.#lastWrite = performance.now();
		return this.#socket?.write(bytes) ?? -1;
	}

	#cause(): Aborted {
		return this.#over instanceof Aborted ? this.#over : new Aborted("TCP connection closed");
	}

	/** Pauses the kernel's reads while enough is queued, or while nobody reads any more; resumes them otherwise. */
	#flow(): void {
		const full = this.#cancelled ? !this.#finSent : this.#queued >= SOCKET_QUEUE;
		if (full === this.#paused || this.#over) return;
		this.#paused = full;
		if (full) this.#socket?.pause();
		else this.#socket?.resume();
	}

	#startLinger(): void {
		this.#flow();
		if (this.#linger || this.#over) return;
		const left = this.#lastWrite === 0 ? 0 : this.#lastWrite + LINGER_MS - performance.now();
		this.#linger = setTimeout(() => this.abort(), Math.max(0, left));
	}
}
