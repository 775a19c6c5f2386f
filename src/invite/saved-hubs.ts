// The folder of saved hubs: one file each, named by its alias. It is locked while a peer uses its key, as identity files
// are, and only the program that holds the lock replaces it.
import { closeSync, existsSync, fstatSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";
import { removeFile, removeLeftovers, writeAtomically } from "./atomic-file.ts";
import { LOCK_TRIES, SAVED_HUB_MAX } from "./limits.ts";
import { type FileLock, lockFile, openPrivate, readStart } from "./private-file.ts";
import { decodeSavedHub, encodeSavedHub, isAlias, type SavedHub } from "./saved-hub.ts";
import { doubtAbout, doubtAboutFolder, unreadableHint } from "./trusted-file.ts";

/** A saved hub whose file is open. */
export interface OpenHub {
	readonly alias: string;
	readonly hub: SavedHub;
	readonly lock: FileLock;
	/** Closes and unlocks the file. Idempotent. */
	close(): void;
}

/**
 * Where saved hubs are: `hivemind-p2p/hubs` in XDG_STATE_HOME, or else in LOCALAPPDATA on Windows, in ~/.local/state
 * anywhere else.
 */
export function savedHubsFolder(): string {
	const { XDG_STATE_HOME: xdg, LOCALAPPDATA: windows } = process.env;
	const usual = process.platform === "win32" && windows ? windows : join(homedir(), ".local", "state");
	// The XDG specification wants relative paths to be ignored.
	return join(xdg && isAbsolute(xdg) ? xdg : usual, "hivemind-p2p", "hubs");
}

/** The aliases in the folder, sorted; none when there is no folder. @throws HivemindError `identity` */
export function savedAliases(folder: string): string[] {
	return failing(`The folder ${folder}`, () => (isTrusted(folder) ? readdirSync(folder).filter(isAlias).sort() : []));
}

/**
 * Opens and locks a saved hub; undefined when there is none of that alias. With `peek`, which is for reading only, it is
 * not locked, and another program may use it. @throws HivemindError `identity`
 */
export function openSavedHub(folder: string, alias: string, { peek = false } = {}): OpenHub | undefined {
	const path = join(folder, alias);
	return failing(subject(path), () => {
		for (let tries = 0; tries < LOCK_TRIES; tries++) {
			if (!isAlias(alias) || !isTrusted(folder)) return undefined;
			const fd = openExisting(path);
			if (fd === undefined) return undefined;
			let read: Contents | undefined;
			try {
				read = contents(fd, path, peek);
			} finally {
				if (!read) closeSync(fd);
			}
			if (read) return { alias, ...read, close: closer(fd) };
		}
		throw failure(subject(path), "is in use by another program", IN_USE);
	});
}

/**
 * Writes a saved hub: a new one of that alias, or in the place of an open one, which it closes. The new file is open and
 * locked. Undefined when there is one of that alias already, or the open one has been removed.
 * @throws HivemindError `identity`; then what was there before is as it was
 */
export async function writeSavedHub(folder: string, to: OpenHub | string, hub: SavedHub): Promise<OpenHub | undefined> {
	const alias = typeof to === "string" ? to : to.alias;
	const path = join(folder, alias);
	try {
		if (typeof to !== "string" && !existsSync(path)) return undefined;
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		isTrusted(folder);
		const written = await writeAtomically(path, encodeSavedHub(hub), typeof to !== "string");
		if (typeof to !== "string") to.close();
		return written && { alias, hub, lock: written.lock, close: closer(written.fd) };
	} catch (error) {
		throw error instanceof HivemindError
			? error
			: failure(subject(path), WRITE_REASONS[systemCode(error)], undefined, error);
	}
}

/**
 * Removes a saved hub, even if it cannot be used, and what a killed program has left of it. False when there is none.
 * @throws HivemindError `identity`
 */
export function removeSavedHub(folder: string, alias: string): boolean {
	const path = join(folder, alias);
	return failing(subject(path), () => {
		if (!isAlias(alias) || !isTrusted(folder)) return false;
		removeLeftovers(path);
		return removeFile(path);
	});
}

// --- internal ---

type Contents = Pick<OpenHub, "hub" | "lock">;

const IN_USE =
	"Each running peer needs an identity of its own: join with --identity FILE, or with another code and --save.";

const READ_REASONS: Record<string, string> = {
	EACCES: "cannot be opened: permission denied",
	EISDIR: "is a folder",
	// Because of O_NOFOLLOW.
	ELOOP: "is a symbolic link",
};

const WRITE_REASONS: Record<string, string> = {
	EACCES: "cannot be written: permission denied",
	EROFS: "cannot be written: the file system is read-only",
	ENOSPC: "cannot be written: the disk is full",
	EDQUOT: "cannot be written: the disk quota is used up",
};

const subject = (path: string): string => `The saved hub ${path}`;

function failure(what: string, why: string | undefined, hint?: string, cause?: unknown): HivemindError {
	const reason = why ?? `cannot be used: ${firstLine(cause)}`;
	return new HivemindError("identity", `${what} ${reason}.`, {
		...(hint !== undefined && { hint }),
		cause,
	});
}

/** Work on a file or a folder, with errors that name it. */
function failing<T>(what: string, work: () => T): T {
	try {
		return work();
	} catch (cause) {
		if (cause instanceof HivemindError) throw cause;
		const code = systemCode(cause);
		throw failure(what, READ_REASONS[code], code === "EACCES" ? unreadableHint() : undefined, cause);
	}
}

/** False when there is no such folder. @throws HivemindError if others can put files there */
function isTrusted(folder: string): boolean {
	const status = statSync(folder, { throwIfNoEntry: false });
	const doubt = status && doubtAboutFolder(status, folder);
	if (doubt) throw new HivemindError("identity", `The folder ${folder} ${doubt.why}.`, { hint: doubt.hint });
	return status !== undefined;
}

function openExisting(path: string): number | undefined {
	try {
		return openPrivate(path);
	} catch (error) {
		if (systemCode(error) === "ENOENT") return undefined;
		throw error;
	}
}

/** What an open file says, and its lock; undefined if it was replaced before it was locked. @throws HivemindError */
function contents(fd: number, path: string, peek: boolean): Contents | undefined {
	const status = fstatSync(fd);
	if (!status.isFile()) throw failure(subject(path), "is not a regular file");
	const doubt = doubtAbout(status, path);
	if (doubt) throw failure(subject(path), doubt.why, doubt.hint);
	const lock = peek ? "none" : lockFile(fd);
	if (lock === "in use") throw failure(subject(path), "is in use by another program", IN_USE);
	const named = lock === "held" ? lstatSync(path, { throwIfNoEntry: false }) : status;
	if (named?.ino !== status.ino || named.dev !== status.dev) return undefined;
	const hub = decodeSavedHub(readStart(fd, SAVED_HUB_MAX));
	if (!hub) throw failure(subject(path), "is damaged, or not a saved hub", "Remove it, and save the hub again.");
	return { hub, lock };
}

function closer(fd: number): () => void {
	let open = true;
	return () => {
		if (open) closeSync(fd);
		open = false;
	};
}
