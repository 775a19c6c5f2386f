// Which project file is read: the one that is named, or one in the working directory that only its user can have written.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT_FILE_MAX } from "../../../src/cli/limits.ts";
import { findProjectFile } from "../../../src/cli/project-file.ts";
import { thrown } from "../../support/throws.ts";

const ALICE = 1000;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("Skipped: project files of several users, which only root can make.");

const before = process.cwd();
let folder: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-project-"));
	process.chdir(folder);
});

afterEach(() => {
	process.chdir(before);
	rmSync(folder, { recursive: true });
});

function make(path: string, { text = 'name = "shop"', mode = 0o644 } = {}): void {
	writeFileSync(path, text);
	chmodSync(path, mode);
}

const NONE = { kind: "none" } as const;
const SHOP = { kind: "file", path: "hivemind.toml", text: 'name = "shop"' } as const;
const ignored = (message: string) => ({ kind: "ignored", message }) as const;
const untrusted = (why: string) =>
	ignored(`hivemind.toml is not read: it ${why}. To use it as it is: --config hivemind.toml`);
const refusal = (config: string) => thrown("usage", () => findProjectFile(config)).message;

test("without a file there is none; one in the working directory is read", () => {
	expect(findProjectFile(undefined)).toEqual(NONE);
	make("hivemind.toml");
	expect(findProjectFile(undefined)).toEqual(SHOP);
});

test("--config names another one", () => {
	make("hivemind.toml", { text: "" });
	make("other.toml");
	expect(findProjectFile("other.toml")).toEqual({ ...SHOP, path: "other.toml" });
	expect(findProjectFile(join(folder, "other.toml"))).toEqual({ ...SHOP, path: join(folder, "other.toml") });
});

test.each([0o646, 0o666, 0o602])("one that others may write (%o) is read only with --config", (mode) => {
	make("hivemind.toml", { mode });
	expect(findProjectFile(undefined)).toEqual(untrusted("can be changed by others (chmod go-w prevents that)"));
	expect(findProjectFile("hivemind.toml")).toEqual(SHOP);
});

test.skipIf(!isRoot)("another user's is read only with --config", () => {
	make("hivemind.toml");
	chownSync("hivemind.toml", ALICE, ALICE);
	expect(findProjectFile(undefined)).toEqual(untrusted(`belongs to another user (uid ${ALICE})`));
	expect(findProjectFile("hivemind.toml")).toEqual(SHOP);
});

describe("one in a folder above", () => {
	const inside = (...names: string[]) => {
		for (const name of names) {
			mkdirSync(name);
			process.chdir(name);
		}
	};
	const hint = (path: string) =>
		ignored(`${path} is in a folder above, and is not read by itself. To use it: --config ${path}`);

	test("is mentioned and not read; with --config it is", () => {
		make("hivemind.toml");
		inside("a", "b");
		expect(findProjectFile(undefined)).toEqual(hint("../../hivemind.toml"));
		expect(findProjectFile("../../hivemind.toml")).toEqual({ ...SHOP, path: "../../hivemind.toml" });
	});

	test("the nearest one is mentioned", () => {
		make("hivemind.toml");
		inside("a");
		make("hivemind.toml");
		inside("b");
		expect(findProjectFile(undefined)).toEqual(hint("../hivemind.toml"));
	});

	test("is not mentioned if others may have written it, or it is no file", () => {
		make("hivemind.toml", { mode: 0o666 });
		inside("a");
		mkdirSync("hivemind.toml");
		inside("b");
		expect(findProjectFile(undefined)).toEqual(NONE);
	});

	test("in a working directory that is gone there is none", () => {
		inside("a");
		rmSync(join(folder, "a"), { recursive: true });
		expect(findProjectFile(undefined)).toEqual(NONE);
		process.chdir(folder);
	});
});

describe("a symbolic link", () => {
	test("of one's own is followed to a file of one's own, whose owner and mode count", () => {
		make("real.toml");
		symlinkSync("real.toml", "hivemind.toml");
		expect(findProjectFile(undefined)).toEqual(SHOP);
		chmodSync("real.toml", 0o666);
		expect(findProjectFile(undefined)).toEqual(untrusted("can be changed by others (chmod go-w prevents that)"));
	});

	test("that leads to no file is not read", () => {
		symlinkSync("real.toml", "hivemind.toml");
		expect(findProjectFile(undefined)).toEqual(untrusted("is a symbolic link that leads to no file"));
		expect(refusal("hivemind.toml")).toBe("--config: hivemind.toml does not exist.");
	});

	test("in a folder where others can replace it is not followed", () => {
		make("real.toml");
		symlinkSync("real.toml", "hivemind.toml");
		chmodSync(".", 0o777);
		expect(findProjectFile(undefined)).toEqual(untrusted("is a symbolic link"));
		expect(findProjectFile("hivemind.toml")).toEqual(SHOP);
	});

	test.skipIf(!isRoot)("of another user is not followed, even to a file of one's own", () => {
		make("real.toml");
		symlinkSync("real.toml", "hivemind.toml");
		lchownSync("hivemind.toml", ALICE, ALICE);
		chmodSync(".", 0o1777);
		expect(findProjectFile(undefined)).toEqual(untrusted("is a symbolic link"));
	});
});

describe("what cannot be used", () => {
	test("a file that --config names and that is not there", () => {
		expect(refusal("none.toml")).toBe("--config: none.toml does not exist.");
		make("file");
		expect(refusal("file/hivemind.toml")).toBe("--config: file/hivemind.toml does not exist.");
	});

	test("a folder, or a pipe that nobody writes to", () => {
		mkdirSync("hivemind.toml");
		expect(findProjectFile(undefined)).toEqual(ignored("hivemind.toml is not a regular file. It is not used."));
		expect(refusal("hivemind.toml")).toBe("--config: hivemind.toml is not a regular file.");
		Bun.spawnSync(["mkfifo", "pipe"]);
		expect(refusal("pipe")).toBe("--config: pipe is not a regular file.");
		expect(refusal("/dev/zero")).toBe("--config: /dev/zero is not a regular file.");
	});

	test("a file that is too large", () => {
		make("hivemind.toml", { text: "#".repeat(PROJECT_FILE_MAX) });
		expect(findProjectFile(undefined).kind).toBe("file");
		make("hivemind.toml", { text: "#".repeat(PROJECT_FILE_MAX + 1) });
		expect(thrown("usage", () => findProjectFile(undefined)).message).toBe("hivemind.toml is larger than 16 KiB.");
	});

	test("a file that is not UTF-8", () => {
		writeFileSync("latin.toml", Buffer.from('name = "caf\xe9"', "latin1"));
		expect(refusal("latin.toml")).toBe("latin.toml is not a text in UTF-8.");
	});
});
