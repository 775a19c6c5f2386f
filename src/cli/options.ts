// Options that several commands share, or that a file of their own turns into typed values.
import { MAX_PEERS } from "../hub/limits.ts";
import { ALPN, type AlpnName } from "../protocol/stream-header.ts";
import { CODE_WORDS_MAX, CODE_WORDS_MIN, REDEEM_MS } from "../wormhole/limits.ts";
import type { Definitions } from "./definition.ts";
import { MAX_PEERS_MAX } from "./limits.ts";

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

/** Of the commands that connect (endpoint-options.ts). */
export const NETWORK = {
	alpn: {
		type: "enum",
		options: Object.keys(ALPN) as AlpnName[],
		default: "hivemind",
		description: "ALPN of the connection, the same on both sides",
	},
	"ipv4-addr": {
		type: "string",
		valueHint: "ADDR",
		otherwise: "any address, a free port",
		description: "IPv4 UDP address to bind, for example 0.0.0.0:4433",
	},
	"ipv6-addr": {
		type: "string",
		valueHint: "ADDR",
		otherwise: "any address, a free port",
		description: "IPv6 UDP address to bind, for example [::]:4433",
	},
	"no-relay": {
		type: "boolean",
		description: "Direct connections only: no relay, no discovery service; works offline",
	},
	"relay-url": {
		type: "string",
		valueHint: "URL",
		repeatable: true,
		otherwise: "the public relays of n0",
		description: "Use this iroh relay, and no public relay or discovery service",
	},
} as const satisfies Definitions;

/** What is worth showing before a command is known. */
export const GENERAL = { ...NETWORK, ...COMMON } as const satisfies Definitions;

export const IDENTITY = {
	identity: {
		type: "string",
		valueHint: "FILE",
		otherwise: "a new public id at each start",
		description: "Keep the same public id across restarts; the file is created if it is missing",
	},
} as const satisfies Definitions;

export const ROTATE = {
	rotate: {
		type: "boolean",
		description: "Give the identity a new secret: old tickets and join codes stop working",
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

/** How `share` offers join codes (invitation-options.ts). */
export const CODES = {
	wormhole: { type: "boolean", description: "Offer join codes through Magic Wormhole, a new one for each peer" },
	"code-words": {
		type: "string",
		valueHint: "N",
		otherwise: String(CODE_WORDS_MIN),
		description: `Words of a join code, ${CODE_WORDS_MIN} to ${CODE_WORDS_MAX}`,
	},
	qr: { type: "boolean", description: "Also show each join command as a QR code" },
	...MAILBOX,
} as const satisfies Definitions;

/** How `join` gets to know its hub (invitation-options.ts). */
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
		description: "Use the join code even if its words are not in the list, as those of other programs may be",
	},
} as const satisfies Definitions;

/** Which peers a hub admits (access-options.ts). */
export const ACCESS = {
	open: {
		type: "boolean",
		description: "Put no secret into the ticket, so that peers of the original program can join",
	},
	allow: {
		type: "string",
		valueHint: "ID",
		repeatable: true,
		otherwise: "any peer with the ticket",
		description: "Admit only the peer with this public id",
	},
	"max-peers": {
		type: "string",
		valueHint: "N",
		default: String(MAX_PEERS),
		description: `Peers at the same time, 1 to ${MAX_PEERS_MAX}`,
	},
	once: { type: "boolean", description: "Admit one peer, and no other after it" },
	expires: {
		type: "string",
		valueHint: "DURATION",
		otherwise: "never",
		description: "Admit no new peer after this time: 45s, 30m, 2h or 1d, at most 20 days",
	},
} as const satisfies Definitions;
