// Finds and reads the project file: the one that --config names, or hivemind.toml in the working directory if only this
// user and root can have written it. One in a folder above is mentioned, and not read.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { join, sep } from "node:path";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";
import { doubtAboutAuthors, doubtAboutLink, isLink } from "../invite/trusted-file.ts";
import { PROJECT_FILE_MAX } from "./limits.ts";

export const PROJECT_FILE = "hivemind.toml";

export type Found =
	| { readonly kind: "file"; readonly path: string; readonly text: string }
	/** There is one that is not read: why, and how to use it. */
	| { readonly kind: "ignored"; readonly message: string }
	| { readonly kind: "none" };

/**
 * Looks for {@link PROJECT_FILE}, or for `config`, whoever wrote that. The owner and the mode are those of the file that
 * is read, whatever its name leads to by then. @throws HivemindError `usage` for a file that cannot be used
 */
export function findProjectFile(config: string | undefined): Found {
	const path = config ?? PROJECT_FILE;
	const unusable = (why: string): Found => {
		if (config !== undefined) throw new HivemindError("usage", `--config: ${path} ${why}.`);
		return ignored(`${path} ${why}. It is not used.`);
	};
	const untrusted = (why: string) => ignored(`${path} is not read: it ${why}. To use it as it is: --config ${path}`);
	let fd: number;
	try {
		const link = config === undefined && isLink(path);
		const doubt = link ? doubtAboutLink(path) : undefined;
		if (doubt) return untrusted(doubt.why);
		fd = openSync(path, constants.O_RDONLY | AT_ONCE | (link || config !== undefined ? 0 : constants.O_NOFOLLOW));
	} catch (error) {
		const code = systemCode(error);
		if (code === "ENOENT" && config === undefined) return above();
		return unusable(REASONS[code] ?? `cannot be opened: ${firstLine(error)}`);
	}
	try {
		const status = fstatSync(fd);
		if (!status.isFile()) return unusable("is not a regular file");
		const doubt = config === undefined ? doubtAboutAuthors(status) : undefined;
		return doubt === undefined ? { kind: "file", path, text: readText(fd, path) } : untrusted(doubt);
	} finally {
		closeSync(fd);
	}
}

// --- internal ---

const REASONS: Record<string, string> = {
	ENOENT: "does not exist",
	ENOTDIR: "does not exist",
	EACCES: "cannot be read: permission denied",
	ELOOP: "is a symbolic link that leads nowhere",
	ENXIO: "is not a regular file",
};

/** Does not wait for a pipe's other end, nor make a terminal ours. Windows has neither flag, which counts as 0. */
const AT_ONCE = constants.O_NONBLOCK | constants.O_NOCTTY;

const ignored = (message: string): Found => ({ kind: "ignored", message });

function readText(fd: number, path: string): string {
	const buffer = new Uint8Array(PROJECT_FILE_MAX + 1);
	let length = 0;
	// Some file systems return less than there is.
	for (let more = 1; more > 0 && length < buffer.length; length += more) {
		more = readSync(fd, buffer, length, buffer.length - length, length);
	}
	if (length > PROJECT_FILE_MAX) {
		throw new HivemindError("usage", `${path} is larger than ${PROJECT_FILE_MAX / 1024} KiB.`);
	}
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
	} catch (cause) {
		throw new HivemindError("usage", `${path} is not a text in UTF-8.`, { cause });
	}
}

/** The nearest one in the folders above the working directory that would be read there. */
function above(): Found {
	try {
		let path = PROJECT_FILE;
		for (const _ of process.cwd().split(sep).slice(1)) {
			path = join("..", path);
			const status = lstatSync(path, { throwIfNoEntry: false });
			if (!status?.isFile() || doubtAboutAuthors(status)) continue;
			return ignored(`${path} is in a folder above, and is not read by itself. To use it: --config ${path}`);
		}
	} catch {
		// The working directory is gone, or its parents may not be searched.
	}
	return { kind: "none" };
}
