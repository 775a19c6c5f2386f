// The options about identity and admission, from strings to typed values.
import { HivemindError } from "../base/errors.ts";
import { notice } from "../base/output.ts";
import type { Policy } from "../hub/admission.ts";
import { MAX_PEERS } from "../hub/limits.ts";
import type { Identity } from "../invite/identity.ts";
import { newSecret } from "../invite/secret.ts";
import type { Definitions, Parsed } from "./definition.ts";
import { EXPIRES_MAX_MS, MAX_PEERS_MAX } from "./limits.ts";
import { wholeNumber } from "./numbers.ts";

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
		needs: "identity",
		notInFile: "Every start would be another rotation.",
		description: "Give the identity a new secret: old tickets and join codes stop working",
	},
} as const satisfies Definitions;

/** Which peers a hub admits. */
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
		description: `Most peers connected at the same time, 1 to ${MAX_PEERS_MAX}`,
	},
	once: { type: "boolean", description: "Admit one peer, then no others" },
	expires: {
		type: "string",
		valueHint: "DURATION",
		otherwise: "never",
		description: "Admit no new peers after this time: 45s, 30m, 2h or 1d, at most 20 days",
	},
} as const satisfies Definitions;

/** The identity file of `--identity`, open and locked; undefined without it. @throws HivemindError `identity` */
export async function readIdentity({
	identity,
	rotate = false,
}: Parsed<typeof IDENTITY> & Partial<Parsed<typeof ROTATE>>): Promise<Identity | undefined> {
	if (identity === undefined) return undefined;
	const { openIdentity } = await import("../invite/identity.ts");
	return warned(identity, openIdentity(identity, { rotate }));
}

/** The same identity, after a warning if nothing keeps another program from using the file at the same time. */
export function warned(path: string, identity: Identity): Identity {
	if (identity.lock === "unsupported") {
		notice(`The identity file ${path} cannot be locked on this file system: make sure that only one program uses it.`);
	}
	return identity;
}

/**
 * Which peers the hub admits, once its identity is known. The options are read before the identity, so that a
 * mistake on the command line neither creates nor rotates anything. @throws HivemindError `usage`
 */
export function readPolicy(options: Parsed<typeof ACCESS>): (identity: Identity | undefined) => Policy {
	const allow = options.allow.map((id) => id.toLowerCase());
	const wrong = allow.find((id) => !/^[0-9a-f]{64}$/.test(id));
	if (wrong !== undefined) {
		throw new HivemindError("usage", `--allow: '${wrong}' is not a public id.`, {
			hint: "It has 64 hexadecimal digits; the peer prints its own with 'identity <FILE>'.",
		});
	}
	const rest = {
		allow: allow.length > 0 ? new Set(allow) : undefined,
		maxPeers: wholeNumber(options["max-peers"], "--max-peers", 1, MAX_PEERS_MAX),
		once: options.once,
		expiresAt: expiresAt(options.expires),
	};
	return (identity) => ({ ...rest, secret: options.open ? undefined : (identity?.secret ?? newSecret()) });
}

// --- internal ---

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function expiresAt(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const [, digits, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
	const ms = Number(digits) * (UNITS[unit] ?? Number.NaN);
	if (ms > 0 && ms <= EXPIRES_MAX_MS) return Date.now() + ms;
	const why = ms > EXPIRES_MAX_MS ? "is longer than 20 days" : "is not a duration";
	throw new HivemindError("usage", `--expires: '${text}' ${why}.`, {
		hint: "Write it like 45s, 30m, 2h or 1d, at most 20 days.",
	});
}
