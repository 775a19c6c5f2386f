// The command that a hub's owner passes on.
import { PROGRAM } from "../base/version.ts";

/** What a peer needs. A code takes precedence: it is shorter, and works only once. */
export interface Invitation {
	ticket?: string;
	code?: { code: string; mailbox?: string };
}

/** The command that joins; undefined while there is nothing to join with. */
export function joinCommand({ ticket, code }: Invitation): string | undefined {
	if (code) return `${PROGRAM} join ${code.code}${mailboxOption(code.mailbox)}`;
	return ticket === undefined ? undefined : `${PROGRAM} join --ticket ${ticket}`;
}

// --- internal ---

const mailboxOption = (mailbox: string | undefined): string =>
	mailbox === undefined ? "" : ` --wormhole-relay ${word(mailbox)}`;

/** Quoted only where a shell needs it, and then in the quotes that cmd.exe knows, too: `[` is a pattern to zsh. */
const word = (text: string): string => (/^[\w.:/@+-]+$/.test(text) ? text : `"${text}"`);
