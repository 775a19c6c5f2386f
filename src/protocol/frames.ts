// The frames of a compressed stream (PROTOCOL.md, "Compressed streams"): raw data, or one zstd frame. Pure: writes the
// frames' heads, and splits what arrives into frames. Sizes are in bytes.
import { FRAME_DATA_MAX, RAW_FRAME_MAX } from "./limits.ts";

/** The head of a raw frame: its kind, and the size of the data as 3 bytes, most significant first. */
export const RAW_HEAD = 4;
/** The head of a zstd frame: its kind, and the sizes of the data and of the zstd frame, less one, as 2 bytes each. */
export const ZSTD_HEAD = 5;

/** What arrived is not a frame; the stream cannot go on. */
export class FrameError extends Error {}

/** Data as it is, maybe only a part of its frame, or a whole zstd frame of `size` bytes of data that has yet to be unpacked. */
export type Frame = { kind: "raw"; data: Uint8Array } | { kind: "zstd"; packed: Uint8Array; size: number };

/** Writes the head of a raw frame of `size` bytes, which is at most {@link RAW_FRAME_MAX}. */
export function writeRawHead(target: Uint8Array, size: number): void {
	target[0] = RAW;
	target[1] = size >>> 16;
	target[2] = size >>> 8;
	target[3] = size;
}

/** Writes the head of a zstd frame of `packed` bytes for `size` bytes of data, at most {@link FRAME_DATA_MAX}. */
export function writeZstdHead(target: Uint8Array, size: number, packed: number): void {
	target[0] = ZSTD;
	target[1] = (size - 1) >>> 8;
	target[2] = size - 1;
	target[3] = (packed - 1) >>> 8;
	target[4] = packed - 1;
}

/** Splits the bytes of one direction into frames. It holds no more than one zstd frame that is not complete. */
export class FrameSplitter {
	#rest: Uint8Array = new Uint8Array(0);
	/** Bytes of the current raw frame that have yet to come. */
	#raw = 0;

	push(bytes: Uint8Array): void {
		if (this.#rest.length === 0) {
			this.#rest = bytes;
			return;
		}
		const both = new Uint8Array(this.#rest.length + bytes.length);
		both.set(this.#rest);
		both.set(bytes, this.#rest.length);
		this.#rest = both;
	}

	/** The next frame, or as much of a raw one as is there; undefined until more is pushed. @throws FrameError */
	next(): Frame | undefined {
		if (this.#raw === 0 && this.#rest[0] === RAW && this.#rest.length >= RAW_HEAD) {
			const [, high = 0, middle = 0, low = 0] = this.#take(RAW_HEAD);
			this.#raw = (high << 16) | (middle << 8) | low;
			if (this.#raw === 0 || this.#raw > RAW_FRAME_MAX) throw new FrameError("a raw frame has an impossible size");
		}
		if (this.#raw > 0) return this.#rawData();
		return this.#rest.length === 0 || this.#rest[0] === RAW ? undefined : this.#zstd();
	}

	/** Whether the data may end here: a raw frame may stay incomplete, because its size is only what was expected. */
	get mayEnd(): boolean {
		return this.#rest.length === 0;
	}

	// --- internal ---

	#rawData(): Frame | undefined {
		if (this.#rest.length === 0) return undefined;
		const data = this.#take(Math.min(this.#raw, this.#rest.length));
		this.#raw -= data.length;
		return { kind: "raw", data };
	}

	#zstd(): Frame | undefined {
		const [kind, a = 0, b = 0, c = 0, d = 0] = this.#rest;
		if (kind !== ZSTD) throw new FrameError("a frame is of an unknown kind");
		if (this.#rest.length < ZSTD_HEAD) return undefined;
		const size = ((a << 8) | b) + 1;
		const packed = ((c << 8) | d) + 1;
		if (packed >= size) throw new FrameError("a zstd frame is no smaller than its data");
		if (this.#rest.length < ZSTD_HEAD + packed) return undefined;
		this.#take(ZSTD_HEAD);
		return { kind: "zstd", packed: this.#take(packed), size };
	}

	#take(length: number): Uint8Array {
		const taken = this.#rest.subarray(0, length);
		this.#rest = this.#rest.subarray(length);
		return taken;
	}
}

/**
 * Checks that these bytes are exactly one zstd frame, which says itself that it has `size` bytes of data: a decompressor
 * would allocate whatever a frame says, and go on with one that follows it. @throws FrameError
 */
export function checkZstd(bytes: Uint8Array, size: number): void {
	// RFC 8878, section 3.1.1.1: a single segment, no checksum, no dictionary, and a content size of 1, 2 or 4 bytes.
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const descriptor = bytes[4] ?? 0;
	const width = SIZE_WIDTHS[descriptor >> 6] ?? 0;
	let at = 5 + width;
	if (at > bytes.length || view.getUint32(0, true) !== ZSTD_MAGIC || (descriptor & 0x3f) !== SINGLE_SEGMENT) {
		throw new FrameError("a zstd frame has another head than allowed");
	}
	const said = width === 1 ? view.getUint8(5) : width === 2 ? view.getUint16(5, true) + 256 : view.getUint32(5, true);
	if (width === 8 || said !== size) throw new FrameError("a zstd frame has another size than announced");
	// Section 3.1.1.2: the blocks, each with a head of 3 bytes.
	for (let last = false; !last; ) {
		if (at + 3 > bytes.length) throw new FrameError("a zstd frame ends early");
		const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
		last = (head & 1) === 1;
		at += 3 + (((head >> 1) & 3) === RLE_BLOCK ? 1 : head >> 3);
	}
	if (at !== bytes.length) throw new FrameError("a zstd frame has another length than announced");
}

// --- internal ---

const RAW = 0;
const ZSTD = 1;

const ZSTD_MAGIC = 0xfd2fb528;
/** The low bits of the frame header descriptor: nothing but the flag for a single segment. */
const SINGLE_SEGMENT = 0x20;
/** How many bytes the content size has, by the two high bits of the descriptor of a single segment. */
const SIZE_WIDTHS = [1, 2, 4, 8] as const;
const RLE_BLOCK = 1;
