// The folder of saved hubs: whose files are used, that two programs never use one identity, and that nothing is lost.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SAVED_HUB_MAX } from "../../../src/invite/limits.ts";
import { encodeSavedHub, type SavedHub } from "../../../src/invite/saved-hub.ts";
import {
	type OpenHub,
	openSavedHub,
	removeSavedHub,
	savedAliases,
	savedHubsFolder,
	writeSavedHub,
} from "../../../src/invite/saved-hubs.ts";
import { NOBODY } from "../../support/holder.ts";
import { savedHub } from "../../support/saved-hub.ts";
import { resultOr, thrown } from "../../support/throws.ts";

const isRoot = process.getuid?.() === 0;

let base: string;
let folder: string;
let path: string;
const open: OpenHub[] = [];

beforeEach(() => {
	base = mkdtempSync(join(tmpdir(), "hivemind-p2p-hubs-"));
	folder = join(base, "state", "hivemind-p2p", "hubs");
	path = join(folder, "shop");
});

afterEach(() => {
	for (const one of open.splice(0)) one.close();
	rmSync(base, { recursive: true });
});

async function write(to: OpenHub | string = "shop", hub: SavedHub = savedHub()): Promise<OpenHub | undefined> {
	const written = await writeSavedHub(folder, to, hub);
	if (written) open.push(written);
	return written;
}

function opened(alias = "shop", more?: { peek: boolean }): OpenHub | undefined {
	const found = openSavedHub(folder, alias, more);
	if (found) open.push(found);
	return found;
}

/** Saved, and closed again. */
async function saved(hub = savedHub()): Promise<void> {
	(await write("shop", hub))?.close();
}

/** Why it is not used, in the same words for a look. */
function refusal(): string {
	const { message } = thrown("identity", () => opened());
	expect(thrown("identity", () => opened("shop", { peek: true })).message).toBe(message);
	return message;
}

describe("the folder", () => {
	const { XDG_STATE_HOME } = process.env;
	afterEach(() => {
		if (XDG_STATE_HOME === undefined) delete process.env.XDG_STATE_HOME;
		else process.env.XDG_STATE_HOME = XDG_STATE_HOME;
	});

	test.skipIf(process.platform === "win32")(
		"is where the XDG specification wants it; a relative path is ignored",
		() => {
			process.env.XDG_STATE_HOME = "/somewhere";
			expect(savedHubsFolder()).toBe("/somewhere/hivemind-p2p/hubs");
			for (const ignored of ["", "here", "./here"]) {
				process.env.XDG_STATE_HOME = ignored;
				expect(savedHubsFolder()).toBe(join(homedir(), ".local/state/hivemind-p2p/hubs"));
			}
		},
	);

	test("is made for its owner alone, with the folders above it, whatever the umask is", async () => {
		const umask = process.umask(0);
		try {
			await write();
		} finally {
			process.umask(umask);
		}
		for (let at = folder; at !== base; at = dirname(at)) expect(statSync(at).mode & 0o7777, at).toBe(0o700);
		expect(statSync(path).mode & 0o7777).toBe(0o600);
	});

	test("that is missing has no hubs, and is not made by looking", () => {
		expect(savedAliases(folder)).toEqual([]);
		expect(opened()).toBeUndefined();
		expect(removeSavedHub(folder, "shop")).toBe(false);
		expect(readdirSync(base)).toEqual([]);
	});

	test("lists what has an alias, and no other files", async () => {
		await saved();
		for (const name of [".hidden", "Shop", "shop~", `.shop.${crypto.randomUUID()}`, "b"])
			writeFileSync(join(folder, name), "");
		expect(savedAliases(folder)).toEqual(["b", "shop"]);
	});

	test.each([0o770, 0o702, 0o777, 0o1777])("that others can change is not used: %o", async (mode) => {
		await saved();
		chmodSync(folder, mode);
		const message = `The folder ${folder} can be changed by others.`;
		expect(refusal()).toBe(message);
		expect(thrown("identity", () => savedAliases(folder)).message).toBe(message);
		expect(thrown("identity", () => removeSavedHub(folder, "shop")).hint).toBe(
			`Keep it to yourself: chmod 700 ${folder}`,
		);
		expect((await resultOr("identity", write("other"))) as unknown).toMatchObject({ message });
		expect(readdirSync(folder)).toEqual(["shop"]);
	});

	test.skipIf(!isRoot)("that belongs to another user is not used", async () => {
		await saved();
		chownSync(folder, NOBODY, NOBODY);
		expect(refusal()).toBe(`The folder ${folder} belongs to another user (uid ${NOBODY}).`);
	});

	test("that is a file: said, and nothing is changed", async () => {
		mkdirSync(dirname(folder), { recursive: true });
		writeFileSync(folder, "mine", { mode: 0o600 });
		expect((await resultOr("identity", write())) as unknown).toMatchObject({
			message: expect.stringMatching(/^The saved hub \S+ cannot be used: /),
		});
		expect(readFileSync(folder, "utf8")).toBe("mine");
	});
});

test("what is saved is found again, and what has not been saved is not", async () => {
	await saved();
	expect(opened()?.hub).toEqual(savedHub());
	expect(opened("other")).toBeUndefined();
	for (const word of ["", "..", "../hubs/shop", "./shop", "Shop", "shop/"]) expect(opened(word), word).toBeUndefined();
});

describe("refused, and left as it is", () => {
	test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o777])("with the mode %o", async (mode) => {
		await saved();
		chmodSync(path, mode);
		expect(refusal()).toBe(`The saved hub ${path} can be read by others.`);
		expect(statSync(path).mode & 0o777).toBe(mode);
	});

	test.skipIf(!isRoot)("when it belongs to another user", async () => {
		await saved();
		chownSync(path, NOBODY, NOBODY);
		expect(refusal()).toBe(`The saved hub ${path} belongs to another user (uid ${NOBODY}).`);
	});

	const text = encodeSavedHub(savedHub());
	test.each([
		["empty", ""],
		["another file", "hello\n"],
		["cut short", text.slice(0, -1)],
		["a megabyte", text.repeat(3000)],
		["a valid file, as far as it is read, and more", `${text}${"\n".repeat(SAVED_HUB_MAX - text.length)}more`],
	])("with the content: %s", async (_, content) => {
		await saved();
		writeFileSync(path, content);
		expect(refusal()).toBe(`The saved hub ${path} is damaged, or not a saved hub.`);
		expect(readFileSync(path, "utf8")).toBe(content);
	});

	test("when it is a link, even one of its own that leads to a saved hub", async () => {
		await saved();
		symlinkSync(path, join(folder, "link"));
		expect(thrown("identity", () => opened("link")).message).toBe(
			`The saved hub ${join(folder, "link")} is a symbolic link.`,
		);
		expect(removeSavedHub(folder, "link")).toBe(true);
		expect(opened()?.hub).toEqual(savedHub());
	});

	test("when it is a pipe, which nobody writes to, or a folder", async () => {
		await saved();
		rmSync(path);
		expect(Bun.spawnSync(["mkfifo", "-m", "600", path]).exitCode).toBe(0);
		expect(refusal()).toBe(`The saved hub ${path} is not a regular file.`);
		rmSync(path);
		mkdirSync(path);
		expect(refusal()).toBe(`The saved hub ${path} is a folder.`);
	});
});

describe("in use", () => {
	test("by a program that has saved or opened it: refused, but it may be looked at", async () => {
		const first = await write();
		const error = thrown("identity", () => opened());
		expect(error.message).toBe(`The saved hub ${path} is in use by another program.`);
		expect(opened("shop", { peek: true })?.hub).toEqual(savedHub());
		first?.close();
		expect(opened()?.lock).toBe("held");
		expect(thrown("identity", () => opened()).message).toBe(error.message);
	});

	test("and replaced: the new file is in use, too, and the old one is closed", async () => {
		await saved();
		const first = opened() as OpenHub;
		const second = await write(first, savedHub({ name: "new" }));
		expect(thrown("identity", () => opened()).message).toContain("in use");
		first.close();
		expect(thrown("identity", () => opened()).message).toContain("in use");
		second?.close();
		expect(opened()?.hub.name).toBe("new");
	});

	test("closing it twice does not close the next one's file", async () => {
		const first = await write();
		first?.close();
		opened();
		first?.close();
		expect(thrown("identity", () => opened()).message).toContain("in use");
	});

	test("and removed: it is not brought back", async () => {
		const first = (await write()) as OpenHub;
		expect(removeSavedHub(folder, "shop")).toBe(true);
		expect(await write(first)).toBeUndefined();
		expect(existsSync(path)).toBe(false);
	});
});

test("a new hub does not take the place of another one", async () => {
	await saved();
	expect(await write("shop", savedHub({ name: "other" }))).toBeUndefined();
	expect(opened()?.hub.name).toBe("My hub");
});

test("removing forgets it, with what a killed program has left of it, and works on what cannot be used", async () => {
	await saved();
	writeFileSync(join(folder, `.shop.${crypto.randomUUID()}`), "a secret");
	writeFileSync(path, "damaged");
	expect(removeSavedHub(folder, "shop")).toBe(true);
	expect(readdirSync(folder)).toEqual([]);
	expect(removeSavedHub(folder, "shop")).toBe(false);
	expect(removeSavedHub(folder, "..")).toBe(false);
});

describe.skipIf(!isRoot)("another user", () => {
	/** What that user's program says when it saves. */
	function savedBy(uid: number): string {
		const saver = join(import.meta.dir, "../../support/hub-saver.ts");
		const { stdout } = Bun.spawnSync([process.execPath, saver, folder, "shop", "new"], {
			env: { ...process.env, AS_USER: `${uid}` },
			stdin: "ignore",
		});
		return stdout.toString().trim();
	}

	test("who may not write there is told so", () => {
		chmodSync(base, 0o755);
		expect(savedBy(NOBODY)).toBe(`The saved hub ${path} cannot be written: permission denied.`);
		expect(readdirSync(base)).toEqual([]);
	});

	test("saves in a folder of their own", () => {
		chownSync(base, NOBODY, NOBODY);
		expect(savedBy(NOBODY)).toBe("saved");
		expect(statSync(path).uid).toBe(NOBODY);
	});
});
