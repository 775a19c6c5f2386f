// Options of every command, and those about join codes. invitation-options.ts reads the latter; it is loaded when a
// command runs, and these are needed before.
import { REDEEM_MS } from "../wormhole/client/limits.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../wormhole/limits.ts";
import type { Definitions } from "./definition.ts";
import { NETWORK } from "./endpoint-options.ts";

/** Every command has these. */
export const COMMON = {
	verbose: {
		type: "boolean",
		alias: "v",
		counted: true,
		description: "Show warnings on stderr; -vv also info, -vvv debug, -vvvv trace",
	},
	help: { type: "boolean", alias: "h", description: "Show this help" },
	version: { type: "boolean", alias: "V", description: "Show the version" },
} as const satisfies Definitions;

/** The options that help and completions show before a command is given. */
export const GENERAL = { ...NETWORK, ...COMMON } as const satisfies Definitions;

/** The name of a hub or a peer, which may also be an argument. */
export const NAME = {
	name: {
		type: "string",
		valueHint: "NAME",
		otherwise: "this machine's host name",
		description: "What the other side calls this machine",
	},
} as const satisfies Definitions;

export const MAILBOX = {
	"wormhole-relay": {
		type: "string",
		valueHint: "URL",
		otherwise: "the public one",
		variable: "HIVEMIND_P2P_WORMHOLE_RELAY",
		description: "Mailbox server for join codes: a ws, wss, http or https URL; an empty path means /v1",
	},
} as const satisfies Definitions;

/** How `share` offers join codes. */
export const CODES = {
	wormhole: { type: "boolean", description: "Offer join codes through Magic Wormhole, a new one for each peer" },
	"code-words": {
		type: "string",
		valueHint: "N",
		otherwise: String(CODE_WORDS_MIN),
		description: `Number of words in a join code, ${CODE_WORDS_MIN} to ${CODE_WORDS_MAX}`,
	},
	qr: { type: "boolean", description: "Also show each join command as a QR code" },
	...MAILBOX,
} as const satisfies Definitions;

/** How `join` finds its hub. */
export const INVITATION = {
	ticket: {
		type: "string",
		valueHint: "TICKET",
		otherwise: "asked for on a terminal",
		variable: "HIVEMIND_P2P_TICKET",
		description: "The hub's ticket; - reads it from standard input",
	},
	"join-code": {
		type: "string",
		valueHint: "CODE",
		otherwise: "asked for on a terminal",
		variable: "HIVEMIND_P2P_JOIN_CODE",
		description: "The hub's join code; - reads it from standard input",
	},
	timeout: {
		type: "string",
		valueHint: "SECONDS",
		default: String(REDEEM_MS / 1000),
		description: "How long to wait for the hub behind a join code",
	},
	"force-code": {
		type: "boolean",
		description: "Use the join code even if its words are not in the word list, as in codes from other programs",
	},
} as const satisfies Definitions;
