// What signals do to a running program: the first asks it to stop, the second cuts short what it still waits for, the
// third ends it at once.
import { FFIType, ptr } from "bun:ffi";
import { Interrupted } from "../base/interrupt.ts";
import { openLibc } from "../base/libc.ts";
import { CUT_MS, SIGNAL_ECHO_MS } from "./limits.ts";

export const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export interface SignalActions {
	/** Aborted by the first signal: stop in order. */
	stop: AbortController;
	/** Aborted by the second one: tell the other side and end, whatever still runs. */
	cut: AbortController;
	/** Ends the process with a status, by the third one or {@link CUT_MS} after the second. */
	end: (status: number) => void;
}

export interface Signals {
	/** Takes a signal by its number. One within {@link SIGNAL_ECHO_MS} of another is the same one. */
	take(number: number): void;
	/** The exit status after a second signal: 128 + its number, as shells have it. */
	readonly status: number | undefined;
}

export function watchSignals({ stop, cut, end }: SignalActions): Signals {
	let status: number | undefined;
	let lastAt = Number.NEGATIVE_INFINITY;
	return {
		get status() {
			return status;
		},
		take(number) {
			const now = performance.now();
			if (now - lastAt < SIGNAL_ECHO_MS) return;
			lastAt = now;
			if (!stop.signal.aborted) return stop.abort(new Interrupted());
			const final = 128 + number;
			if (status !== undefined) return end(final);
			status = final;
			setTimeout(() => end(final), CUT_MS);
			cut.abort(new Interrupted());
		},
	};
}

/**
 * Whether this process was started with the signal ignored, as `nohup` does. To be asked before a handler is installed,
 * which would undo that. False where the system does not tell (Windows).
 */
export function isIgnored(number: number): boolean {
	try {
		const libc = openLibc({
			sigaction: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
		});
		try {
			// struct sigaction begins with the handler on Linux and macOS; the rest is shorter than this.
			const old = new BigUint64Array(32);
			return libc.symbols.sigaction(number, null, ptr(old)) === 0 && old[0] === SIG_IGN;
		} finally {
			libc.close();
		}
	} catch {
		return false;
	}
}

// --- internal ---

const SIG_IGN = 1n;
