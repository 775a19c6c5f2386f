// Packs one direction of a stream into frames: zstd where that saves something, raw where it does not, and no waiting
// for fuller pieces. What does not shrink stops the trying for a while, so that it costs next to nothing.
import { RAW_HEAD, writeRawHead, writeZstdHead, ZSTD_HEAD } from "../protocol/frames.ts";
import { RAW_FRAME_MAX } from "../protocol/limits.ts";
import {
	COMPRESS_FROM,
	COMPRESS_LEVEL,
	COMPRESS_SKIP_MAX,
	COMPRESS_TO_PERCENT,
	PIECE_MAX,
	UNCOMPRESSED_FIRST,
} from "./limits.ts";

/** What goes on the wire for the first `taken` bytes of the data. */
export interface Packed {
	wire: Uint8Array;
	taken: number;
}

export class Compressor {
	/** Bytes so far, as long as that matters. */
	#carried = 0;
	/** Bytes that still belong to the raw frame that was begun last. */
	#raw = 0;
	/** Pieces that go unpacked after the next one that does not shrink. */
	#skip = 1;

	/** Packs the first piece of some data. Without a copy where that goes on with a raw frame. */
	pack(data: Uint8Array): Packed {
		if (this.#raw > 0) {
			const wire = data.subarray(0, this.#raw);
			this.#raw -= wire.length;
			return { wire, taken: wire.length };
		}
		const piece = data.subarray(0, PIECE_MAX);
		const tooEarly = this.#carried < UNCOMPRESSED_FIRST && this.#carried + piece.length <= UNCOMPRESSED_FIRST;
		this.#carried += piece.length;
		if (tooEarly || piece.length < COMPRESS_FROM) return { wire: raw(piece, piece.length), taken: piece.length };
		const packed = Bun.zstdCompressSync(piece, { level: COMPRESS_LEVEL });
		if ((ZSTD_HEAD + packed.length) * 100 <= piece.length * COMPRESS_TO_PERCENT) {
			this.#skip = 1;
			return { wire: zstd(packed, piece.length), taken: piece.length };
		}
		const size = Math.min(RAW_FRAME_MAX, piece.length * (1 + this.#skip));
		this.#skip = Math.min(COMPRESS_SKIP_MAX, this.#skip * 2);
		this.#raw = size - piece.length;
		return { wire: raw(piece, size), taken: piece.length };
	}
}

// --- internal ---

/** A raw frame of `size` bytes, of which these are the first. */
function raw(piece: Uint8Array, size: number): Uint8Array {
	const wire = new Uint8Array(RAW_HEAD + piece.length);
	writeRawHead(wire, size);
	wire.set(piece, RAW_HEAD);
	return wire;
}

function zstd(packed: Uint8Array, size: number): Uint8Array {
	const wire = new Uint8Array(ZSTD_HEAD + packed.length);
	writeZstdHead(wire, size, packed.length);
	wire.set(packed, ZSTD_HEAD);
	return wire;
}
