#!/usr/bin/env bun
import { EXIT_STATUS, firstLine, HivemindError } from "./base/errors.ts";
import { ERROR_TEXT_MAX } from "./base/limits.ts";
import { log, talk } from "./base/output.ts";
import { printable } from "./base/printable.ts";
// Entry: runs the command line, turns signals into an orderly stop and errors into a message and an exit status.
// The only caller of process.exit.
import { run } from "./cli/cli.ts";

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const stop = new AbortController();
for (const [name, number] of Object.entries(SIGNALS)) {
	process.on(name, () => {
		// The first signal asks, the second insists: 128 + its number, as shells do.
		if (stop.signal.aborted) process.exit(128 + number);
		stop.abort();
	});
}
// One connection's bug must not take the others down: it is reported, and the program goes on.
for (const event of ["unhandledRejection", "uncaughtException"] as const) {
	process.on(event, (error) => log.error(`Unexpected (a bug, please report it): ${firstLine(error)}`));
}

try {
	await run(process.argv.slice(2), stop.signal);
	process.exit(0);
} catch (error) {
	const known =
		error instanceof HivemindError
			? error
			: new HivemindError("internal", `Unexpected: ${firstLine(error)}`, { cause: error });
	// It may repeat what was typed or pasted.
	talk(`error: ${printable(`${known.message}${known.hint ? ` ${known.hint}` : ""}`, ERROR_TEXT_MAX)}`);
	for (let cause = known.cause; cause instanceof Error; cause = cause.cause)
		log.debug(`cause: ${cause.stack ?? cause.message}`);
	process.exit(EXIT_STATUS[known.code].status);
}
