// Packs one direction of a stream into frames: zstd where that saves something, raw where it does not, and no waiting
// for fuller pieces. What does not shrink stops the trying for a while, so that it costs next to nothing.
import { RAW_HEAD, writeRawHead, writeZstdHead, ZSTD_HEAD } from "../protocol/frames.ts";
import { FRAME_DATA_MAX, RAW_FRAME_MAX } from "../protocol/limits.ts";
import { concatenated } from "./concatenated.ts";
import {
	BULK_BUDGET,
	CHUNK_MAX,
	COMPRESS_FROM,
	COMPRESS_LEVEL,
	COMPRESS_SKIP_MAX,
	COMPRESS_TO_PERCENT,
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

	/**
	 * Packs the first bytes of some data: as many frames as make a write of about `room` bytes worth its call, but not more
	 * than belongs into one turn of the event loop. No copy where a raw frame goes on.
	 */
	pack(data: Uint8Array, room: number): Packed {
		const frames: Uint8Array[] = [];
		let length = 0;
		let taken = 0;
		do {
			const { wire, taken: more } = this.#frame(data.subarray(taken));
			frames.push(wire);
			length += wire.length;
			taken += more;
		} while (this.#raw === 0 && length < room / 2 && taken < data.length && taken < BULK_BUDGET);
		return { wire: concatenated(frames, length), taken };
	}

	// --- internal ---

	/** One frame, or what goes on with the one before it. */
	#frame(data: Uint8Array): Packed {
		if (this.#raw > 0) {
			const wire = data.subarray(0, this.#raw);
			this.#raw -= wire.length;
			return { wire, taken: wire.length };
		}
		const piece = data.subarray(0, FRAME_DATA_MAX);
		const tooEarly = this.#carried < UNCOMPRESSED_FIRST && this.#carried + piece.length <= UNCOMPRESSED_FIRST;
		this.#carried += piece.length;
		if (tooEarly || piece.length < COMPRESS_FROM) return this.#rawFrame(piece, piece.length);
		const packed = Bun.zstdCompressSync(piece, { level: COMPRESS_LEVEL });
		if ((ZSTD_HEAD + packed.length) * 100 <= piece.length * COMPRESS_TO_PERCENT) {
			this.#skip = 1;
			return { wire: zstd(packed, piece.length), taken: piece.length };
		}
		const size = Math.min(RAW_FRAME_MAX, piece.length * (1 + this.#skip));
		this.#skip = Math.min(COMPRESS_SKIP_MAX, this.#skip * 2);
		return this.#rawFrame(piece, size);
	}

	/** Begins a raw frame of `size` bytes with this piece, or as much of it as makes one chunk with the head. */
	#rawFrame(piece: Uint8Array, size: number): Packed {
		const first = piece.subarray(0, CHUNK_MAX - RAW_HEAD);
		const wire = new Uint8Array(RAW_HEAD + first.length);
		writeRawHead(wire, size);
		wire.set(first, RAW_HEAD);
		this.#raw = size - first.length;
		return { wire, taken: first.length };
	}
}

// --- internal ---

function zstd(packed: Uint8Array, size: number): Uint8Array {
	const wire = new Uint8Array(ZSTD_HEAD + packed.length);
	writeZstdHead(wire, size, packed.length);
	wire.set(packed, ZSTD_HEAD);
	return wire;
}
