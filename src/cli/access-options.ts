// The options about identity and who may come, from strings to typed values. Called by cli.ts.

import { HivemindError } from "../base/errors.ts";
import type { Policy } from "../hub/admission.ts";
import { MAX_PEERS } from "../hub/limits.ts";
import { type Identity, openIdentity } from "../invite/identity.ts";
import { newSecret } from "../invite/secret.ts";
import { EXPIRES_MAX_MS, MAX_PEERS_MAX } from "./limits.ts";
import type { CommandLine } from "./parse-args.ts";

/** The identity file that was asked for, open and locked; undefined when none was. @throws HivemindError `identity` */
export function readIdentity({ values }: CommandLine): Identity | undefined {
	const file = values.get("identity");
	if (typeof file === "string") return openIdentity(file, { rotate: values.has("rotate") });
	if (values.has("rotate")) throw new HivemindError("usage", "--rotate does nothing without --identity.");
	return undefined;
}

/**
 * Who may come to the hub, with the secret of its identity. The options are read first and the identity after, so that
 * a mistake on the command line makes or rotates nothing. @throws HivemindError `usage`
 */
export function readPolicy({ values }: CommandLine): (identity: Identity | undefined) => Policy {
	const allow = (values.get("allow") as string[] | undefined)?.map((id) => id.toLowerCase());
	const odd = allow?.find((id) => !/^[0-9a-f]{64}$/.test(id));
	if (odd !== undefined) {
		throw new HivemindError("usage", `--allow: '${odd}' is no public id.`, {
			hint: "The peer gets its own by 'identity <FILE>': 64 hexadecimal digits.",
		});
	}
	const rest = {
		allow: allow && new Set(allow),
		maxPeers: maxPeers(values.get("max-peers")),
		once: values.has("once"),
		expiresAt: expiresAt(values.get("expires")),
	};
	return (identity) => ({ ...rest, secret: values.has("open") ? undefined : (identity?.secret ?? newSecret()) });
}

// --- internal ---

function maxPeers(value: unknown): number {
	if (value === undefined) return MAX_PEERS;
	const parsed = /^\d{1,6}$/.test(String(value)) ? Number(value) : 0;
	if (parsed >= 1 && parsed <= MAX_PEERS_MAX) return parsed;
	throw new HivemindError("usage", `--max-peers: '${String(value)}' is no number from 1 to ${MAX_PEERS_MAX}.`);
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function expiresAt(value: unknown): number | undefined {
	if (value === undefined) return undefined;
	const [, digits, unit = ""] = /^(\d{1,6})([smhd])$/.exec(String(value)) ?? [];
	const ms = Number(digits) * (UNITS[unit] ?? Number.NaN);
	if (ms > 0 && ms <= EXPIRES_MAX_MS) return Date.now() + ms;
	const why = ms > EXPIRES_MAX_MS ? "is longer than 20 days" : "is no duration";
	throw new HivemindError("usage", `--expires: '${String(value)}' ${why}.`, {
		hint: "Write it like 45s, 30m, 2h or 1d, at most 20 days.",
	});
}
