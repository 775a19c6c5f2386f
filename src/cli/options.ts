// Options of every command, and those about join codes. invitation-options.ts reads the latter; it is loaded when a
// command runs, and these are needed before.
import { REDEEM_MS } from "../wormhole/client/limits.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN } from "../wormhole/limits.ts";
import type { Definitions } from "./definition.ts";
import { NETWORK } from "./endpoint-options.ts";

const TYPED = "It is for the command line.";
const SECRET =
	"It is a secret, and project files are shared. Use standard input (-), or an environment variable (see --help).";

/** Every command has these. */
export const COMMON = {
	verbose: {
		type: "boolean",
		alias: "v",
		counted: true,
		description: "Show warnings on stderr; -vv also info, -vvv debug, -vvvv trace",
	},
	help: { type: "boolean", alias: "h", notInFile: TYPED, description: "Show this help" },
	version: { type: "boolean", alias: "V", notInFile: TYPED, description: "Show the version" },
} as const satisfies Definitions;

/** The options that help and completions show before a command is given. */
export const GENERAL = { ...NETWORK, ...COMMON } as const satisfies Definitions;

/** The name of a hub or a peer, which may also be an argument. */
export const NAME = {
	name: {
		type: "string",
		valueHint: "NAME",
		otherwise: "this machine's host name",
		notInFile: "The key 'name' at the top of the file names the hub. Peers have their own names.",
		description: "What the other side calls this machine",
	},
} as const satisfies Definitions;

/** Of both sides: what one does not want, the other does not do. */
export const COMPRESSION = {
	"no-compress": { type: "boolean", description: "Do not compress what goes through the tunnel (see SECURITY.md)" },
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
		needs: "wormhole",
		description: `Number of words in a join code, ${CODE_WORDS_MIN} to ${CODE_WORDS_MAX}`,
	},
	qr: { type: "boolean", needs: "wormhole", description: "Also show each join command as a QR code" },
	"wormhole-relay": { ...MAILBOX["wormhole-relay"], needs: "wormhole" },
} as const satisfies Definitions;

/** How `join` finds its hub. */
export const INVITATION = {
	ticket: {
		type: "string",
		valueHint: "TICKET",
		otherwise: "asked for on a terminal",
		variable: "HIVEMIND_P2P_TICKET",
		notInFile: SECRET,
		description: "The hub's ticket; - reads it from standard input",
	},
	"join-code": {
		type: "string",
		valueHint: "CODE",
		otherwise: "asked for on a terminal",
		variable: "HIVEMIND_P2P_JOIN_CODE",
		notInFile: SECRET,
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
