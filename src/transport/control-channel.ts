// One control stream while its connection lives: sends and receives messages, pings, and knows for how long the other
// side has been silent. Called by guest.ts (the hub's side) and session.ts (the peer's).

import { whileAwake } from "../base/timers.ts";
import { decodeMessage, encodeMessage, Lines, type Message, ProtocolError } from "../protocol/control-messages.ts";
import { CONTROL_QUEUE, CONTROL_RATE, PING_MS } from "./limits.ts";
import type { QuicStream } from "./stream.ts";

export class ControlChannel {
	/** Resolves when the stream is over, with the reason the other side broke the protocol, if it did. */
	readonly ended: Promise<string | undefined>;
	#stream: QuicStream;
	#answered = performance.now();
	#queue: Message[] = [];
	#sending = false;
	#timer: Timer | undefined;
	#pings = 0;
	#closed = false;

	/** Everything but ping and pong goes to `onMessage`. What it throws as ProtocolError ends the link. */
	constructor(stream: QuicStream, onMessage: (message: Message) => void) {
		this.#stream = stream;
		stream.uncounted();
		this.ended = this.#receive(onMessage).finally(() => this.close());
	}

	/** Milliseconds since the last answer to a ping of ours: it also grows when only our words are lost on the way. */
	unansweredFor(): number {
		return performance.now() - this.#answered;
	}

	/** Sends in order, without waiting. When the other side has not read for long, pings and the like are dropped. */
	send(message: Message): void {
		if (this.#closed) return;
		if (this.#queue.length >= CONTROL_QUEUE) this.#queue.shift();
		this.#queue.push(message);
		if (!this.#sending) void this.#drain();
	}

	/** Pings every second from now on. While we were stopped ourselves nobody could answer: that time does not count. */
	startPings(): void {
		this.#answered = performance.now();
		const ping = () => this.send({ type: "ping", n: this.#pings++ });
		const woken = (stalledMs: number) => {
			this.#answered = Math.min(performance.now(), this.#answered + stalledMs);
			ping();
		};
		if (!this.#closed) this.#timer ??= whileAwake(PING_MS, ping, woken);
	}

	/** Ends the stream; the connection goes on. Idempotent. */
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
			// The receiving side of the same stream says why.
		}
		this.#sending = false;
	}

	async #receive(onMessage: (message: Message) => void): Promise<string | undefined> {
		const lines = new Lines();
		let windowStart = performance.now();
		let inWindow = 0;
		try {
			for (let bytes = await this.#stream.read(); bytes; bytes = await this.#stream.read()) {
				const now = performance.now();
				for (const line of lines.push(bytes)) {
					if (now - windowStart > 1000) {
						windowStart = now;
						inWindow = 0;
					}
					if (++inWindow > CONTROL_RATE) throw new ProtocolError("too many control messages");
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
