// A new file is there as a whole, with the right mode, and never takes the place of another one unasked.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNewFile } from "../../../src/cli/new-file.ts";
import { thrown } from "../../support/throws.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-new-"));
	path = join(folder, "hivemind.toml");
});
afterEach(() => rmSync(folder, { recursive: true }));

const NEW = { replace: false };
const text = () => readFileSync(path, "utf8");
const alone = () => expect(readdirSync(folder)).toEqual(["hivemind.toml"]);

test.each([
	[0o022, 0o644],
	[0o077, 0o600],
	[0o002, 0o644],
])("with a umask of %o its mode is %o", (umask, mode) => {
	const before = process.umask(umask);
	try {
		writeNewFile(path, "new", NEW);
	} finally {
		process.umask(before);
	}
	expect(statSync(path).mode & 0o777).toBe(mode);
	expect(text()).toBe("new");
	alone();
});

test("an existing file stays as it is, unless it is to be replaced", () => {
	writeFileSync(path, "old");
	const error = thrown("usage", () => writeNewFile(path, "new", NEW));
	expect(error.message).toBe(`${path} exists already.`);
	expect(error.hint).toContain("--force");
	expect(text()).toBe("old");
	alone();
	writeNewFile(path, "new", { replace: true });
	expect(text()).toBe("new");
	alone();
});

test("a link is not followed: it counts as a file, and is what is replaced", () => {
	const target = join(folder, "target");
	symlinkSync(target, path);
	expect(thrown("usage", () => writeNewFile(path, "new", NEW)).message).toContain("exists already");
	writeNewFile(path, "new", { replace: true });
	expect(text()).toBe("new");
	alone();
});

test("a folder of that name is not replaced, and one that is missing is said", () => {
	mkdirSync(path);
	expect(thrown("usage", () => writeNewFile(path, "new", NEW)).message).toContain("exists already");
	const folderError = thrown("file", () => writeNewFile(path, "new", { replace: true }));
	expect(folderError.message).toBe(`${path} cannot be written: it is a folder.`);
	alone();
	const missing = thrown("file", () => writeNewFile(join(folder, "none", "x"), "new", NEW));
	expect(missing.message).toContain("cannot be written: this folder does not exist any more.");
});
