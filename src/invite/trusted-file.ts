// Which file may hold an identity: one of this process's user, or one that root keeps for it, as container engines mount
// secrets; and a link only if nobody else can have made it. And which file may say what this program does: one that only
// its user or root can write. Windows has no such owners, so nothing is checked there.
import { existsSync, lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

/** Why a file is not used, in the words of an error and its hint. */
export interface Doubt {
	readonly why: string;
	readonly hint: string;
}

/** The effective user; undefined on Windows. */
const effectiveUser = () => process.geteuid?.();

/** Whether there is a symbolic link of that name. @throws Error if its folder may not be searched */
export const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/**
 * Why a symbolic link is not followed; undefined if only root or this user can have made it, and nobody else can replace
 * it: what the kernel's protected_symlinks asks in some folders (proc_sys_fs(5)), asked in all of them.
 * @throws Error if the link or its folder cannot be looked at
 */
export function doubtAboutLink(path: string): Doubt | undefined {
	const user = effectiveUser();
	const folder = statSync(dirname(path));
	// In a sticky folder, as Kubernetes mounts secrets in, only the link's and the folder's owner can replace it.
	const closed = (folder.mode & 0o022) === 0 || (folder.mode & STICKY) !== 0;
	const owners = [lstatSync(path).uid, folder.uid];
	if (user !== undefined && !(closed && owners.every((owner) => owner === ROOT || owner === user))) {
		const hint =
			"Name the file itself. A link is followed only if it and its folder belong to root or to this program's user, " +
			"and nobody else can change them.";
		return { why: "is a symbolic link", hint };
	}
	if (existsSync(path)) return undefined;
	return { why: "is a symbolic link that leads to no file", hint: "Name the file itself, and it will be created." };
}

/**
 * What is wrong with the owner or the mode of an open file; undefined if nothing is. `status` must come from the
 * descriptor that is read, because the name may lead elsewhere by now.
 */
export function doubtAbout(status: Stats, path: string): Doubt | undefined {
	const user = effectiveUser();
	if (user === undefined) return undefined;
	if (status.uid === user) {
		if ((status.mode & 0o077) === 0) return undefined;
		const hint = `Restrict it to yourself: chmod 600 ${path}. If others may have read it, make a new one.`;
		return { why: "can be read by others", hint };
	}
	if (status.uid !== ROOT) {
		const hint =
			`That user knows its key, and can change it. Run this program as uid ${status.uid}, ` +
			`or, if the file is meant for uid ${user}: chown ${user} ${path}`;
		return { why: `belongs to another user (uid ${status.uid})`, hint };
	}
	// Root may let a group read it: that is how Kubernetes gives a secret to a pod that does not run as root.
	if ((status.mode & 0o027) === 0) return undefined;
	const hint =
		"Its mode must be 0400, or 0440 with a group that this program is in " +
		"(Kubernetes: defaultMode and fsGroup; Docker: the secret's uid, gid and mode).";
	return { why: "belongs to root, but others can read or change it", hint };
}

/** Why a folder is not trusted to have only files that this user, or root for it, has put there; undefined if it is. */
export function doubtAboutFolder(status: Stats, path: string): Doubt | undefined {
	const user = effectiveUser();
	if (user === undefined) return undefined;
	if (status.uid !== user && status.uid !== ROOT) {
		return { why: `belongs to another user (uid ${status.uid})`, hint: `Run this program as uid ${status.uid}.` };
	}
	if ((status.mode & 0o022) === 0) return undefined;
	return { why: "can be changed by others", hint: `Keep it to yourself: chmod 700 ${path}` };
}

/**
 * Why an open file is not written, after {@link doubtAbout} has let it pass: it was found through a link, is root's, or
 * is empty and has a second name, by which it may be another program's. Undefined if it may be.
 */
export function doubtAboutWriting(status: Stats, link: boolean): Doubt | undefined {
	const user = effectiveUser();
	const why = status.size === 0 ? "is empty" : "cannot be changed";
	if (user === undefined) return undefined;
	if (link)
		return { why: `${why}, and is named by a link`, hint: "Name the file itself: through a link it is only read." };
	if (status.uid !== user) return { why: `${why}, and belongs to root`, hint: "Only root can write it." };
	if (status.size > 0 || status.nlink === 1) return undefined;
	return {
		why: "is empty, and has other names",
		hint: "Choose a name that does not exist yet, and it will be created.",
	};
}

/**
 * Who besides this user and root can have written a file, as part of a sentence about it; undefined if nobody. Reading
 * is everybody's. For what is read, `status` must come from its descriptor.
 */
export function doubtAboutAuthors({ uid, gid, mode }: Stats): string | undefined {
	const user = effectiveUser();
	if (user === undefined) return undefined;
	if (uid !== user && uid !== ROOT) return `belongs to another user (uid ${uid})`;
	// Many systems give each user a group of the same number with nobody else in it, and a umask that lets it write
	// (login.defs(5), USERGROUPS_ENAB): there that group may write every file of a checkout.
	const alone = uid === user && uid !== ROOT && gid === user;
	return (mode & (alone ? 0o002 : 0o022)) === 0 ? undefined : "can be changed by others (chmod go-w prevents that)";
}

/** What to do about a file that may not be opened. */
export const unreadableHint = (): string =>
	`This program runs as uid ${effectiveUser()}: that user must own the file, or root must, with a group that the user is in.`;

// --- internal ---

const ROOT = 0;
const STICKY = 0o1000;
