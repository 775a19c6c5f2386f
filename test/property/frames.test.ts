// The frames of compressed streams: whatever goes in, in whatever pieces, comes out; whatever else arrives is data or an
// error, and never more of it than the frames have announced.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Aborted, type Duplex } from "../../src/forward/duplex.ts";
import { checkZstd, FrameError, writeRawHead, writeZstdHead, ZSTD_HEAD } from "../../src/protocol/frames.ts";
import { FRAME_DATA_MAX } from "../../src/protocol/limits.ts";
import { CompressedDuplex } from "../../src/transport/compressed-duplex.ts";
import { cases } from "../support/cases.ts";

const RUNS = { numRuns: cases(300) };

/** Text as servers send it, bytes that no compressor makes smaller, and the sizes between which the compressor decides. */
const size = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 200_000 }));
const text = size.map((length) => Buffer.alloc(length, "export const answer = (question) => question * 42;\n"));
const noise = fc.tuple(size, fc.nat()).map(([length, seed]) => {
	const bytes = Buffer.alloc(length);
	let state = seed | 1;
	for (let i = 0; i < length; i++) {
		state = Math.imul(state, 48_271) >>> 0;
		bytes[i] = state >>> 11;
	}
	return bytes;
});
const pieces = fc.array(fc.oneof(text, noise), { maxLength: 8 });

/** A stream that gives these bytes, cut into pieces of these sizes, and takes what is written. */
class Pipe implements Duplex {
	readonly wire: Uint8Array[] = [];
	ended = false;
	aborted = false;
	readonly closed = new Promise<undefined>(() => {});
	#incoming: Uint8Array;
	#cuts: readonly number[];
	#reads = 0;

	constructor(incoming: Uint8Array = new Uint8Array(0), cuts: readonly number[] = [65_536]) {
		this.#incoming = incoming;
		this.#cuts = cuts;
	}

	async read(): Promise<Uint8Array | null> {
		if (this.#incoming.length === 0) {
			this.ended = true;
			return null;
		}
		const cut = this.#cuts[this.#reads++ % this.#cuts.length] as number;
		const bytes = this.#incoming.subarray(0, cut);
		this.#incoming = this.#incoming.subarray(cut);
		return bytes;
	}

	async write(bytes: Uint8Array): Promise<void> {
		expect(bytes.length).toBeGreaterThan(0);
		this.wire.push(bytes);
	}

	async end(): Promise<void> {}
	cancel(): void {}
	abort(): void {
		this.aborted = true;
	}
}

/** Everything that can be read, and what ended it. */
async function readAll(stream: Duplex): Promise<{ data: Buffer; error: unknown; longest: number }> {
	const parts: Uint8Array[] = [];
	let error: unknown;
	try {
		for (let part = await stream.read(); part; part = await stream.read()) parts.push(part);
	} catch (cause) {
		error = cause;
	}
	return { data: Buffer.concat(parts), error, longest: Math.max(0, ...parts.map(({ length }) => length)) };
}

/** The frames of these pieces. */
async function framed(data: readonly Uint8Array[]): Promise<Buffer> {
	const pipe = new Pipe();
	const stream = new CompressedDuplex(pipe);
	for (const piece of data) await stream.write(piece);
	return Buffer.concat(pipe.wire);
}

test("any data in any pieces arrives as it was, however the frames are cut", async () => {
	const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })), {
		minLength: 1,
	});
	await fc.assert(
		fc.asyncProperty(pieces, cuts, async (data, sizes) => {
			const { data: back, error } = await readAll(new CompressedDuplex(new Pipe(await framed(data), sizes)));
			expect(error).toBeUndefined();
			expect(back.equals(Buffer.concat(data))).toBe(true);
		}),
		RUNS,
	);
});

test("any bytes are data or an orderly error that aborts the stream, and are never more than twice a frame at once", async () => {
	const head = fc.constantFrom(
		[],
		[0],
		[1],
		[0, 0, 0, 3],
		[1, 255, 255, 0, 20],
		[1, 0, 30, 0, 12, 0x28, 0xb5, 0x2f, 0xfd],
	);
	await fc.assert(
		fc.asyncProperty(head, fc.uint8Array({ maxLength: 300 }), async (start, rest) => {
			const pipe = new Pipe(Buffer.concat([Buffer.from(start), rest]), [7, 100]);
			const { error, longest } = await readAll(new CompressedDuplex(pipe));
			expect(longest).toBeLessThanOrEqual(2 * FRAME_DATA_MAX);
			if (error === undefined) return;
			expect(error).toBeInstanceOf(Aborted);
			expect(pipe.aborted).toBe(true);
		}),
		{ numRuns: cases(1000) },
	);
});

test("frames that were changed in one byte are data or an orderly error", async () => {
	const data = [
		Buffer.alloc(30_000, "import { jsx } from 'react/jsx-runtime';\n"),
		crypto.getRandomValues(Buffer.alloc(2000)),
	];
	const wire = await framed(data);
	const length = Buffer.concat(data).length;
	await fc.assert(
		fc.asyncProperty(fc.nat(wire.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
			const changed = Buffer.from(wire);
			changed[at] = (changed[at] as number) ^ change;
			const { data: back, error } = await readAll(new CompressedDuplex(new Pipe(changed)));
			if (error === undefined) expect(back.length).toBeLessThanOrEqual(length);
			else expect(error).toBeInstanceOf(Aborted);
		}),
		RUNS,
	);
});

test("frames that are cut off are not a clean end, except within raw data", async () => {
	const wire = await framed([Buffer.alloc(30_000, "text ")]);
	for (const end of [1, ZSTD_HEAD - 1, ZSTD_HEAD, wire.length - 1]) {
		const { error } = await readAll(new CompressedDuplex(new Pipe(wire.subarray(0, end))));
		expect(error, `after ${end} bytes`).toBeInstanceOf(Aborted);
	}
	const raw = new Uint8Array(14);
	writeRawHead(raw, 1000);
	const { data, error } = await readAll(new CompressedDuplex(new Pipe(raw)));
	expect([data.length, error]).toEqual([10, undefined]);
});

/** A zstd frame in a frame that announces `size` bytes. */
function announced(packed: Uint8Array, size: number): Buffer {
	const head = new Uint8Array(ZSTD_HEAD);
	writeZstdHead(head, size, packed.length);
	return Buffer.concat([head, packed]);
}

const ZEROES = Bun.zstdCompressSync(new Uint8Array(FRAME_DATA_MAX));

test("a full frame of zeroes is unpacked, and read one at a time", async () => {
	const stream = new CompressedDuplex(
		new Pipe(Buffer.concat(Array.from({ length: 2000 }, () => announced(ZEROES, FRAME_DATA_MAX)))),
	);
	for (let i = 0; i < 3; i++) expect(await stream.read()).toHaveLength(FRAME_DATA_MAX);
});

test.each([
	["more data than its head says", Bun.zstdCompressSync(new Uint8Array(10_000_000)), FRAME_DATA_MAX],
	["less data than its head says", Bun.zstdCompressSync(new Uint8Array(1000)), FRAME_DATA_MAX],
	["a second one behind it", Buffer.concat([ZEROES, ZEROES]), FRAME_DATA_MAX],
	["something behind it", Buffer.concat([ZEROES, Buffer.alloc(3)]), FRAME_DATA_MAX],
	["a skippable one in front of it", Buffer.concat([Buffer.from("502a4d1800000000", "hex"), ZEROES]), FRAME_DATA_MAX],
	[
		"no content size, which a decompressor would find out by itself",
		Buffer.from("28b52ffd0058030000000000", "hex"),
		1000,
	],
	["a content size of 8 bytes", Buffer.from("28b52ffde0ffffffffffffff7f010000", "hex"), FRAME_DATA_MAX],
	["a dictionary", Buffer.from("28b52ffd6101000100010000", "hex"), 257],
	["no end", ZEROES.subarray(0, -1), FRAME_DATA_MAX],
	["nothing but its magic number", ZEROES.subarray(0, 4), FRAME_DATA_MAX],
])("a zstd frame with %s is refused before it is unpacked", (_, packed, size) => {
	expect(() => checkZstd(packed, size)).toThrow(FrameError);
});

test("a zstd frame that only its content shows to be wrong ends the stream", async () => {
	// One compressed block of rubbish, in a frame whose head is right.
	const rubbish = Buffer.from("28b52ffd60e8027d0000ffffffffffffffffffffffffffffff", "hex");
	checkZstd(rubbish, 1000);
	const { error } = await readAll(new CompressedDuplex(new Pipe(announced(rubbish, 1000))));
	expect((error as Error).message).toBe("stream broken: a zstd frame cannot be unpacked");
});
