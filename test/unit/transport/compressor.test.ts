// When a piece is packed, and when it goes as it is.
import { expect, test } from "bun:test";
import { RAW_HEAD } from "../../../src/protocol/frames.ts";
import { FRAME_DATA_MAX, RAW_FRAME_MAX } from "../../../src/protocol/limits.ts";
import { Compressor } from "../../../src/transport/compressor.ts";
import {
	BULK_BUDGET,
	CHUNK_MAX,
	COMPRESS_FROM,
	COMPRESS_SKIP_MAX,
	UNCOMPRESSED_FIRST,
} from "../../../src/transport/limits.ts";

const text = (length: number): Uint8Array => Buffer.alloc(length, "import { answer } from './answer.js';\n");
const noise = (length: number): Uint8Array => crypto.getRandomValues(Buffer.alloc(length));

/** How each piece of the data goes: "zstd", "raw" with a head of its own, or "on" with the raw frame before it. */
function ways(compressor: Compressor, data: Uint8Array): string[] {
	const found: string[] = [];
	for (let at = 0; at < data.length; ) {
		const rest = data.subarray(at);
		const { wire, taken } = compressor.pack(rest, 1);
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

test("data longer than a frame is cut into frames of which none is longer", () => {
	expect(ways(later(), text(3 * FRAME_DATA_MAX))).toEqual(["zstd", "zstd", "zstd"]);
});

test("a write has as many frames as it takes to fill half of the room, so that small ones do not each cost a call", () => {
	const data = noise(FRAME_DATA_MAX / 4);
	const quarter = Buffer.concat([data, text((3 * FRAME_DATA_MAX) / 4)]);
	const { wire, taken } = later().pack(Buffer.concat([quarter, quarter, quarter, quarter]), CHUNK_MAX);
	expect(taken).toBe(2 * FRAME_DATA_MAX);
	expect(wire.length).toBeGreaterThan(CHUNK_MAX / 2);
	expect(wire.length).toBeLessThan(CHUNK_MAX);
});

test("a write holds no more data than one turn of the event loop may move, however small it has become", () => {
	expect(later().pack(text(8 * FRAME_DATA_MAX), CHUNK_MAX).taken).toBe(BULK_BUDGET);
});

test("a raw frame begins with what makes one chunk together with its head, and goes on without a copy and without a cut", () => {
	const compressor = later();
	const data = noise(5 * CHUNK_MAX);
	const { wire, taken } = compressor.pack(data, CHUNK_MAX);
	expect([wire.length, taken]).toEqual([CHUNK_MAX, CHUNK_MAX - RAW_HEAD]);
	expect(Buffer.from(wire).readUIntBE(1, 3)).toBe(2 * CHUNK_MAX);
	const rest = data.subarray(taken);
	const next = compressor.pack(rest, CHUNK_MAX);
	expect(next.taken).toBe(CHUNK_MAX + RAW_HEAD);
	expect(next.wire.buffer).toBe(rest.buffer);
	expect(next.wire).toHaveLength(next.taken);
});

test("a raw frame never announces more than allowed", () => {
	const compressor = later();
	const announced: number[] = [];
	let raw = 0;
	while (announced.length < 9) {
		const { wire, taken } = compressor.pack(noise(2 * CHUNK_MAX), 1);
		if (raw === 0) announced.push(Buffer.from(wire).readUIntBE(1, 3));
		raw = (raw || (announced.at(-1) as number)) - taken;
	}
	expect(announced.slice(0, 3)).toEqual([2, 3, 5].map((pieces) => pieces * FRAME_DATA_MAX));
	expect(Math.max(...announced)).toBeLessThanOrEqual(RAW_FRAME_MAX);
});
