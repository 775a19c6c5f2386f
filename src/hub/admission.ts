// Who may come in: the hub's decision for one hello, by what it knows. No I/O; time comes in. Called by guest.ts.

import { setBounded } from "../base/bounded-map.ts";
import { sameSecret } from "../invite/secret.ts";
import type { DenialReason } from "../protocol/control-messages.ts";
import { ADMITTED_IDS, MAX_PEERS, WRONG_SECRET_IDS, WRONG_SECRETS, WRONG_SECRETS_MS } from "./limits.ts";

export interface Policy {
	/** Everybody must know it; undefined admits whoever knows the hub's id (`--open`). */
	secret: string | undefined;
	/** Only these public ids; undefined admits all. */
	allow: ReadonlySet<string> | undefined;
	/** Peers at once. */
	maxPeers: number;
	/** One peer, and then nobody else. */
	once: boolean;
	/** No new peer after this, in `Date.now()` milliseconds. */
	expiresAt: number | undefined;
}

/** Whoever knows the secret, up to {@link MAX_PEERS}. */
export function teamPolicy(secret: string | undefined): Policy {
	return { secret, allow: undefined, maxPeers: MAX_PEERS, once: false, expiresAt: undefined };
}

export interface Denial {
	reason: DenialReason;
	message: string;
}

export class Admission {
	readonly policy: Policy;
	/** Ids that were let in, for the policies that ask. */
	#admitted = new Map<string, true>();
	#wrong = new Map<string, number[]>();

	constructor(policy: Policy) {
		this.policy = policy;
	}

	/** Undefined: come in. `connected` are the ids that are in now. `now` is `Date.now()`. */
	decide(id: string, secret: string | undefined, connected: ReadonlySet<string>, now: number): Denial | undefined {
		const { policy } = this;
		if (policy.secret !== undefined) {
			const wrong = (this.#wrong.get(id) ?? []).filter((at) => now - at < WRONG_SECRETS_MS);
			if (wrong.length >= WRONG_SECRETS) return { reason: "rate", message: "too many wrong tickets; wait a minute" };
			if (secret === undefined || !sameSecret(secret, policy.secret)) {
				setBounded(this.#wrong, id, [...wrong, now], WRONG_SECRET_IDS);
				return { reason: "secret", message: "the ticket is not, or no longer, valid at this hub" };
			}
		}
		if (policy.allow && !policy.allow.has(id))
			return { reason: "id", message: "this hub admits only the peers on its list" };
		if (connected.has(id)) return undefined;
		if (this.#admitted.has(id)) return connected.size < policy.maxPeers ? undefined : FULL;
		if (policy.expiresAt !== undefined && now >= policy.expiresAt) {
			return { reason: "expired", message: "the invitation has expired" };
		}
		if (policy.once && this.#admitted.size > 0)
			return { reason: "once", message: "this hub admits one peer only, and it has come" };
		if (connected.size >= policy.maxPeers) return FULL;
		// Only these two ask later who was here before.
		if (policy.once || policy.expiresAt !== undefined) setBounded(this.#admitted, id, true, ADMITTED_IDS);
		return undefined;
	}

	/** Whether a new peer could still come. */
	closed(now: number): boolean {
		const { once, expiresAt } = this.policy;
		return (once && this.#admitted.size > 0) || (expiresAt !== undefined && now >= expiresAt);
	}
}

const FULL: Denial = { reason: "full", message: "the hub is full" };
