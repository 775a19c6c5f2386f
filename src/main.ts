#!/usr/bin/env bun
// Entry point: runs the command line, turns signals into an orderly stop, and errors into a message and an exit status.
// Nothing else may end the process.
import { EXIT_STATUS, HivemindError, NegativeAnswer } from "./base/errors.ts";
import { ERROR_TEXT_MAX } from "./base/limits.ts";
import { flushOutput, notice, printEvent } from "./base/output.ts";
import { printable } from "./base/printable.ts";
import { aborted } from "./base/timers.ts";
import { run } from "./cli/cli.ts";
import { bugReport, errorEvent, logCauses, watchFaults } from "./cli/faults.ts";
import { isIgnored, SIGNALS, watchSignals } from "./cli/signals.ts";

const end = (status: number) => process.exit(status);
const stop = new AbortController();
const cut = new AbortController();
const signals = watchSignals({ stop, cut, end });
for (const [name, number] of Object.entries(SIGNALS)) {
	// A handler would undo `nohup`.
	if (name !== "SIGHUP" || !isIgnored(number)) process.on(name, () => signals.take(number));
}

const faults = watchFaults(stop, () => end(EXIT_STATUS.internal.status));
process.on("uncaughtException", faults.report);
process.on("unhandledRejection", faults.report);

let status: number = EXIT_STATUS.ok.status;
try {
	await run(process.argv.slice(2), stop.signal, cut.signal);
} catch (error) {
	if (!faults.reported) status = tell(error);
}
if (faults.reported) status = EXIT_STATUS.internal.status;
const flushed = flushOutput();
// After an orderly stop the next signals bound this, too.
await (stop.signal.aborted ? flushed : Promise.race([flushed, aborted(stop.signal)]));
end(signals.status ?? status);

/** Says what went wrong, and returns the exit status for it. */
function tell(error: unknown): number {
	if (error instanceof NegativeAnswer) return EXIT_STATUS.internal.status;
	const known =
		error instanceof HivemindError ? error : new HivemindError("internal", bugReport(error), { cause: error });
	printEvent(errorEvent(known));
	// It may repeat what was typed or pasted.
	notice(`error: ${printable(`${known.message}${known.hint ? ` ${known.hint}` : ""}`, ERROR_TEXT_MAX)}`);
	logCauses(known.cause);
	return EXIT_STATUS[known.code].status;
}
