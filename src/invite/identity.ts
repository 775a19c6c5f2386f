// Identity files: the endpoint's secret key and the ticket's secret, kept across restarts. Two programs with one key
// silently starve each other at a relay (iroh issue 3813), so the file is locked while it is in use, where that works.
import { closeSync, constants, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";
import { IDENTITY_MAX } from "./limits.ts";
import { AT_ONCE, type FileLock, lockFile, openPrivate, readStart } from "./private-file.ts";
import { isSecret, newSecret } from "./secret.ts";
import { doubtAbout, doubtAboutLink, doubtAboutWriting, isLink, unreadableHint } from "./trusted-file.ts";

export interface Identity {
	/** 32 bytes. */
	key: Uint8Array;
	/** The secret of the tickets made with it. */
	secret: string;
	/** "in use" only for `peek`. */
	readonly lock: FileLock;
	/** Closes and unlocks the file. Idempotent. */
	close(): void;
}

/**
 * Opens and locks an identity file; a missing or empty one is created, with its folder. `rotate` replaces the secret, which invalidates
 * old tickets. With `peek`, which is for reading only, another program may have it open. Only this user's files are
 * used, and root's that are kept for it (trusted-file.ts). @throws HivemindError `identity`
 */
export function openIdentity(path: string, { rotate = false, peek = false } = {}): Identity {
	const fail = (why: string, hint?: string, cause?: unknown): never => {
		throw new HivemindError("identity", `The identity file ${path} ${why}.`, {
			...(hint !== undefined && { hint }),
			cause,
		});
	};
	let fd: number;
	let link: boolean;
	try {
		link = isLink(path);
		const doubt = link ? doubtAboutLink(path) : undefined;
		if (doubt) return fail(doubt.why, doubt.hint);
		fd = link ? openSync(path, constants.O_RDONLY | AT_ONCE) : openOrCreate(path);
	} catch (cause) {
		if (cause instanceof HivemindError) throw cause;
		const code = systemCode(cause);
		return fail(OPEN_REASONS[code] ?? `cannot be opened: ${firstLine(cause)}`, openHint(code, path), cause);
	}
	try {
		const status = fstatSync(fd);
		if (!status.isFile()) fail("is not a regular file");
		const doubt = doubtAbout(status, path);
		if (doubt !== undefined) {
			fail(doubt.why, doubt.hint);
		}
		const lock = lockFile(fd);
		if (lock === "in use" && !(peek && status.size > 0))
			fail("is in use by another program", "Each running program needs an identity of its own.");
		// Checked again under the lock: another program may have written it since.
		const old =
			fstatSync(fd).size === 0
				? undefined
				: (decodeIdentity(LATIN1.decode(readStart(fd, IDENTITY_MAX))) ?? fail("is damaged, or not an identity file"));
		const identity = {
			key: old?.key ?? crypto.getRandomValues(new Uint8Array(32)),
			secret: old && !rotate ? old.secret : newSecret(),
		};
		if (!old || rotate) {
			const doubt = doubtAboutWriting(fstatSync(fd), link);
			if (doubt) fail(doubt.why, doubt.hint);
			try {
				// All identity files have the same length, so a new secret fits in the old one's place, even on a full disk.
				writeSync(fd, encodeIdentity(identity), 0);
			} catch (cause) {
				if (!old) ftruncateSync(fd);
				fail(OPEN_REASONS[systemCode(cause)] ?? `cannot be written: ${firstLine(cause)}`, undefined, cause);
			}
		}
		let open = true;
		const close = () => {
			if (open) closeSync(fd);
			open = false;
		};
		return { ...identity, lock, close };
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

/** The text of an identity file. */
export function encodeIdentity({ key, secret }: { key: Uint8Array; secret: string }): string {
	return `${MAGIC}\nkey ${Buffer.from(key).toString("hex")}\nsecret ${secret}\n`;
}

/** The contents of an identity file; undefined for any other text. */
export function decodeIdentity(text: string): { key: Uint8Array; secret: string } | undefined {
	const match = /^([^\n]*)\nkey ([0-9a-f]{64})\nsecret ([a-z2-7]+)\n$/.exec(text);
	if (match?.[1] !== MAGIC || !isSecret(match[3] as string)) return undefined;
	return { key: new Uint8Array(Buffer.from(match[2] as string, "hex")), secret: match[3] as string };
}

// --- internal ---

const MAGIC = "hivemind-p2p identity 1: keep this file secret";
const LATIN1 = new TextDecoder("latin1");

/** The last folder of the path is made, too, for nobody else: in a fresh clone a project's ignored one is missing. */
function openOrCreate(path: string): number {
	try {
		return openPrivate(path, constants.O_CREAT);
	} catch (error) {
		if (systemCode(error) !== "ENOENT" || existsSync(dirname(path))) throw error;
	}
	try {
		mkdirSync(dirname(path), 0o700);
	} catch (error) {
		// Another program has made it meanwhile.
		if (systemCode(error) !== "EEXIST") throw error;
	}
	return openPrivate(path, constants.O_CREAT);
}

function openHint(code: string, path: string): string | undefined {
	if (code === "EACCES" && existsSync(path)) return unreadableHint();
	const folder = dirname(path);
	return code === "ENOENT" && !existsSync(folder) ? `Create the folder: mkdir -p ${folder}` : undefined;
}

const OPEN_REASONS: Record<string, string> = {
	ENOENT: "cannot be created: its folder does not exist",
	EACCES: "cannot be opened: permission denied",
	EISDIR: "is a folder",
	EROFS: "cannot be created: the file system is read-only",
	EBADF: "cannot be written",
	ENOSPC: "cannot be written: the disk is full",
};
