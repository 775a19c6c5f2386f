// All commands. The help, the completion scripts, the parser and docs/cli.md are made from this table.
import { completions } from "./completions.ts";
import type { CommandTable } from "./definition.ts";
import { demo } from "./demo.ts";
import { identity } from "./identity.ts";
import { join } from "./join.ts";
import { mailbox } from "./mailbox.ts";
import { share } from "./share.ts";
import { status } from "./status.ts";

export const COMMANDS = { share, join, identity, mailbox, demo, status, completions } satisfies CommandTable;
