// Why a program stops: a signal asked for it (Ctrl+C, kill), or it ends by itself. Only the first has somebody who may
// ask again.

/** The reason of an AbortSignal that a signal of the system has aborted. */
export class Interrupted extends Error {
	constructor() {
		super("interrupted by a signal");
		this.name = "Interrupted";
	}
}

/** Whether a signal of the system has aborted it, directly or through `AbortSignal.any`. */
export const wasInterrupted = (stop: AbortSignal): boolean => stop.reason instanceof Interrupted;
