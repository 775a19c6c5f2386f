// Writes a file as a whole: whoever opens its name finds all of it, or what was there before.
import { constants, copyFileSync, linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";

/**
 * Writes a text file with mode 0644 less the umask. Without `replace` it never takes the place of another one.
 * @throws HivemindError `usage` if there is one, `file` if it cannot be written
 */
export function writeNewFile(path: string, text: string, { replace }: { replace: boolean }): void {
	const draft = `${path}.${crypto.randomUUID()}`;
	try {
		writeFileSync(draft, text, { flag: "wx", mode: 0o644 });
		if (replace) renameSync(draft, path);
		else giveName(draft, path);
	} catch (cause) {
		const code = systemCode(cause);
		if (code === "EEXIST") throw existsAlready(path);
		const hint = code === "ENOSPC" ? undefined : "Change to a folder that you may write to.";
		throw new HivemindError("file", `${path} cannot be written: ${REASONS[code] ?? firstLine(cause)}.`, {
			...(hint !== undefined && { hint }),
			cause,
		});
	} finally {
		remove(draft);
	}
}

/** What is said of a file that must not be overwritten. */
export const existsAlready = (path: string): HivemindError =>
	new HivemindError("usage", `${path} exists already.`, { hint: "Add --force to replace it." });

// --- internal ---

const REASONS: Record<string, string> = {
	EACCES: "permission denied",
	EPERM: "permission denied",
	EROFS: "the file system is read-only",
	ENOSPC: "the disk is full",
	EDQUOT: "the disk quota is used up",
	EISDIR: "it is a folder",
	ENOENT: "this folder does not exist any more",
};

function remove(path: string): void {
	try {
		rmSync(path, { force: true });
	} catch {
		// It could not be made either.
	}
}

/** Unlike renaming, this never replaces. Some file systems have no second names; there a crash may leave half of it. */
function giveName(draft: string, path: string): void {
	try {
		linkSync(draft, path);
	} catch (error) {
		if (systemCode(error) === "EEXIST") throw error;
		copyFileSync(draft, path, constants.COPYFILE_EXCL);
	}
}
