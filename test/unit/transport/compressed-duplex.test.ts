// The data of a compressed stream as Duplex: its ends are those of the stream, and broken frames abort it.
import { expect, test } from "bun:test";
import { Aborted } from "../../../src/forward/duplex.ts";
import { writeRawHead } from "../../../src/protocol/frames.ts";
import { FRAME_DATA_MAX } from "../../../src/protocol/limits.ts";
import { CompressedDuplex, dataOf } from "../../../src/transport/compressed-duplex.ts";
import { CHUNK_MAX } from "../../../src/transport/limits.ts";
import { MemoryDuplex, type Script } from "../../support/memory-duplex.ts";

const turn = () => Promise.resolve();
const stream = (script: Partial<Script> = {}) =>
	new MemoryDuplex(
		"stream",
		{ kind: "stream", sends: [], ends: "fin", takes: Number.POSITIVE_INFINITY, afterwards: "stops", ...script },
		turn,
	);

/** A raw frame. */
function raw(data: string): Uint8Array {
	const frame = new Uint8Array(4 + data.length);
	writeRawHead(frame, data.length);
	frame.set(Buffer.from(data), 4);
	return frame;
}

const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString();

test("a stream without frames is its own data", () => {
	const one = stream();
	expect(dataOf(one, false)).toBe(one);
	expect(dataOf(one, true)).toBeInstanceOf(CompressedDuplex);
});

test("small frames that came together are one piece, so that each does not cost a write", async () => {
	const data = new CompressedDuplex(stream({ sends: [Buffer.concat([raw("a"), raw("bc"), raw("def")]), raw("g")] }));
	expect(text(await data.read())).toBe("abcdef");
	expect(text(await data.read())).toBe("g");
	expect(await data.read()).toBeNull();
	expect(data.ended).toBe(true);
});

test("a chunk with megabytes in it holds nobody up: others get their turn after each piece", async () => {
	const inner = stream();
	const packing = new CompressedDuplex(inner);
	const length = 8 * FRAME_DATA_MAX;
	await packing.write(Buffer.alloc(length));
	expect(inner.received.length).toBeLessThan(CHUNK_MAX);
	const data = new CompressedDuplex(stream({ sends: [Buffer.from(inner.received)] }));
	let turns = 0;
	const others = () => {
		turns++;
		next = setImmediate(others);
	};
	let next = setImmediate(others);
	let got = 0;
	for (let bytes = await data.read(); bytes; bytes = await data.read()) {
		got += bytes.length;
		expect(turns).toBeGreaterThanOrEqual(got / FRAME_DATA_MAX - 2);
	}
	clearImmediate(next);
	expect(got).toBe(length);
});

test("a clean end of both directions is one, and what was written has arrived in frames", async () => {
	const inner = stream();
	const data = new CompressedDuplex(inner);
	await data.write(Buffer.from("hello"));
	await data.write(new Uint8Array(0));
	await data.end();
	expect(await data.read()).toBeNull();
	expect(Buffer.from(inner.received).equals(raw("hello"))).toBe(true);
	expect(await data.closed).toBeUndefined();
});

test("a reset of the stream is one of the data", async () => {
	const data = new CompressedDuplex(stream({ sends: [raw("a")], ends: "reset" }));
	expect(text(await data.read())).toBe("a");
	await expect(data.read()).rejects.toBeInstanceOf(Aborted);
	data.abort();
	expect(await data.closed).toBeInstanceOf(Aborted);
	expect(data.ended).toBe(false);
});

test.each([
	["a frame of an unknown kind", Uint8Array.of(2, 0, 0, 0, 0), "a frame is of an unknown kind"],
	["an end within a frame", Uint8Array.of(1, 255), "the stream ended within a frame"],
	["a raw frame without data", Uint8Array.of(0, 0, 0, 0), "a raw frame has an impossible size"],
	["a raw frame of 16 MB", Uint8Array.of(0, 255, 255, 255, 1), "a raw frame has an impossible size"],
	["a zstd frame that saves nothing", Uint8Array.of(1, 0, 9, 0, 9), "a zstd frame is no smaller than its data"],
])("%s aborts the stream, says why, and does not look like an end", async (_, bytes, why) => {
	const inner = stream({ sends: [bytes] });
	const data = new CompressedDuplex(inner);
	await expect(data.read()).rejects.toThrow(`stream broken: ${why}`);
	await expect(data.read()).rejects.toThrow(why);
	expect(data.ended).toBe(false);
	expect(inner.aborts).toBe(1);
	expect(((await data.closed) as Error).message).toBe(`stream broken: ${why}`);
});

test("a sink that has gone ends the writing", async () => {
	const data = new CompressedDuplex(stream({ takes: 3 }));
	await expect(data.write(Buffer.alloc(100_000, "text"))).rejects.toBeInstanceOf(Aborted);
});

test("nobody unpacks what nobody reads", async () => {
	const inner = stream({ sends: [raw("a"), raw("b")] });
	const data = new CompressedDuplex(inner);
	data.cancel();
	expect(inner.incoming).toBe("cancelled");
	await expect(data.read()).rejects.toBeInstanceOf(Aborted);
});
