// What the remote may say on a control stream: almost nothing before its hello was answered, and afterwards what our own
// program ever needs. Whatever is beyond that is a protocol error.

import { RateLimiter } from "../base/rate-limiter.ts";
import { type Message, ProtocolError } from "../protocol/control-messages.ts";
import { CONTROL_BURST, CONTROL_RATE, GREETING_BYTES, GREETING_LINES, GREETING_PIECES } from "./limits.ts";

export class ControlQuota {
	/** What has arrived before the hello was answered; undefined afterwards. */
	#greeting: { pieces: number; lines: number; bytes: number } | undefined = { pieces: 0, lines: 0, bytes: 0 };
	readonly #rate = new RateLimiter({ burst: CONTROL_BURST, everyMs: 1000 / CONTROL_RATE });
	readonly #helloFirst: boolean;
	readonly #connection: { readonly streamsOpened: number };
	#resets = 0;

	/** `helloFirst`: the remote is a peer. Each stream that the connection has had so far allows one `reset`. */
	constructor(helloFirst: boolean, connection: { readonly streamsOpened: number }) {
		this.#helloFirst = helloFirst;
		this.#connection = connection;
	}

	/** Whether the hello was answered. */
	get greeted(): boolean {
		return this.#greeting === undefined;
	}

	/** The hello was answered: from now on the rate of a running session holds. */
	greet(): void {
		this.#greeting = undefined;
	}

	/** Counts what one read has brought: single bytes cost us as much as whole lines. @throws ProtocolError */
	piece(lines: number): void {
		if (!this.#greeting) {
			if (lines === 0) this.#charge();
		} else if (++this.#greeting.pieces > GREETING_PIECES) throw new ProtocolError(TOO_EARLY);
	}

	/** Counts a line and its message; undefined is one of an unknown type. @throws ProtocolError */
	line(bytes: number, message: Message | undefined): void {
		const greeting = this.#greeting;
		if (!greeting) {
			// A stream costs its opener more than the line that resets it.
			if (message?.type !== "reset" || ++this.#resets > this.#connection.streamsOpened) this.#charge();
			return;
		}
		if (this.#helloFirst && greeting.lines === 0 && message?.type !== "hello")
			throw new ProtocolError("a control stream does not begin with a hello");
		greeting.lines++;
		greeting.bytes += bytes + 1;
		if (greeting.lines > GREETING_LINES || greeting.bytes > GREETING_BYTES) throw new ProtocolError(TOO_EARLY);
	}

	// --- internal ---

	#charge(): void {
		if (!this.#rate.take()) throw new ProtocolError("too many control messages");
	}
}

const TOO_EARLY = "too many control messages before the welcome";
