// A hub that a peer comes back to without a code: what is kept of it, as the text of a file, and which words may name
// it. Pure: saved-hubs.ts reads and writes the files.
import { printable } from "../base/printable.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { ALIAS_MAX } from "./limits.ts";

export interface SavedHub {
	/** The hub's public id, 64 hexadecimal digits. */
	readonly id: string;
	/** As the hub calls itself; empty at a hub of the original program. */
	readonly name: string;
	/** Its ticket, secret included. */
	readonly ticket: string;
	/** The key of the peer's identity at this hub, 32 bytes. */
	readonly key: Uint8Array;
	/** Whether the ticket outlives the hub; undefined if the hub has not said so. */
	readonly lasting: boolean | undefined;
	/** When it was saved, and when the hub last admitted the peer with it: `Date.now()` milliseconds. */
	readonly savedAt: number;
	readonly usedAt: number;
}

/** Whether a saved hub may have this alias: it is a file's name, on each system, and part of a command line. */
export function isAlias(text: string): boolean {
	return text.length <= ALIAS_MAX && /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(text) && !DEVICE.test(text);
}

/** The alias that is nearest to a hub's name. */
export function aliasOf(name: string): string {
	const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
	const words = trimmed(plain.replace(/[^a-z0-9._-]+/g, "-"));
	const short = trimmed(words.slice(0, ALIAS_MAX));
	return isAlias(short) ? short : "hub";
}

/** The same alias with a number, for another hub. */
export const numberedAlias = (alias: string, number: number): string =>
	`${alias.slice(0, ALIAS_MAX - `-${number}`.length)}-${number}`;

/** The text of a saved hub's file. */
export function encodeSavedHub({ id, name, ticket, key, lasting, savedAt, usedAt }: SavedHub): string {
	return `${MAGIC}
hub ${id}
name ${name}
lasting ${lasting === undefined ? "unknown" : lasting ? "yes" : "no"}
saved ${new Date(savedAt).toISOString()}
used ${new Date(usedAt).toISOString()}
ticket ${ticket}
key ${Buffer.from(key).toString("hex")}
`;
}

/** What a saved hub's file says; undefined for any other bytes. Whether the ticket is one is for parseTicket() to say. */
export function decodeSavedHub(bytes: Uint8Array): SavedHub | undefined {
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return undefined;
	}
	const { magic, id, name, lasting, saved, used, ticket, key } = FILE.exec(text)?.groups ?? {};
	if (magic !== MAGIC || !id || name === undefined || !ticket || !key) return undefined;
	const [savedAt, usedAt] = [timeOf(saved), timeOf(used)];
	if (savedAt === undefined || usedAt === undefined || printable(name, NAME_MAX) !== name) return undefined;
	return {
		id,
		name,
		ticket,
		key: new Uint8Array(Buffer.from(key, "hex")),
		lasting: lasting === "unknown" ? undefined : lasting === "yes",
		savedAt,
		usedAt,
	};
}

// --- internal ---

const MAGIC = "hivemind-p2p saved hub 1: keep this file secret";

const FILE = new RegExp(
	[
		"^(?<magic>.*)",
		"hub (?<id>[0-9a-f]{64})",
		"name (?<name>.*)",
		"lasting (?<lasting>yes|no|unknown)",
		"saved (?<saved>.*)",
		"used (?<used>.*)",
		"ticket (?<ticket>endpoint[a-z2-7.]+)",
		"key (?<key>[0-9a-f]{64})",
		"$",
	].join("\\n"),
);

/** Names that Windows gives to devices, in every folder and with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

const trimmed = (text: string): string => text.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");

/** The time that was written like this and no other way, with a year of four digits. */
function timeOf(text = ""): number | undefined {
	const time = Date.parse(text);
	return /^\d{4}-/.test(text) && Number.isFinite(time) && new Date(time).toISOString() === text ? time : undefined;
}
