// The mailbox server's protocol without its sockets: frames in, messages out, one session for each socket.
import { network } from "../../base/address.ts";
import { RateLimiter } from "../../base/rate-limiter.ts";
import { SERVER_CLAIM_MS, SERVER_CLAIM_NETWORKS, SERVER_CLAIMS_BURST } from "./limits.ts";
import { Mailboxes, Refusal } from "./mailboxes.ts";
import { type ClientSocket, openSession, type Session } from "./session.ts";

export class Rendezvous {
	/** Readable, to see what is left behind. */
	readonly mailboxes: Mailboxes;
	readonly #now: () => number;
	/** Mailboxes and nameplates entered, by network: every guess at a code needs one. */
	readonly #claims = new RateLimiter({
		burst: SERVER_CLAIMS_BURST,
		everyMs: SERVER_CLAIM_MS,
		keys: SERVER_CLAIM_NETWORKS,
	});

	constructor(now = () => performance.now()) {
		this.#now = now;
		this.mailboxes = new Mailboxes(now);
	}

	/** A new socket from `address`; it is welcomed at once. */
	connect(address: string, socket: ClientSocket): Session {
		socket.send({ type: "welcome", welcome: {} });
		const key = network(address);
		return openSession(this.mailboxes, socket, {
			network: key,
			charge: () => {
				if (!this.#claims.take(key, this.#now())) throw new Refusal("too many codes, wait a minute");
			},
		});
	}

	/** Removes abandoned mailboxes. To be called regularly, every second to every minute. */
	prune(): void {
		this.mailboxes.prune();
	}
}
