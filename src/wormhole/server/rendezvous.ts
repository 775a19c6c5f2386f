// The mailbox server's protocol without its sockets: frames in, messages out, one session for each socket.
import { RateLimiter } from "../../base/rate-limiter.ts";
import { SERVER_CLAIM_ADDRESSES, SERVER_CLAIM_MS, SERVER_CLAIMS_BURST } from "./limits.ts";
import { Mailboxes, Refusal } from "./mailboxes.ts";
import { type ClientSocket, openSession, type Session } from "./session.ts";

export class Rendezvous {
	/** Readable, to see what is left behind. */
	readonly mailboxes: Mailboxes;
	readonly #now: () => number;
	/** Claims and allocations by address: every guess at a code needs one. */
	readonly #claims = new RateLimiter({
		burst: SERVER_CLAIMS_BURST,
		everyMs: SERVER_CLAIM_MS,
		keys: SERVER_CLAIM_ADDRESSES,
	});

	constructor(now = () => performance.now()) {
		this.#now = now;
		this.mailboxes = new Mailboxes(now);
	}

	/** A new socket from `address`; it is welcomed at once. */
	connect(address: string, socket: ClientSocket): Session {
		socket.send({ type: "welcome", welcome: {} });
		return openSession(this.mailboxes, socket, () => {
			if (!this.#claims.take(address, this.#now())) throw new Refusal("too many codes, wait a minute");
		});
	}

	/** Removes abandoned mailboxes. To be called regularly, every second to every minute. */
	prune(): void {
		this.mailboxes.prune();
	}
}
