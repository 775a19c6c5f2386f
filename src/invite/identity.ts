// Identity files: the endpoint's secret key and the ticket's secret, kept across restarts. Two programs with one key
// silently starve each other at a relay (iroh issue 3813), so the file is locked while it is in use, where that works.
import { FFIType } from "bun:ffi";
import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { constants as system } from "node:os";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";
import { openLibc } from "../base/libc.ts";
import { IDENTITY_MAX, LOCK_TRIES } from "./limits.ts";
import { isSecret, newSecret } from "./secret.ts";
import { doubtAbout, doubtAboutLink, doubtAboutWriting, isLink, unreadableHint } from "./trusted-file.ts";

export interface Identity {
	/** 32 bytes. */
	key: Uint8Array;
	/** The secret of the tickets made with it. */
	secret: string;
	readonly lock: IdentityLock;
	/** Closes and unlocks the file. Idempotent. */
	close(): void;
}

export type IdentityLock =
	/** No other program can open the file until it is closed. */
	| "held"
	/** Another program has it, which only `peek` allows. */
	| "in use"
	/** The file system has no locks: nothing keeps other programs from using the file. */
	| "unsupported"
	/** Windows, where identity files are not locked. */
	| "none";

/**
 * Opens and locks an identity file; a missing or empty one is created. `rotate` replaces the secret, which invalidates
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
		fd = link ? openSync(path, constants.O_RDONLY | AT_ONCE) : openFile(path);
	} catch (cause) {
		if (cause instanceof HivemindError) throw cause;
		const hint = systemCode(cause) === "EACCES" && existsSync(path) ? unreadableHint() : undefined;
		return fail(OPEN_REASONS[systemCode(cause)] ?? `cannot be opened: ${firstLine(cause)}`, hint, cause);
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
				: (decodeIdentity(readAll(fd)) ?? fail("is damaged, or not an identity file"));
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

const OPEN_REASONS: Record<string, string> = {
	ENOENT: "cannot be created: its folder does not exist",
	EACCES: "cannot be opened: permission denied",
	EISDIR: "is a folder",
	EROFS: "cannot be created: the file system is read-only",
	EBADF: "cannot be written",
	ENOSPC: "cannot be written: the disk is full",
};

/** Does not wait for a pipe's other end, nor make a terminal ours. Windows has neither flag, which counts as 0. */
const AT_ONCE = constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * For reading and writing, created when missing; an existing one that cannot be written (a mounted secret), for reading.
 * Follows no link: one that has been put there since we looked is an error.
 */
function openFile(path: string): number {
	try {
		return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | AT_ONCE, 0o600);
	} catch (error) {
		if (!["EROFS", "EACCES"].includes(systemCode(error)) || !existsSync(path)) throw error;
		return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | AT_ONCE);
	}
}

function readAll(fd: number): string {
	const buffer = new Uint8Array(IDENTITY_MAX);
	const length = readSync(fd, buffer, 0, buffer.length, 0);
	return new TextDecoder("latin1").decode(buffer.subarray(0, length));
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * flock(2): the kernel unlocks it when the program ends, however it ends. NFS and some FUSE file systems fail with
 * ENOLCK, ENOTSUP, ENOSYS, or EBADF for a file opened for reading; only EWOULDBLOCK means that somebody else has it.
 */
function lockFile(fd: number): IdentityLock {
	if (process.platform === "win32") return "none";
	const { EINTR, EWOULDBLOCK } = system.errno;
	const libc = openLibc({ flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } });
	try {
		for (let tries = 0; tries < LOCK_TRIES; tries++) {
			if (libc.symbols.flock(fd, LOCK_EX | LOCK_NB) === 0) return "held";
			const errno = libc.errno();
			if (errno === EWOULDBLOCK) return "in use";
			if (errno !== EINTR) break;
		}
		return "unsupported";
	} finally {
		libc.close();
	}
}
