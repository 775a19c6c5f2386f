// Identity files: the endpoint's secret key and the ticket's secret, kept across restarts by whoever asks for it.
// Called by policy.ts and cli.ts. Two programs with one key starve each other at a relay without a word (iroh issue 3813), so the
// file is locked while it is in use.
import { FFIType } from "bun:ffi";
import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";
import { openLibc } from "../transport/libc.ts";
import { IDENTITY_MAX } from "./limits.ts";
import { isSecret, newSecret } from "./secret.ts";

export interface Identity {
	/** 32 bytes. */
	key: Uint8Array;
	/** The secret of the tickets made with it. */
	secret: string;
	/** Lets the file go. Idempotent. */
	close(): void;
}

/**
 * Opens and locks an identity file, and makes it when it is missing. `rotate` puts a new secret in: old tickets die.
 * Who only looks (`peek`) may do so while another program runs with it. @throws HivemindError `identity`
 */
export function openIdentity(path: string, { rotate = false, peek = false } = {}): Identity {
	const fail = (why: string, hint?: string, cause?: unknown): never => {
		throw new HivemindError("identity", `The identity file ${path} ${why}.`, {
			...(hint !== undefined && { hint }),
			cause,
		});
	};
	let fd: number;
	try {
		fd = openFile(path);
	} catch (cause) {
		return fail(OPEN_REASONS[systemCode(cause)] ?? `cannot be opened: ${firstLine(cause)}`, undefined, cause);
	}
	try {
		const status = fstatSync(fd);
		if (!status.isFile()) fail("is no file");
		if (process.platform !== "win32" && (status.mode & 0o077) !== 0) {
			fail(
				"can be read by others",
				`Make it yours alone: chmod 600 ${path}. If others may have seen it, make a new one.`,
			);
		}
		if (!lock(fd) && !(peek && status.size > 0))
			fail("is in use by another program", "Each running program needs an identity of its own.");
		// Looked at under the lock: another program may have made it a moment ago.
		const old =
			fstatSync(fd).size === 0 ? undefined : (decodeIdentity(readAll(fd)) ?? fail("is damaged, or no identity file"));
		const identity = {
			key: old?.key ?? crypto.getRandomValues(new Uint8Array(32)),
			secret: old && !rotate ? old.secret : newSecret(),
		};
		if (!old || rotate) {
			try {
				// All identity files have the same length, so a new secret takes the place of the old one, also on a full disk.
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
		return { ...identity, close };
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

/** The text of an identity file. */
export function encodeIdentity({ key, secret }: { key: Uint8Array; secret: string }): string {
	return `${MAGIC}\nkey ${Buffer.from(key).toString("hex")}\nsecret ${secret}\n`;
}

/** What an identity file says, or undefined for any other text. */
export function decodeIdentity(text: string): { key: Uint8Array; secret: string } | undefined {
	const match = /^([^\n]*)\nkey ([0-9a-f]{64})\nsecret ([a-z2-7]+)\n$/.exec(text);
	if (match?.[1] !== MAGIC || !isSecret(match[3] as string)) return undefined;
	return { key: new Uint8Array(Buffer.from(match[2] as string, "hex")), secret: match[3] as string };
}

// --- internal ---

const MAGIC = "hivemind-p2p identity 1: keep this file secret";

const OPEN_REASONS: Record<string, string> = {
	ENOENT: "cannot be made: its folder does not exist",
	EACCES: "may not be opened by this user",
	EISDIR: "is a folder",
	EROFS: "cannot be made: the file system is read-only",
	EBADF: "cannot be written",
	ENOSPC: "cannot be written: the disk is full",
};

/** To read and write, made when missing; only to read where an existing one cannot be written (a mounted secret). */
function openFile(path: string): number {
	try {
		return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
	} catch (error) {
		if (!["EROFS", "EACCES"].includes(systemCode(error)) || !existsSync(path)) throw error;
		return openSync(path, constants.O_RDONLY);
	}
}

function readAll(fd: number): string {
	const buffer = new Uint8Array(IDENTITY_MAX);
	const length = readSync(fd, buffer, 0, buffer.length, 0);
	return new TextDecoder("latin1").decode(buffer.subarray(0, length));
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** flock(2): the kernel lets go of it when the program ends, however it ends. Windows has none: not locked there. */
function lock(fd: number): boolean {
	if (process.platform === "win32") return true;
	const libc = openLibc({ flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } });
	try {
		return libc.symbols.flock(fd, LOCK_EX | LOCK_NB) === 0;
	} finally {
		libc.close();
	}
}
