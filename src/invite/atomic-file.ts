// Writes a file with a secret as a whole: whoever opens its name, also after a crash, finds the old contents or the new.
import {
	closeSync,
	constants,
	fsync,
	linkSync,
	openSync,
	readdirSync,
	renameSync,
	statSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";
import { LEFT_BEHIND_MS } from "./limits.ts";
import { type FileLock, lockFile, openPrivate } from "./private-file.ts";

export interface Written {
	/** The file, open. */
	readonly fd: number;
	readonly lock: FileLock;
}

/**
 * Writes a file, with mode 0600, and has it open and locked from the moment that it has its name. Without `replace` it
 * must be a new one: undefined when there is such a file. @throws Error if it cannot be written; then nothing has changed
 */
export async function writeAtomically(path: string, text: string, replace: boolean): Promise<Written | undefined> {
	removeLeftovers(path, Date.now() - LEFT_BEHIND_MS);
	const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}`);
	const fd = openPrivate(temporary, constants.O_CREAT | constants.O_EXCL);
	let named = false;
	try {
		const lock = lockFile(fd);
		writeFileSync(fd, text);
		await flushed(fd);
		if (replace) renameSync(temporary, path);
		else if (!isNewName(temporary, path)) return undefined;
		named = true;
		await folderFlushed(dirname(path));
		return { fd, lock };
	} finally {
		if (!named) closeSync(fd);
		removeFile(temporary);
	}
}

/** Removes what a program that was killed while it wrote this file has left, if that is older than `before` (`Date.now()`). */
export function removeLeftovers(path: string, before = Number.POSITIVE_INFINITY): void {
	const folder = dirname(path);
	const pattern = new RegExp(`^\\.${RegExp.escape(basename(path))}\\.[0-9a-f-]{36}$`);
	for (const name of readdirSync(folder).filter((name) => pattern.test(name))) {
		const status = statSync(join(folder, name), { throwIfNoEntry: false });
		if (status && status.mtimeMs < before) removeFile(join(folder, name));
	}
}

/** False when there is no such file. */
export function removeFile(path: string): boolean {
	try {
		unlinkSync(path);
		return true;
	} catch (error) {
		if (systemCode(error) === "ENOENT") return false;
		throw error;
	}
}

// --- internal ---

/** Gives a file a second name; false when that name is taken. */
function isNewName(path: string, name: string): boolean {
	try {
		linkSync(path, name);
		return true;
	} catch (error) {
		if (systemCode(error) === "EEXIST") return false;
		throw error;
	}
}

/** Not in a call that blocks: on a busy disk it takes seconds, and a tunnel is running. */
const flushed = (fd: number): Promise<void> =>
	new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));

/** So that the name, too, survives a power failure, where that can be asked for: Windows cannot open a folder. */
async function folderFlushed(folder: string): Promise<void> {
	try {
		const fd = openSync(folder, constants.O_RDONLY);
		await flushed(fd).finally(() => closeSync(fd));
	} catch {
		// The file is in its place all the same.
	}
}
