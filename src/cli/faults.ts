// What happens after a bug: nothing can be trusted any more, so the program reports it and stops cleanly, within a
// bounded time.
import { firstLine, HivemindError } from "../base/errors.ts";
import { ERROR_TEXT_MAX } from "../base/limits.ts";
import { log, notice, printEvent } from "../base/output.ts";
import { printable } from "../base/printable.ts";
import type { TimedEvent } from "../status/program-events.ts";
import { FAULT_STOP_MS } from "./limits.ts";

export interface Faults {
	/** Takes an uncaught exception. The first one stops the program; further ones are likely its consequences. */
	report(error: unknown): void;
	/** Whether there was one: then the program must not end with success. */
	readonly reported: boolean;
}

/** Aborts `stop` at the first fault, and calls `end` if the program is still running {@link FAULT_STOP_MS} later. */
export function watchFaults(stop: AbortController, end: () => void): Faults {
	let reported = false;
	return {
		get reported() {
			return reported;
		},
		report(error) {
			if (!reported) {
				notice(`error: ${printable(bugReport(error), ERROR_TEXT_MAX)}`);
				printEvent(errorEvent(new HivemindError("internal", bugReport(error))));
				setTimeout(end, FAULT_STOP_MS);
			}
			reported = true;
			logCauses(error);
			stop.abort();
		},
	};
}

/** What the user is told about an error that is not a HivemindError. */
export const bugReport = (error: unknown): string =>
	`This is a bug in hivemind-p2p, please report it: ${firstLine(error)}`;

/** The event for the error that the program ends with. It may repeat what was typed or pasted, or what a remote has said. */
export function errorEvent({ code, message, hint }: HivemindError): TimedEvent {
	const text = (line: string) => printable(line, ERROR_TEXT_MAX);
	const more = hint === undefined ? {} : { hint: text(hint) };
	return { time: new Date().toISOString(), event: "error", code, message: text(message), ...more, fatal: true };
}

/** An error with its causes, for `-vvv`. */
export function logCauses(error: unknown): void {
	for (let cause = error; cause instanceof Error; cause = cause.cause)
		log.debug(`cause: ${cause.stack ?? cause.message}`);
}
