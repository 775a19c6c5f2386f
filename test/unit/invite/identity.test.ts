// Identity files: who may read them, who may have them open, and that nothing but --rotate ever changes one.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeIdentity, encodeIdentity, type Identity, openIdentity } from "../../../src/invite/identity.ts";
import { IDENTITY_MAX } from "../../../src/invite/limits.ts";
import { isSecret } from "../../../src/invite/secret.ts";
import { available } from "../../cli/terminals.ts";
import {
	holdIdentity,
	NOBODY,
	openedBy,
	openedWithoutFlock,
	raceForIdentity,
	withoutFlock,
} from "../../support/holder.ts";
import { thrown } from "../../support/throws.ts";

let folder: string;
let path: string;
const open: Identity[] = [];

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-identity-"));
	path = join(folder, "identity");
});

afterEach(() => {
	for (const identity of open.splice(0)) identity.close();
	chmodSync(folder, 0o700);
	rmSync(folder, { recursive: true });
});

/** Opened until the end of the test, or earlier. */
function opened(more?: { rotate: boolean }): Identity {
	const identity = openIdentity(path, more);
	open.push(identity);
	return identity;
}

/** The contents of an identity, without the handle. */
const said = ({ key, secret }: Identity) => ({ key: Buffer.from(key).toString("hex"), secret });

/** A new identity file, closed again. */
function made(): { key: string; secret: string } {
	const identity = opened();
	identity.close();
	return said(identity);
}

const refusal = (): string => thrown("identity", () => opened()).message;

test("a missing file is created, readable by its owner alone", () => {
	const identity = opened();
	expect(identity.key).toHaveLength(32);
	expect(isSecret(identity.secret)).toBe(true);
	expect(statSync(path).mode & 0o7777).toBe(0o600);
	expect(decodeIdentity(readFileSync(path, "latin1"))).toEqual({ key: identity.key, secret: identity.secret });
});

test("a new file is readable by its owner alone, whatever the umask is", () => {
	const umask = process.umask(0);
	try {
		opened();
	} finally {
		process.umask(umask);
	}
	expect(statSync(path).mode & 0o7777).toBe(0o600);
});

test("its folder is created where it is missing, for nobody else, and only that one", () => {
	path = join(folder, ".hivemind", "hub.key");
	const { key } = made();
	expect(statSync(join(folder, ".hivemind")).mode & 0o777).toBe(0o700);
	expect(made().key).toBe(key);
});

test("two files are two identities", () => {
	const one = said(opened());
	path += "-other";
	const other = said(opened());
	expect(other.key).not.toBe(one.key);
	expect(other.secret).not.toBe(one.secret);
});

test("opening it again changes nothing", () => {
	const first = made();
	const text = readFileSync(path, "latin1");
	expect(said(opened())).toEqual(first);
	expect(readFileSync(path, "latin1")).toBe(text);
});

test("--rotate changes the secret and nothing else", () => {
	const before = made();
	const rotated = opened({ rotate: true });
	expect(said(rotated).key).toBe(before.key);
	expect(rotated.secret).not.toBe(before.secret);
	expect(isSecret(rotated.secret)).toBe(true);
	rotated.close();
	expect(said(opened())).toEqual(said(rotated));
	expect(statSync(path).mode & 0o7777).toBe(0o600);
});

test("--rotate of a missing file creates it", () => {
	const identity = opened({ rotate: true });
	expect(decodeIdentity(readFileSync(path, "latin1"))?.secret).toBe(identity.secret);
});

test("an empty file counts as missing", () => {
	writeFileSync(path, "", { mode: 0o600 });
	const first = made();
	expect(said(opened())).toEqual(first);
});

test("a link to the file works like the file", () => {
	const first = made();
	symlinkSync(path, `${path}-link`);
	path = `${path}-link`;
	expect(said(opened())).toEqual(first);
});

describe("refused, and left as it is", () => {
	test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777])("with the mode %o", (mode) => {
		made();
		const text = readFileSync(path, "latin1");
		chmodSync(path, mode);
		const error = thrown("identity", () => opened());
		expect(error.message).toBe(`The identity file ${path} can be read by others.`);
		expect(error.hint).toContain(`chmod 600 ${path}`);
		expect(thrown("identity", () => opened({ rotate: true })).message).toBe(error.message);
		expect(readFileSync(path, "latin1")).toBe(text);
		expect(statSync(path).mode & 0o777).toBe(mode);
	});

	const text = encodeIdentity({ key: new Uint8Array(32).fill(7), secret: "a".repeat(26) });

	test.each([
		["another program's file", "-----BEGIN PRIVATE KEY-----\n"],
		["one byte", "\n"],
		["zeros", "\0".repeat(150)],
		["cut short", text.slice(0, -1)],
		["a key that is too short", text.replace("07", "")],
		["a key in capitals", text.replace(/07/g, "AB")],
		["an invalid secret", text.replace(/a\n$/, "b\n")],
		["no secret", text.replace(/\nsecret.*/, "")],
		["a later version", text.replace("identity 1", "identity 2")],
		["a line after it", `${text}# mine\n`],
		["the file twice", text + text],
		["Windows line ends", text.replaceAll("\n", "\r\n")],
		["a megabyte", text.repeat(7000)],
		["a valid file, as far as it is read, and more", `${text}${"\n".repeat(IDENTITY_MAX - text.length)}more`],
	])("with the content: %s", (_, content) => {
		writeFileSync(path, content, { mode: 0o600 });
		for (const rotate of [false, true]) {
			const error = thrown("identity", () => opened({ rotate }));
			expect(error.message).toBe(`The identity file ${path} is damaged, or not an identity file.`);
			expect(readFileSync(path, "utf8")).toBe(content);
		}
	});

	test("when it is a folder", () => {
		mkdirSync(path);
		expect(refusal()).toContain("is a folder");
	});

	test("when it is a device or a pipe", () => {
		for (const device of ["/dev/null", "/dev/zero"]) {
			path = device;
			expect(refusal()).toBe(`The identity file ${device} is not a regular file.`);
		}
		path = join(folder, "pipe");
		expect(Bun.spawnSync(["mkfifo", "-m", "600", path]).exitCode).toBe(0);
		expect(refusal()).toContain("is not a regular file");
	});

	test("when its folder does not exist", () => {
		path = join(folder, "missing", "too", "identity");
		expect(refusal()).toContain("its folder does not exist");
		expect(existsSync(join(folder, "missing"))).toBe(false);
		symlinkSync(join(folder, "missing"), join(folder, "link"));
		path = join(folder, "link", "identity");
		expect(refusal()).toContain("its folder does not exist");
	});

	test("when its folder is a file", () => {
		made();
		path = join(path, "identity");
		expect(refusal()).toStartWith("The identity file ");
	});

	test("when links lead in a circle", () => {
		symlinkSync(path, path);
		expect(refusal()).toStartWith("The identity file ");
	});

	test("when its name is not a valid one", () => {
		for (const name of ["", "a\0b", "x".repeat(5000)]) {
			path = name;
			expect(refusal()).toStartWith("The identity file ");
		}
	});

	test.skipIf(process.platform === "win32")(
		"when this user may not read it, or may not create it (not on Windows)",
		() => {
			const { key, secret } = made();
			// Root may write anywhere.
			const root = process.getuid?.() === 0;
			if (root) for (const its of [folder, path]) chownSync(its, NOBODY, NOBODY);
			const answer = () => openedBy(root ? NOBODY : undefined, path);
			chmodSync(path, 0o400);
			expect(answer(), "reading is enough").toBe(`open ${key} ${secret}`);
			chmodSync(path, 0o200);
			expect(answer()).toContain("cannot be opened: permission denied");
			chmodSync(folder, 0o500);
			path += "-new";
			expect(answer()).toContain("cannot be opened: permission denied");
			expect(existsSync(path)).toBe(false);
		},
	);
});

describe("in use", () => {
	test("in this process: refused until it is closed", () => {
		const first = opened();
		const error = thrown("identity", () => opened());
		expect(error.message).toBe(`The identity file ${path} is in use by another program.`);
		expect(thrown("identity", () => opened({ rotate: true })).message).toBe(error.message);
		first.close();
		expect(said(opened())).toEqual(said(first));
	});

	test("closing it twice does not close the next one's file", () => {
		const first = opened();
		first.close();
		opened();
		first.close();
		expect(refusal()).toContain("is in use");
	});

	test("by another program: refused here, and the other way round", async () => {
		await using holder = await holdIdentity(path);
		expect(holder.said).toStartWith("open ");
		expect(refusal()).toContain("is in use by another program");
		await holder.end();
		const { key, secret } = said(opened());
		expect(holder.said).toBe(`open ${key} ${secret}`);
		await using late = await holdIdentity(path);
		expect(late.said).toContain("is in use by another program");
	});

	test("by a program that was killed: free at once, and as it was", async () => {
		await using holder = await holdIdentity(path);
		await holder.kill();
		const { key, secret } = said(opened());
		expect(holder.said).toBe(`open ${key} ${secret}`);
	});

	test("programs that create the same file at once do not overwrite each other's", async () => {
		for (let round = 0; round < 30; round++) {
			const said = await raceForIdentity(join(folder, `identity-${round}`), 4);
			const open = said.filter((line) => line.startsWith("open "));
			expect(open.length).toBeGreaterThan(0);
			expect([...new Set(open)]).toHaveLength(1);
		}
	}, 60_000);
});

test("a locked file says so, and one that is only looked at says who has it", () => {
	expect(opened().lock).toBe("held");
	const looking = openIdentity(path, { peek: true });
	open.push(looking);
	expect(looking.lock).toBe("in use");
});

const CAN_BREAK_FLOCK = available("a broken flock", withoutFlock("ENOLCK", "true"));

describe("flock fails", () => {
	const answer = (errno: string) => openedWithoutFlock(errno, path);

	test.skipIf(!CAN_BREAK_FLOCK).each(["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EBADF", "EINTR"])(
		"with %s: the file system cannot lock, which is not 'in use by another program'",
		(errno) => {
			const { key, secret } = made();
			expect(answer(errno)).toBe(`open ${key} ${secret}, lock: unsupported`);
		},
	);

	test.skipIf(!CAN_BREAK_FLOCK)("with EWOULDBLOCK: another program has it", () => {
		made();
		expect(answer("EWOULDBLOCK")).toBe(`The identity file ${path} is in use by another program.`);
	});

	test.skipIf(!CAN_BREAK_FLOCK)("a missing file is still created", () => {
		const said = answer("ENOLCK");
		const { key, secret } = made();
		expect(said).toBe(`open ${key} ${secret}, lock: unsupported`);
	});
});
