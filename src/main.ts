#!/usr/bin/env bun
// Entry point: runs the command line, turns signals into an orderly stop, and errors into a message and an exit status.
// Nothing else may end the process.
import { EXIT_STATUS, HivemindError } from "./base/errors.ts";
import { ERROR_TEXT_MAX } from "./base/limits.ts";
import { talk } from "./base/output.ts";
import { printable } from "./base/printable.ts";
import { run } from "./cli/cli.ts";
import { bugReport, logCauses, watchFaults } from "./cli/faults.ts";

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const stop = new AbortController();
for (const [name, number] of Object.entries(SIGNALS)) {
	process.on(name, () => {
		// The first signal asks, the second insists: 128 + its number, as shells do.
		if (stop.signal.aborted) process.exit(128 + number);
		stop.abort();
	});
}

const faults = watchFaults(stop, () => process.exit(EXIT_STATUS.internal.status));
process.on("uncaughtException", faults.report);
process.on("unhandledRejection", faults.report);

let status: number = EXIT_STATUS.ok.status;
try {
	await run(process.argv.slice(2), stop.signal);
} catch (error) {
	if (!faults.reported) status = tell(error);
}
process.exit(faults.reported ? EXIT_STATUS.internal.status : status);

/** Says what went wrong, and returns the exit status for it. */
function tell(error: unknown): number {
	const known =
		error instanceof HivemindError ? error : new HivemindError("internal", bugReport(error), { cause: error });
	// It may repeat what was typed or pasted.
	talk(`error: ${printable(`${known.message}${known.hint ? ` ${known.hint}` : ""}`, ERROR_TEXT_MAX)}`);
	logCauses(known.cause);
	return EXIT_STATUS[known.code].status;
}
