// All commands. The help, the completion scripts, the parser and docs/cli.md are made from this table.
import { completions } from "./completions.ts";
import type { CommandTable } from "./definition.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { helpAbout } from "./help-command.ts";
import { hubs } from "./hubs.ts";
import { identity } from "./identity.ts";
import { init } from "./init.ts";
import { join } from "./join.ts";
import { mailbox } from "./mailbox.ts";
import { share } from "./share.ts";
import { status } from "./status.ts";

const WORKING = {
	share,
	join,
	init,
	hubs,
	identity,
	mailbox,
	status,
	doctor,
	demo,
	completions,
} satisfies CommandTable;

export const COMMANDS = { ...WORKING, help: helpAbout(Object.keys(WORKING)) } satisfies CommandTable;
