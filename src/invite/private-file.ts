// Opening, locking and reading files that hold secrets. Who may own such a file, and who may read it, is decided in
// trusted-file.ts, on the descriptor that is opened here.
import { FFIType } from "bun:ffi";
import { constants, existsSync, openSync, readSync } from "node:fs";
import { constants as system } from "node:os";
import { systemCode } from "../base/errors.ts";
import { openLibc } from "../base/libc.ts";
import { LOCK_TRIES } from "./limits.ts";

export type FileLock =
	/** No other program can lock the file until it is closed. */
	| "held"
	/** Another program has it. */
	| "in use"
	/** The file system has no locks: nothing keeps other programs from using the file. */
	| "unsupported"
	/** It was not locked. Windows has no such locks. */
	| "none";

/** Does not wait for a pipe's other end, nor make a terminal ours. Windows has neither flag, which counts as 0. */
export const AT_ONCE = constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * For reading and writing, with more flags; an existing one that cannot be written (a mounted secret), for reading.
 * Follows no link: one that has been put there since we looked is an error.
 */
export function openPrivate(path: string, flags = 0): number {
	try {
		return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | AT_ONCE | flags, 0o600);
	} catch (error) {
		if (!["EROFS", "EACCES"].includes(systemCode(error)) || !existsSync(path)) throw error;
		return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | AT_ONCE);
	}
}

/** The beginning of a file, at most `max` bytes. */
export function readStart(fd: number, max: number): Uint8Array {
	const buffer = new Uint8Array(max);
	return buffer.subarray(0, readSync(fd, buffer, 0, max, 0));
}

/**
 * flock(2): the kernel unlocks it when the program ends, however it ends. NFS and some FUSE file systems fail with
 * ENOLCK, ENOTSUP, ENOSYS, or EBADF for a file opened for reading; only EWOULDBLOCK means that somebody else has it.
 */
export function lockFile(fd: number): FileLock {
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

// --- internal ---

const LOCK_EX = 2;
const LOCK_NB = 4;
