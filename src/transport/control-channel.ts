// A control stream while its connection lives: sends and receives messages, pings, and knows for how long the other
// side has not answered. It reports what the remote did; its owner decides what that means.

import { whileAwake } from "../base/timers.ts";
import { decodeMessage, encodeMessage, Lines, type Message, ProtocolError } from "../protocol/control-messages.ts";
import { ControlQuota } from "./control-quota.ts";
import { CONTROL_QUEUE, PING_MS } from "./limits.ts";
import type { QuicStream } from "./stream.ts";

export interface ControlOptions {
	/** A peer has to say hello first. */
	remote: "hub" | "peer";
	/** Each stream that it has had so far allows one `reset`. */
	connection: { readonly streamsOpened: number };
	/** Gets everything but pings and pongs. A ProtocolError that it throws ends the channel. */
	onMessage: (message: Message) => void;
}

export class ControlChannel {
	/** Resolves when the stream is over: with the reason when the remote broke the protocol, else with undefined. */
	readonly ended: Promise<string | undefined>;
	#stream: QuicStream;
	#answered = performance.now();
	#queue: Message[] = [];
	/** The newest ping that is not answered yet. One pong answers all before it, so a slow reader has one to read. */
	#pinged: number | undefined;
	readonly #quota: ControlQuota;
	#sending = false;
	#timer: Timer | undefined;
	#pings = 0;
	#closed = false;

	/** Until {@link startSession}, the remote may say little, and its pings are not answered. */
	constructor(stream: QuicStream, { remote, connection, onMessage }: ControlOptions) {
		this.#stream = stream;
		this.#quota = new ControlQuota(remote === "peer", connection);
		stream.uncounted();
		this.ended = this.#receive(onMessage).finally(() => this.close());
	}

	/** Milliseconds since the last answer to a ping of ours. It also grows when only our own messages are lost. */
	unansweredFor(): number {
		return performance.now() - this.#answered;
	}

	/** Queues a message and returns at once. While the other side does not read, the oldest queued ones are dropped. */
	send(message: Message): void {
		if (this.#closed) return;
		if (this.#queue.length >= CONTROL_QUEUE) this.#queue.shift();
		this.#queue.push(message);
		if (!this.#sending) void this.#drain();
	}

	/**
	 * The hello was answered: pings every {@link PING_MS} from now on, and answers pings. Time in which this process was
	 * suspended does not count as silence. Idempotent.
	 */
	startSession(): void {
		if (this.#closed || this.#quota.greeted) return;
		this.#quota.greet();
		this.#answered = performance.now();
		const ping = () => this.send({ type: "ping", n: this.#pings++ });
		const woken = (stalledMs: number) => {
			this.#answered = Math.min(performance.now(), this.#answered + stalledMs);
			ping();
		};
		this.#timer = whileAwake(PING_MS, ping, woken);
	}

	/** Ends the stream, but not the connection. Idempotent. */
	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		clearInterval(this.#timer);
		this.#stream.abort();
	}

	// --- internal ---

	async #drain(): Promise<void> {
		this.#sending = true;
		try {
			for (let next = this.#next(); next; next = this.#next()) await this.#stream.write(encodeMessage(next));
		} catch {
			// The receiving side of the same stream gives the reason.
		}
		this.#sending = false;
	}

	#next(): Message | undefined {
		const queued = this.#queue.shift();
		if (queued || this.#pinged === undefined) return queued;
		const n = this.#pinged;
		this.#pinged = undefined;
		return { type: "pong", n };
	}

	async #receive(onMessage: (message: Message) => void): Promise<string | undefined> {
		const lines = new Lines();
		try {
			for (let bytes = await this.#stream.read(); bytes; bytes = await this.#stream.read()) {
				const arrived = lines.push(bytes);
				this.#quota.piece(arrived.length);
				for (const line of arrived) {
					const message = decodeMessage(line);
					this.#quota.line(line.length, message);
					if (message?.type === "ping") {
						if (this.#quota.greeted) this.#pinged = message.n;
					} else if (message?.type === "pong") this.#answered = performance.now();
					else if (message) onMessage(message);
				}
				// Only now, so that one write answers all pings that one read has brought.
				if (this.#pinged !== undefined && !this.#sending && !this.#closed) void this.#drain();
			}
			return undefined;
		} catch (error) {
			return error instanceof ProtocolError ? error.message : undefined;
		}
	}
}
