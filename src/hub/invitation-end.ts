// Notices when a hub's invitation is over: `--once` has had its peer, or `--expires` has passed.

import { SWEEP_MS } from "../transport/limits.ts";
import type { Admission } from "./admission.ts";

export class InvitationEnd {
	/** Aborted once no new peer can be admitted any more. */
	readonly signal: AbortSignal;
	readonly #admission: Admission;
	readonly #onEnd: (why: "once" | "expired") => void;
	readonly #over = new AbortController();
	#timer: Timer | undefined;

	/** `onEnd` is called once at most, also from within the constructor. */
	constructor(admission: Admission, onEnd: (why: "once" | "expired") => void) {
		this.signal = this.#over.signal;
		this.#admission = admission;
		this.#onEnd = onEnd;
		this.#await();
	}

	/** To be called after each admission. */
	check(): void {
		if (this.signal.aborted || !this.#admission.closed(Date.now())) return;
		this.#over.abort();
		this.#onEnd(this.#admission.policy.once ? "once" : "expired");
	}

	/** Idempotent. */
	close(): void {
		clearTimeout(this.#timer);
	}

	// --- internal ---

	/** A timer does not notice when the wall clock is set or the machine sleeps, so the clock is checked repeatedly. */
	#await(): void {
		this.check();
		const { expiresAt } = this.#admission.policy;
		if (expiresAt === undefined || this.signal.aborted) return;
		this.#timer = setTimeout(() => this.#await(), Math.min(expiresAt - Date.now(), SWEEP_MS));
	}
}
