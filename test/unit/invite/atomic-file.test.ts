// Files that are written as a whole: a program that is killed while it writes leaves the old contents, and nothing else
// for good.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
	closeSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeFile, removeLeftovers, type Written, writeAtomically } from "../../../src/invite/atomic-file.ts";
import { LEFT_BEHIND_MS } from "../../../src/invite/limits.ts";
import { lockFile, openPrivate } from "../../../src/invite/private-file.ts";
import { decodeSavedHub, encodeSavedHub } from "../../../src/invite/saved-hub.ts";
import { available } from "../../cli/terminals.ts";
import { withoutCall } from "../../support/holder.ts";
import { savedHub } from "../../support/saved-hub.ts";

let folder: string;
let path: string;
const open: number[] = [];

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-atomic-"));
	path = join(folder, "shop");
});

afterEach(() => {
	for (const fd of open.splice(0)) closeSync(fd);
	rmSync(folder, { recursive: true });
});

async function write(text: string, replace = false): Promise<Written | undefined> {
	const written = await writeAtomically(path, text, replace);
	if (written) open.push(written.fd);
	return written;
}

const LEFT = `.shop.${crypto.randomUUID()}`;

/** What a program that was killed `agoMs` ago has left. */
function leave(name: string, agoMs: number): void {
	writeFileSync(join(folder, name), "a secret");
	utimesSync(join(folder, name), new Date(), new Date(Date.now() - agoMs));
}

test("a new file is readable by its owner alone, whatever the umask is, and has one name", async () => {
	const umask = process.umask(0);
	try {
		await write("new");
	} finally {
		process.umask(umask);
	}
	expect(statSync(path).mode & 0o7777).toBe(0o600);
	expect(statSync(path).nlink).toBe(1);
	expect(readdirSync(folder)).toEqual(["shop"]);
	expect(readFileSync(path, "utf8")).toBe("new");
});

test("a file that is not to be replaced is left alone", async () => {
	await write("old");
	expect(await write("new")).toBeUndefined();
	expect(readFileSync(path, "utf8")).toBe("old");
	expect(readdirSync(folder)).toEqual(["shop"]);
});

test("two programs that write a new file at once do not overwrite each other's", async () => {
	const written = await Promise.all(["one", "two", "three"].map((text) => write(text)));
	expect(written.filter(Boolean)).toHaveLength(1);
	expect(readdirSync(folder)).toEqual(["shop"]);
});

test("the file is locked as soon as it has its name", async () => {
	const first = await write("old");
	expect(first?.lock).toBe("held");
	await write("new", true);
	const fd = openPrivate(path);
	open.push(fd);
	expect(lockFile(fd)).toBe("in use");
	expect(readFileSync(path, "utf8")).toBe("new");
});

test("a file that cannot be written leaves nothing behind", async () => {
	path = join(folder, "x".repeat(300));
	expect(await write("new").catch((error: Error) => error)).toBeInstanceOf(Error);
	expect(readdirSync(folder)).toEqual([]);
});

test("writing removes what a killed program has left, but not what another one is writing", async () => {
	leave(LEFT, LEFT_BEHIND_MS + 1000);
	const busy = `.shop.${crypto.randomUUID()}`;
	leave(busy, 0);
	await write("new");
	expect(readdirSync(folder).toSorted()).toEqual([busy, "shop"].toSorted());
});

test("the leftovers of another file are left alone", () => {
	const others = [`.shop.x.${crypto.randomUUID()}`, `.sho.${crypto.randomUUID()}`, ".shop.bak", "shop"];
	for (const name of [LEFT, ...others]) leave(name, 0);
	removeLeftovers(path);
	expect(readdirSync(folder).toSorted()).toEqual(others.toSorted());
});

test("removing a file that is not there is no error", () => {
	expect(removeFile(path)).toBe(false);
	writeFileSync(path, "");
	expect(removeFile(path)).toBe(true);
});

const CAN_KILL = available("a program that is killed in rename(2)", withoutCall("rename", "KILL", "true"));

/** Another program saves a hub of this name as `shop`; what it printed. */
function savedBy(name: string, ...wrapper: string[]): string {
	const saver = join(import.meta.dir, "../../support/hub-saver.ts");
	const { stdout } = Bun.spawnSync([...wrapper, process.execPath, saver, folder, "shop", name], { stdin: "ignore" });
	return stdout.toString().trim();
}

test.skipIf(!CAN_KILL)("a program that is killed between writing and renaming leaves the old contents", () => {
	expect(savedBy("old")).toBe("saved");
	expect(savedBy("new", ...withoutCall("rename", "KILL"))).toBe("");
	expect(decodeSavedHub(readFileSync(path))?.name).toBe("old");
	const left = readdirSync(folder).filter((name) => name !== "shop");
	expect(left).toHaveLength(1);
	expect(readFileSync(join(folder, left[0] as string), "utf8")).toBe(encodeSavedHub(savedHub({ name: "new" })));
	removeLeftovers(path);
	expect(savedBy("newer")).toBe("saved");
	expect(decodeSavedHub(readFileSync(path))?.name).toBe("newer");
	expect(readdirSync(folder)).toEqual(["shop"]);
});

test.skipIf(!CAN_KILL)("a file system that cannot rename: said, and the old contents stay", () => {
	savedBy("old");
	expect(savedBy("new", ...withoutCall("rename", "EROFS"))).toBe(
		`The saved hub ${path} cannot be written: the file system is read-only.`,
	);
	expect(decodeSavedHub(readFileSync(path))?.name).toBe("old");
	expect(readdirSync(folder)).toEqual(["shop"]);
});
