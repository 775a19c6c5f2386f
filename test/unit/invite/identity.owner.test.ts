// Whose identity files are used: another user can neither have his own taken for ours, nor have us write where he wants.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
	chmodSync,
	chownSync,
	existsSync,
	lchownSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeIdentity, openIdentity } from "../../../src/invite/identity.ts";
import { NOBODY, openedBy } from "../../support/holder.ts";
import { thrown, valueOr } from "../../support/throws.ts";

const ALICE = 1000;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("Skipped: identity files of several users, which only root can make.");

const text = encodeIdentity({ key: new Uint8Array(32).fill(7), secret: "a".repeat(26) });

let folder: string;
let path: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-owner-"));
	chmodSync(folder, 0o755);
	path = join(folder, "identity");
});

afterEach(() => rmSync(folder, { recursive: true }));

function make({ at = path, content = text, uid = 0, gid = 0, mode = 0o600 } = {}): string {
	writeFileSync(at, content);
	chownSync(at, uid, gid);
	chmodSync(at, mode);
	return at;
}

/** A folder in the folder. */
function makeFolder(name: string, uid: number, mode: number): string {
	const at = join(folder, name);
	mkdirSync(at);
	chownSync(at, uid, uid);
	chmodSync(at, mode);
	return at;
}

/** Opened as root, with and without `rotate`: the message, which must be the same, or undefined if it was opened. */
function refusal(at = path): string | undefined {
	const [first, second] = [false, true].map((rotate) => {
		const result = valueOr("identity", () => openIdentity(at, { rotate }));
		if (result instanceof Error) return result.message;
		result.close();
		return undefined;
	});
	expect(second).toBe(first);
	return first;
}

describe.skipIf(!isRoot)("root", () => {
	test("does not use another user's identity file", () => {
		make({ uid: ALICE });
		const error = thrown("identity", () => openIdentity(path));
		expect(error.message).toBe(`The identity file ${path} belongs to another user (uid ${ALICE}).`);
		expect(error.hint).toContain(
			`Run this program as uid ${ALICE}, or, if the file is meant for uid 0: chown 0 ${path}`,
		);
		expect(refusal()).toBe(error.message);
		expect(readFileSync(path, "utf8")).toBe(text);
	});

	test("does not fill another user's empty file, who would know the key", () => {
		make({ uid: ALICE, content: "" });
		expect(refusal()).toContain("belongs to another user");
		expect(readFileSync(path, "utf8")).toBe("");
	});

	test.each([
		["an identity of root's", text],
		["an empty file of root's", ""],
		["nothing", undefined],
	])("does not follow another user's link in a folder like /tmp to %s", (_, content) => {
		const target = join(makeFolder("private", 0, 0o700), "target");
		if (content !== undefined) make({ at: target, content });
		const link = join(makeFolder("tmp", 0, 0o1777), "identity");
		symlinkSync(target, link);
		lchownSync(link, ALICE, ALICE);
		expect(refusal(link)).toBe(`The identity file ${link} is a symbolic link.`);
		expect(existsSync(target) ? readFileSync(target, "utf8") : undefined).toBe(content as string);
	});

	test.each([
		["another user's", ALICE, 0o755],
		["one that everybody can write to", 0, 0o777],
		["one that its group can write to", 0, 0o775],
	])("does not follow a link of its own in a folder where it can be replaced: %s", (_, uid, mode) => {
		const link = join(makeFolder("shared", uid, mode), "identity");
		symlinkSync(make(), link);
		expect(refusal(link)).toBe(`The identity file ${link} is a symbolic link.`);
	});

	test("reads through a link of its own, but neither fills, creates nor changes a file through it", () => {
		const link = `${path}-link`;
		symlinkSync(path, link);
		expect(refusal(link)).toBe(`The identity file ${link} is a symbolic link that leads to no file.`);
		expect(existsSync(path)).toBe(false);
		make({ content: "" });
		expect(refusal(link)).toBe(`The identity file ${link} is empty, and is named by a link.`);
		make();
		openIdentity(link).close();
		const error = thrown("identity", () => openIdentity(link, { rotate: true }));
		expect(error.message).toBe(`The identity file ${link} cannot be changed, and is named by a link.`);
		expect(readFileSync(path, "utf8")).toBe(text);
	});

	test("does not fill an empty file that somebody has given a second name; rotating one of its own is fine", () => {
		const other = join(folder, "other");
		make({ at: other, content: "" });
		linkSync(other, path);
		expect(refusal()).toBe(`The identity file ${path} is empty, and has other names.`);
		expect(readFileSync(other, "utf8")).toBe("");
		make({ at: other });
		expect(refusal()).toBeUndefined();
	});

	test("never writes to where a link leads that is put there at the last moment", async () => {
		const victim = make({ at: join(folder, "victim"), content: "" });
		const place = makeFolder("alice", ALICE, 0o755);
		const at = join(place, "identity");
		// In a loop: a link, then nothing, as fast as it can.
		const loop = `import { symlinkSync, unlinkSync } from "node:fs";
			process.setgroups([]), process.setgid(${ALICE}), process.setuid(${ALICE});
			const [at, victim] = process.argv.slice(1);
			console.log("ready");
			for (;;) {
				try { symlinkSync(victim, at); } catch {}
				try { unlinkSync(at); } catch {}
			}`;
		const mischief = Bun.spawn([process.execPath, "-e", loop, at, victim], { stdout: "pipe", stderr: "ignore" });
		try {
			await mischief.stdout.getReader().read();
			const seen = { opened: 0, refused: 0 };
			for (let round = 0; round < 10_000; round++) {
				const result = valueOr("identity", () => openIdentity(at));
				seen[result instanceof Error ? "refused" : "opened"]++;
				if (!(result instanceof Error)) result.close();
			}
			expect(Math.min(seen.opened, seen.refused)).toBeGreaterThan(0);
			expect(readFileSync(victim, "utf8")).toBe("");
		} finally {
			mischief.kill("SIGKILL");
			await mischief.exited;
		}
	}, 60_000);
});

describe.skipIf(!isRoot)("a user who is not root", () => {
	const answer = () => openedBy(NOBODY, path);

	test.each([
		["the group may read it, as Kubernetes makes it with fsGroup", 0o440],
		["root may write it, too", 0o640],
	])("reads a file that root keeps for its group: %s", (_, mode) => {
		make({ gid: NOBODY, mode });
		expect(answer()).toBe(`open ${"07".repeat(32)} ${"a".repeat(26)}`);
		expect(readFileSync(path, "utf8")).toBe(text);
	});

	test.each([0o444, 0o644, 0o460, 0o666, 0o442])("does not use root's file with the mode %o", (mode) => {
		make({ gid: NOBODY, mode });
		expect(answer()).toBe(`The identity file ${path} belongs to root, but others can read or change it.`);
	});

	test("may not read root's file with mode 0400", () => {
		make({ mode: 0o400 });
		expect(answer()).toBe(`The identity file ${path} cannot be opened: permission denied.`);
	});

	test("does not use the file of a third user that it may read", () => {
		make({ uid: ALICE, gid: NOBODY, mode: 0o440 });
		expect(answer()).toBe(`The identity file ${path} belongs to another user (uid ${ALICE}).`);
	});

	test("does not fill root's empty file", () => {
		make({ gid: NOBODY, mode: 0o440, content: "" });
		expect(answer()).toBe(`The identity file ${path} is empty, and belongs to root.`);
	});

	test("does not wait for the other end of a pipe that it may only read", () => {
		expect(Bun.spawnSync(["mkfifo", "-m", "444", path]).exitCode).toBe(0);
		expect(answer()).toBe(`The identity file ${path} is not a regular file.`);
	});
});
