// The far side of a PeerSession: a peer's connection, on which the test opens streams over native halves and sends
// whatever it wants.

import {
	CONTROL_PORT_ID,
	decodeMessage,
	encodeMessage,
	Lines,
	type Message,
} from "../../src/protocol/control-messages.ts";
import { encodeHeader } from "../../src/protocol/stream-header.ts";
import { ChunkScheduler } from "../../src/transport/chunk-size.ts";
import type { Connection } from "../../src/transport/connection.ts";
import type { BiStream } from "../../src/transport/iroh.ts";
import { CLOSE_DELAY_MS } from "../../src/transport/limits.ts";
import type { Path } from "../../src/transport/path-watch.ts";
import { QuicStream } from "../../src/transport/stream.ts";
import { NativeReceive, NativeSend } from "./native-halves.ts";

/** A peer's first message. */
export const hello = (secret: string): Message => ({ type: "hello", v: 1, name: "me", program: "1", secret });

/** One stream of the peer, by the hub's two native halves: `send` is what the hub writes, `receive` what it reads. */
export interface FarStream {
	readonly send: NativeSend;
	readonly receive: NativeReceive;
	readonly stream: QuicStream;
}

export class FarPeer {
	/** The reasons that the hub gave for closing the connection, while it was open. */
	readonly closings: string[] = [];
	/** Whether a path leads to the peer. */
	reachable = true;
	/** Which way its packets go. */
	way: Path | undefined = { kind: "direct", address: "10.0.0.7:1" };
	/** How many more streams to report than were opened here. */
	carries = 0;
	/** How many streams the hub allows; undefined while it has set no limit. */
	allowed: number | undefined;
	/** Bytes that have arrived at the hub. */
	received = 0;
	/** The address that it comes from; undefined for one that comes through a relay. */
	address: string | undefined;
	readonly id: string;
	#over = Promise.withResolvers<string>();
	#left = false;
	#pathAt = performance.now();
	#onStream: (stream: QuicStream) => void = () => {};
	#opened: FarStream[] = [];
	/** How many of these are not closed. */
	#open = 0;
	#control: FarStream | undefined;

	constructor(id = "a".repeat(64)) {
		this.id = id;
	}

	/** Opens a stream that begins with these bytes. */
	open(...bytes: Uint8Array[]): FarStream {
		const [send, receive] = [new NativeSend(), new NativeReceive()];
		for (const piece of bytes) receive.arrive(piece);
		const stream = new QuicStream({ send, recv: receive } as unknown as BiStream, {
			id: `client bidirectional stream ${this.#opened.length}`,
			rtt: () => 0,
			scheduler: new ChunkScheduler(),
			isLost: () => false,
			onStuckAbort: () => {},
		});
		this.#opened.push({ send, receive, stream });
		this.#open++;
		void stream.closed.then(() => this.#open--);
		this.#onStream(stream);
		return { send, receive, stream };
	}

	/** Sends messages on the control stream, which is opened first if necessary. */
	say(...messages: Message[]): FarStream {
		this.#control ??= this.open(encodeHeader(CONTROL_PORT_ID));
		for (const message of messages) this.#control.receive.arrive(encodeMessage(message));
		return this.#control;
	}

	/** The hub's messages on the control stream so far. */
	get heard(): Message[] {
		const [, ...bytes] = this.#control?.send.written ?? [];
		return new Lines().push(Uint8Array.from(bytes)).flatMap((line) => decodeMessage(line) ?? []);
	}

	/** The connection ends, and all streams with it. Idempotent. */
	leave(reason: string): void {
		this.#left = true;
		this.#over.resolve(reason);
		for (const { send, receive, stream } of this.#opened.splice(0)) {
			send.lose();
			receive.lose();
			stream.abort();
		}
	}

	get asConnection(): Connection {
		return this as unknown as Connection;
	}

	// --- the part of Connection that PeerSession and Hub use ---

	get closed(): Promise<string> {
		return this.#over.promise;
	}

	get remote(): string {
		return this.id.slice(0, 10);
	}

	get streams(): number {
		return this.carries + this.#open;
	}

	get streamsOpened(): number {
		return this.#opened.length;
	}

	limitIncomingStreams(most: number): void {
		this.allowed = most;
	}

	async acceptStreams(onStream: (stream: QuicStream) => void): Promise<void> {
		this.#onStream = onStream;
	}

	/** Replaced by the session. */
	onStuckAbort = (_id: string): void => {};
	abortStream(_id: string): void {}

	pathlessFor(): number {
		if (this.reachable) this.#pathAt = performance.now();
		return performance.now() - this.#pathAt;
	}

	isOver(): boolean {
		return this.#left;
	}

	path(): Path | undefined {
		return this.way;
	}

	host(): string | undefined {
		return this.address;
	}

	close(reason: string): void {
		if (this.#left) return;
		this.closings.push(reason);
		this.leave(reason);
	}

	/** Closes after a delay, as a real connection does, so that a last message can be read. */
	closeSoon(reason: string): void {
		if (this.#left) return;
		this.closings.push(reason);
		const timer = setTimeout(() => this.leave(reason), CLOSE_DELAY_MS);
		void this.closed.then(() => clearTimeout(timer));
	}
}
