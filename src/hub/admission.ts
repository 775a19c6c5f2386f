// Who is admitted: the hub's decision about one hello, from what it knows. No I/O; the time is passed in.

import { setBounded } from "../base/bounded-map.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { sameSecret } from "../invite/secret.ts";
import type { DenialReason, Resume } from "../protocol/control-messages.ts";
import { ADMITTED_IDS, MAX_PEERS, WRONG_SECRET_IDS, WRONG_SECRETS, WRONG_SECRETS_MS } from "./limits.ts";
import { ResumeTokens } from "./resume-tokens.ts";

export interface Policy {
	/** Every peer must know it; undefined admits any peer that knows the hub's id (`--open`). */
	secret: string | undefined;
	/** Only these public ids; undefined admits all. */
	allow: ReadonlySet<string> | undefined;
	/** How many peers may be connected at once. */
	maxPeers: number;
	/** Only the first peer is admitted. */
	once: boolean;
	/** No new peer is admitted after this, in `Date.now()` milliseconds. */
	expiresAt: number | undefined;
}

/** Admits all who know the secret, up to {@link MAX_PEERS}. */
export function teamPolicy(secret: string | undefined): Policy {
	return { secret, allow: undefined, maxPeers: MAX_PEERS, once: false, expiresAt: undefined };
}

/** Why a peer is not admitted; `message` is for the user. */
export interface Denial {
	reason: DenialReason;
	message: string;
}

/** Milliseconds on both clocks. */
export interface Now {
	/** `Date.now()`: what an expiry is given in. */
	wall: number;
	/** `performance.now()`: never goes back, even if the wall clock is set. */
	monotonic: number;
}

export class Admission {
	readonly policy: Policy;
	/** By which a peer that comes back with another key counts as the one that it was. */
	readonly tokens = new ResumeTokens();
	/** Admitted ids, remembered only for policies that need them later. */
	readonly #admitted = new Map<string, true>();
	readonly #wrong = new RateLimiter({
		burst: WRONG_SECRETS,
		everyMs: WRONG_SECRETS_MS / WRONG_SECRETS,
		keys: WRONG_SECRET_IDS,
	});

	constructor(policy: Policy) {
		this.policy = policy;
	}

	/** The id that a peer whose connection has the id `own` counts as from now on, or why it is denied. */
	admit(
		own: string,
		{ secret, resume }: { secret?: string; resume?: Resume },
		connected: ReadonlySet<string>,
		now: Now,
	): { id: string } | Denial {
		if (resume && !this.tokens.prove(resume)) return UNKNOWN;
		const id = resume?.id ?? own;
		return this.decide(id, secret, connected, now) ?? { id };
	}

	/** Why the peer is denied, or undefined when it is admitted. `connected` are the ids of the peers admitted now. */
	decide(id: string, secret: string | undefined, connected: ReadonlySet<string>, now: Now): Denial | undefined {
		const { policy } = this;
		if (policy.secret !== undefined) {
			// Checked first, and for right secrets, too: a guesser must not learn which of its guesses was right.
			if (this.#wrong.waitMs(id, now.monotonic) > 0)
				return { reason: "rate", message: "too many wrong tickets; wait a minute" };
			if (secret === undefined || !sameSecret(secret, policy.secret)) {
				this.#wrong.take(id, now.monotonic);
				return { reason: "secret", message: "the ticket is not, or no longer, valid at this hub" };
			}
		}
		if (policy.allow && !policy.allow.has(id))
			return { reason: "id", message: "this hub admits only the peers on its list" };
		if (connected.has(id)) return undefined;
		if (this.#admitted.has(id)) return connected.size < policy.maxPeers ? undefined : FULL;
		if (policy.expiresAt !== undefined && now.wall >= policy.expiresAt) {
			return { reason: "expired", message: "the invitation has expired" };
		}
		if (policy.once && this.#admitted.size > 0)
			return { reason: "once", message: "this hub admits only one peer, and that peer has already joined" };
		if (connected.size >= policy.maxPeers) return FULL;
		// Only these two policies need to know later who has been admitted.
		if (policy.once || policy.expiresAt !== undefined) setBounded(this.#admitted, id, true, ADMITTED_IDS);
		return undefined;
	}

	/** Whether no new peer can be admitted any more; `wall` is of `Date.now()`. */
	closed(wall: number): boolean {
		const { once, expiresAt } = this.policy;
		return (once && this.#admitted.size > 0) || (expiresAt !== undefined && wall >= expiresAt);
	}
}

const UNKNOWN: Denial = { reason: "resume", message: "no such peer has joined since this hub was started" };
const FULL: Denial = { reason: "full", message: "the hub is full" };
