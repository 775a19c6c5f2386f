// When a piece is packed, and when it goes as it is.
import { expect, test } from "bun:test";
import { RAW_HEAD, ZSTD_HEAD } from "../../../src/protocol/frames.ts";
import { RAW_FRAME_MAX } from "../../../src/protocol/limits.ts";
import { Compressor } from "../../../src/transport/compressor.ts";
import {
	CHUNK_MAX,
	COMPRESS_FROM,
	COMPRESS_SKIP_MAX,
	PIECE_MAX,
	UNCOMPRESSED_FIRST,
} from "../../../src/transport/limits.ts";

const text = (length: number): Uint8Array => Buffer.alloc(length, "import { answer } from './answer.js';\n");
const noise = (length: number): Uint8Array => crypto.getRandomValues(Buffer.alloc(length));

/** How each piece of the data goes: "zstd", "raw" with a head of its own, or "on" with the raw frame before it. */
function ways(compressor: Compressor, data: Uint8Array): string[] {
	const found: string[] = [];
	for (let at = 0; at < data.length; ) {
		const rest = data.subarray(at);
		const { wire, taken } = compressor.pack(rest);
		expect(taken).toBeGreaterThan(0);
		const same = wire.length === taken && wire.buffer === data.buffer;
		found.push(same ? "on" : wire[0] === 1 ? "zstd" : "raw");
		if (found.at(-1) === "zstd") expect(wire.length).toBeLessThanOrEqual(taken * 0.9);
		if (found.at(-1) === "raw") expect(wire).toHaveLength(RAW_HEAD + taken);
		at += taken;
	}
	return found;
}

/** One that is past the first bytes of its direction. */
function later(): Compressor {
	const compressor = new Compressor();
	ways(compressor, text(UNCOMPRESSED_FIRST));
	return compressor;
}

test("the first bytes of a direction go as they are, the ones after them packed", () => {
	const compressor = new Compressor();
	expect(ways(compressor, text(UNCOMPRESSED_FIRST / 2))).toEqual(["raw"]);
	expect(ways(compressor, text(UNCOMPRESSED_FIRST / 2))).toEqual(["raw"]);
	expect(ways(compressor, text(UNCOMPRESSED_FIRST / 2))).toEqual(["zstd"]);
});

test("a long first piece does not wait for a second one", () => {
	expect(ways(new Compressor(), text(UNCOMPRESSED_FIRST + 1))).toEqual(["zstd"]);
});

test("a short piece goes as it is, however well it would shrink", () => {
	const compressor = later();
	expect(ways(compressor, text(COMPRESS_FROM - 1))).toEqual(["raw"]);
	expect(ways(compressor, text(COMPRESS_FROM))).toEqual(["zstd"]);
});

test("pieces that do not shrink stop the trying, for twice as many each time, up to a bound", () => {
	const compressor = later();
	const tries: number[] = [];
	for (let i = 0, untried = 0; i < 300; i++) {
		const [way] = ways(compressor, noise(10_000));
		if (way === "on") untried++;
		else tries.push(untried);
		if (way !== "on") untried = 0;
	}
	expect(tries.slice(0, 8)).toEqual([0, 1, 2, 4, 8, 16, 32, COMPRESS_SKIP_MAX]);
	expect(tries.at(-1)).toBe(COMPRESS_SKIP_MAX);
});

test("text behind such pieces is packed again, and the next failure costs as little as the first", () => {
	const compressor = later();
	expect(ways(compressor, noise(10_000))).toEqual(["raw"]);
	expect(ways(compressor, noise(10_000))).toEqual(["on"]);
	expect(ways(compressor, noise(10_000))).toEqual(["raw"]);
	expect(ways(compressor, text(20_000))).toEqual(["on"]);
	expect(ways(compressor, text(20_000))).toEqual(["zstd"]);
	expect(ways(compressor, noise(10_000))).toEqual(["raw"]);
	expect(ways(compressor, text(10_001))).toEqual(["on", "raw"]);
});

test("data longer than a frame is cut so that each frame is one chunk for the transport", () => {
	const compressor = later();
	expect(ways(compressor, text(3 * PIECE_MAX))).toEqual(["zstd", "zstd", "zstd"]);
	const { wire } = new Compressor().pack(noise(CHUNK_MAX));
	expect(wire).toHaveLength(RAW_HEAD + PIECE_MAX);
	expect(Math.max(RAW_HEAD, ZSTD_HEAD) + PIECE_MAX).toBeLessThanOrEqual(CHUNK_MAX);
});

test("a raw frame that was begun goes on without a copy and without a cut, and never announces more than allowed", () => {
	const compressor = later();
	const announced: number[] = [];
	let raw = 0;
	while (announced.length < 9) {
		const { wire, taken } = compressor.pack(noise(PIECE_MAX * 2));
		if (raw > 0) {
			expect(wire.length).toBe(Math.min(raw, PIECE_MAX * 2));
			raw -= taken;
			continue;
		}
		const size = Buffer.from(wire).readUIntBE(1, 3);
		announced.push(size);
		raw = size - taken;
	}
	expect(Math.max(...announced)).toBeLessThanOrEqual(RAW_FRAME_MAX);
	expect(announced.slice(0, 3)).toEqual([2 * PIECE_MAX, 3 * PIECE_MAX, 5 * PIECE_MAX]);
});
