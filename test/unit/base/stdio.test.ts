// Writes to real pipes, some of which nobody reads.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { lookup } from "node:dns/promises";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WRITE_MAX } from "../../../src/base/limits.ts";
import { isTerminal, sameTarget, writeSome } from "../../../src/base/stdio.ts";

const { O_NONBLOCK, O_RDWR } = constants;
let place: string;
let open: number[];

beforeEach(() => {
	place = mkdtempSync(join(tmpdir(), "hivemind-p2p-test-"));
	open = [];
});

afterEach(() => {
	for (const fd of open) closeSync(fd);
	rmSync(place, { recursive: true });
});

/** A pipe that is full, and held open by this process at both ends. */
function fullPipe(name: string) {
	const path = join(place, name);
	Bun.spawnSync(["mkfifo", path]);
	const blocking = openSync(path, O_RDWR);
	const nonBlocking = openSync(path, O_RDWR | O_NONBLOCK);
	open.push(blocking, nonBlocking);
	const piece = new Uint8Array(WRITE_MAX);
	const works = (call: () => number) => {
		try {
			return call() > 0;
		} catch {
			return false;
		}
	};
	while (works(() => writeSync(nonBlocking, piece)));
	/** Reads all that is in it, so that those who wait to write go on. */
	const empty = () => {
		while (works(() => readSync(nonBlocking, piece)));
	};
	return { blocking, nonBlocking, empty };
}

const bytes = Buffer.from("text\n");

test.skipIf(process.platform === "win32")(
	"two readers that have stopped hold up neither files nor names, nor a third one",
	async () => {
		const [one, two, three] = [fullPipe("one"), fullPipe("two"), fullPipe("three")];
		const stuck = [one, two].map(({ blocking }) => writeSome(blocking, bytes));
		// The pool has two threads on a machine of one or two cores (docs/binding-notes.md, "Output and signals").
		expect((await readFile(import.meta.path, "utf8")).length).toBeGreaterThan(0);
		expect((await lookup("localhost")).address).toBeTruthy();
		three.empty();
		expect(await writeSome(three.blocking, bytes)).toBe(bytes.length);
		one.empty();
		two.empty();
		expect(await Promise.all(stuck)).toEqual([bytes.length, bytes.length]);
	},
);

test.skipIf(process.platform === "win32")(
	"a full pipe that others have made non-blocking takes nothing, which is no error",
	async () => {
		const { nonBlocking, empty } = fullPipe("pipe");
		expect(await writeSome(nonBlocking, bytes)).toBe(0);
		empty();
		expect(await writeSome(nonBlocking, bytes)).toBe(bytes.length);
	},
);

test("a file is written to its end, also beside others that append to it", async () => {
	const path = join(place, "file");
	await Bun.write(path, "before\n");
	const fd = openSync(path, "a");
	open.push(fd);
	expect(await writeSome(fd, bytes)).toBe(bytes.length);
	expect(await Bun.file(path).text()).toBe("before\ntext\n");
});

test("no more than one piece is written at once, so that progress is seen", async () => {
	const fd = openSync(join(place, "file"), "w");
	open.push(fd);
	expect(await writeSome(fd, new Uint8Array(3 * WRITE_MAX))).toBe(WRITE_MAX);
});

test("what cannot be written is an error", async () => {
	const fd = openSync(join(place, "file"), "w");
	closeSync(fd);
	expect(writeSome(fd, bytes)).rejects.toThrow("EBADF");
});

test("neither a file nor /dev/null is a terminal", () => {
	const file = openSync(join(place, "file"), "w");
	const nothing = openSync("/dev/null", "w");
	open.push(file, nothing);
	expect([file, nothing].map(isTerminal)).toEqual([false, false]);
});

test("two descriptors of one file have the same target, of two files not", () => {
	const fds = ["a", "a", "b"].map((name) => openSync(join(place, name), "w"));
	open.push(...fds);
	const [a = 0, again = 0, b = 0] = fds;
	expect([sameTarget(a, again), sameTarget(a, b), sameTarget(a, 9999)]).toEqual([true, false, false]);
});
