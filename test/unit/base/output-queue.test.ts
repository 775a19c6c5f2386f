// Text on its way out: a reader that the test holds back, and what becomes of the text meanwhile.
import { beforeEach, describe, expect, spyOn, test } from "bun:test";
import { FLUSH_STALL_MS, OUTPUT_QUEUE } from "../../../src/base/limits.ts";
import { OutputQueue } from "../../../src/base/output-queue.ts";
import { STDERR, STDOUT } from "../../../src/base/stdio.ts";
import { turn } from "../../support/native-halves.ts";

/** A reader that takes `most` bytes at a time, only while it reads. */
class Reader {
	most = Number.POSITIVE_INFINITY;
	error: Error | undefined;
	#pieces: { fd: number; bytes: Uint8Array }[] = [];
	#reading = Promise.resolve();
	#goOn = () => {};

	/** What it has read, in the order in which it came; of one descriptor or of all. */
	read(fd?: number): string {
		const pieces = this.#pieces.filter((piece) => fd === undefined || piece.fd === fd);
		return Buffer.concat(pieces.map(({ bytes }) => bytes)).toString();
	}

	stop(): void {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#reading = promise;
		this.#goOn = resolve;
	}

	goOn(): void {
		this.#goOn();
	}

	write = async (fd: number, bytes: Uint8Array): Promise<number> => {
		await this.#reading;
		await turn();
		if (this.error) throw this.error;
		const taken = bytes.slice(0, this.most);
		this.#pieces.push({ fd, bytes: taken });
		return taken.length;
	};
}

let reader: Reader;
let queue: OutputQueue;

beforeEach(() => {
	reader = new Reader();
	queue = new OutputQueue({ write: reader.write });
});

const LINE = `${"x".repeat(99)}\n`;
/** So many lines fit into the queue. */
const FIT = Math.floor(OUTPUT_QUEUE / LINE.length);
const numbered = (i: number) => `${String(i).padEnd(99)}\n`;

describe("a reader that stops", () => {
	test("holds nobody up: pushing returns at once, and everything comes when it reads again", async () => {
		reader.stop();
		for (let i = 0; i < 10; i++) queue.push(STDERR, `${i}\n`);
		expect(queue.idle).toBe(false);
		expect(reader.read()).toBe("");
		reader.goOn();
		await queue.flush();
		expect(reader.read()).toBe("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
		expect(queue.idle).toBe(true);
	});

	test("costs the oldest lines, and one line in their place says how many", async () => {
		reader.stop();
		queue.push(STDERR, "being written\n");
		for (let i = 0; i < FIT + 7; i++) queue.push(STDERR, numbered(i));
		reader.goOn();
		await queue.flush();
		const lines = reader.read().split("\n");
		expect(lines.slice(0, 3)).toEqual([
			"being written",
			"… 7 lines of output were dropped: nobody was reading.",
			numbered(7).slice(0, -1),
		]);
		expect(lines.at(-2)).toBe(numbered(FIT + 6).slice(0, -1));
		expect(lines).toHaveLength(2 + FIT + 1);
	});

	test("is told once of each gap, and of one line as of one", async () => {
		for (const dropped of [1, 2]) {
			reader.stop();
			queue.push(STDERR, "being written\n");
			for (let i = 0; i < FIT + dropped; i++) queue.push(STDERR, LINE);
			reader.goOn();
			await queue.flush();
		}
		expect(reader.read().match(/\d+ lines? of output w\w+ dropped: nobody was reading\./g)).toEqual([
			"1 line of output was dropped: nobody was reading.",
			"2 lines of output were dropped: nobody was reading.",
		]);
	});

	test("never sees half a line: what has begun is finished", async () => {
		reader.most = 10;
		queue.push(STDERR, LINE);
		await turn();
		reader.stop();
		for (let i = 0; i < 2 * FIT; i++) queue.push(STDERR, LINE);
		reader.most = Number.POSITIVE_INFINITY;
		reader.goOn();
		await queue.flush();
		expect(reader.read()).toStartWith(LINE);
	});

	test("a text larger than the queue is not dropped for its size", async () => {
		reader.stop();
		const large = `${"y".repeat(2 * OUTPUT_QUEUE)}\n`;
		queue.push(STDERR, LINE);
		queue.push(STDERR, LINE);
		queue.push(STDERR, large);
		reader.goOn();
		await queue.flush();
		expect(reader.read()).toStartWith(LINE);
		expect(reader.read()).toEndWith(large);
	});

	test("of stdout: stderr says how much was dropped, for a script reads stdout", async () => {
		const errors = new Reader();
		const messages = new OutputQueue({ write: errors.write });
		const results = new OutputQueue({ write: reader.write, notes: messages });
		reader.stop();
		results.push(STDOUT, LINE);
		for (let i = 0; i < FIT + 3; i++) results.push(STDOUT, LINE);
		expect(errors.read()).toBe("");
		reader.goOn();
		await results.flush();
		await messages.flush();
		expect(reader.read()).toBe(LINE.repeat(FIT + 1));
		expect(errors.read(STDERR)).toContain("3 lines of output were dropped");
	});
});

test("two descriptors of one queue keep their order", async () => {
	reader.most = 2;
	for (let i = 0; i < 5; i++) {
		queue.push(STDOUT, `out ${i}\n`);
		queue.push(STDERR, `err ${i}\n`);
	}
	await queue.flush();
	expect(reader.read()).toBe([0, 1, 2, 3, 4].map((i) => `out ${i}\nerr ${i}\n`).join(""));
	expect(reader.read(STDOUT)).toBe("out 0\nout 1\nout 2\nout 3\nout 4\n");
});

test("what is pushed in the very moment in which the rest is done is written, too", async () => {
	let read = "";
	const write = async (_fd: number, bytes: Uint8Array) => {
		read += Buffer.from(bytes).toString();
		return bytes.length;
	};
	for (let tasks = 0; tasks < 30; tasks++) {
		const quick = new OutputQueue({ write });
		quick.push(STDERR, "a\n");
		for (let i = 0; i < tasks; i++) await undefined;
		quick.push(STDERR, "b\n");
		await turn();
		expect(quick.idle).toBe(true);
	}
	expect(read).toBe("a\nb\n".repeat(30));
});

describe("flushing", () => {
	test("waits for a slow reader for as long as it reads", async () => {
		reader.most = 1;
		queue.push(STDERR, LINE.repeat(20));
		await queue.flush();
		expect(reader.read()).toBe(LINE.repeat(20));
	});

	test("does not wait for a reader that has stopped", async () => {
		using sleeping = spyOn(Bun, "sleep").mockResolvedValue();
		reader.stop();
		queue.push(STDERR, LINE);
		await queue.flush();
		expect(sleeping.mock.calls).toEqual([[FLUSH_STALL_MS]]);
		expect(queue.idle).toBe(false);
	});

	test("is over at once when there is nothing to write", async () => {
		await queue.flush();
		expect(queue.idle).toBe(true);
	});
});

test("a reader that has gone (EPIPE) is no error, and costs nothing but its text", async () => {
	reader.error = Object.assign(new Error("broken pipe"), { code: "EPIPE" });
	queue.push(STDERR, "lost\n");
	queue.push(STDERR, "lost\n");
	await queue.flush();
	reader.error = undefined;
	queue.push(STDERR, "a disk that is no longer full\n");
	await queue.flush();
	expect(reader.read()).toBe("a disk that is no longer full\n");
});
