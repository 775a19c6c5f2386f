// A control stream while its connection lives: sends and receives messages, pings, and knows for how long the other
// side has not answered. It reports what the remote did; its owner decides what that means.

import { RateLimiter } from "../base/rate-limiter.ts";
import { whileAwake } from "../base/timers.ts";
import { decodeMessage, encodeMessage, Lines, type Message, ProtocolError } from "../protocol/control-messages.ts";
import { CONTROL_QUEUE, CONTROL_RATE, PING_MS } from "./limits.ts";
import type { QuicStream } from "./stream.ts";

export class ControlChannel {
	/** Resolves when the stream is over: with the reason when the remote broke the protocol, else with undefined. */
	readonly ended: Promise<string | undefined>;
	#stream: QuicStream;
	#answered = performance.now();
	#queue: Message[] = [];
	#sending = false;
	#timer: Timer | undefined;
	#pings = 0;
	#closed = false;

	/** `onMessage` gets everything but pings and pongs. A ProtocolError that it throws ends the channel. */
	constructor(stream: QuicStream, onMessage: (message: Message) => void) {
		this.#stream = stream;
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

	/** Pings every {@link PING_MS} from now on. Time in which this process was suspended does not count as silence. */
	startPings(): void {
		this.#answered = performance.now();
		const ping = () => this.send({ type: "ping", n: this.#pings++ });
		const woken = (stalledMs: number) => {
			this.#answered = Math.min(performance.now(), this.#answered + stalledMs);
			ping();
		};
		if (!this.#closed) this.#timer ??= whileAwake(PING_MS, ping, woken);
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
			for (let next = this.#queue.shift(); next; next = this.#queue.shift())
				await this.#stream.write(encodeMessage(next));
		} catch {
			// The receiving side of the same stream gives the reason.
		}
		this.#sending = false;
	}

	async #receive(onMessage: (message: Message) => void): Promise<string | undefined> {
		const lines = new Lines();
		const rate = new RateLimiter({ burst: CONTROL_RATE, everyMs: 1000 / CONTROL_RATE });
		try {
			for (let bytes = await this.#stream.read(); bytes; bytes = await this.#stream.read()) {
				for (const line of lines.push(bytes)) {
					if (!rate.take()) throw new ProtocolError("too many control messages");
					const message = decodeMessage(line);
					if (message?.type === "ping") this.send({ type: "pong", n: message.n });
					else if (message?.type === "pong") this.#answered = performance.now();
					else if (message) onMessage(message);
				}
			}
			return undefined;
		} catch (error) {
			return error instanceof ProtocolError ? error.message : undefined;
		}
	}
}
