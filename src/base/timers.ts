// Waiting with a time limit or an abort signal, and polling that notices when this process was suspended itself. None
// of these leaves a timer or a listener behind.
import { STALL_MS } from "./limits.ts";

/** Resolves when the signal is aborted; at once if it already is. */
export function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		signal.addEventListener("abort", () => resolve(), { once: true });
		if (signal.aborted) resolve();
	});
}

/** Resolves after `ms` milliseconds, or as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
	if (ms <= 0 || signal.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const wake = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", wake);
			resolve();
		};
		const timer = setTimeout(wake, ms);
		signal.addEventListener("abort", wake);
	});
}

/** Settles as `work` does, or rejects with `late()` after `ms` milliseconds. Late work is not cancelled. */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
	let timer: Timer | undefined;
	const timeout = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(late()), ms);
	});
	try {
		return await Promise.race([work, timeout]);
	} finally {
		clearTimeout(timer);
	}
}

/**
 * Calls `look` every `ms` milliseconds; `ms` must be less than {@link STALL_MS}. A call that is overdue by more than
 * that means that this process was suspended (Ctrl+Z, a paused container). Then `woken` is called instead, with the
 * milliseconds since the last call, so that whatever arrived in the meantime is read before anybody judges silence.
 */
export function whileAwake(ms: number, look: () => void, woken: (stalledMs: number) => void = () => {}): Timer {
	let lookedAt = performance.now();
	return setInterval(() => {
		const since = performance.now() - lookedAt;
		lookedAt += since;
		if (since > STALL_MS) woken(since);
		else look();
	}, ms);
}

/** Work that runs at once when it is called after a quiet time, and else once, `everyMs` milliseconds after its last run. */
export class Paced {
	readonly #everyMs: number;
	readonly #work: () => void;
	#ranAt = Number.NEGATIVE_INFINITY;
	#timer: Timer | undefined;

	constructor(everyMs: number, work: () => void) {
		this.#everyMs = everyMs;
		this.#work = work;
	}

	call(): void {
		const wait = this.#ranAt + this.#everyMs - performance.now();
		if (wait <= 0) this.#run();
		else this.#timer ??= setTimeout(() => this.#run(), wait);
	}

	/** What was called for and has not run does not run. Idempotent. */
	close(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	// --- internal ---

	#run(): void {
		this.close();
		this.#ranAt = performance.now();
		this.#work();
	}
}
