// Waits that end early, with a signal or after a time, and looks that do not mistake our own sleep for another's.
// Called by whoever waits; calls nothing.
import { STALL_MS } from "./limits.ts";

/** Resolves when the signal is aborted, at once if it is already. */
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

/** The outcome of `work`, or after `ms` milliseconds a rejection with `late()`. What was late goes on by itself. */
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
 * Calls `look` every `ms` milliseconds, fewer than {@link STALL_MS}. When it comes so long after the last one it was us
 * who were stopped (Ctrl+Z, a sleeping container), and what has arrived meanwhile is read first: then `woken` is called
 * instead, with the milliseconds since then.
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
