// A stream whose data is in frames, as Duplex of the data itself. Ends, aborts and backpressure are those of the stream;
// a frame that is not one aborts it. It unpacks one frame at a time, and only what somebody reads.
import { Aborted, type Duplex } from "../forward/duplex.ts";
import { checkZstd, type Frame, FrameError, FrameSplitter } from "../protocol/frames.ts";
import { FRAME_DATA_MAX } from "../protocol/limits.ts";
import { Compressor } from "./compressor.ts";
import { concatenated } from "./concatenated.ts";
import { CHUNK_MAX } from "./limits.ts";

export class CompressedDuplex implements Duplex {
	readonly closed: Promise<Error | undefined>;
	#stream: Duplex;
	#compressor = new Compressor();
	#splitter = new FrameSplitter();
	/** Frames were unpacked, and nothing was received since. */
	#unpackedLast = false;
	#broken: Aborted | undefined;

	constructor(stream: Duplex) {
		this.#stream = stream;
		this.closed = stream.closed.then((error) => this.#broken ?? error);
	}

	get ended(): boolean {
		return this.#stream.ended && !this.#broken;
	}

	/** At most {@link FRAME_DATA_MAX} bytes. */
	async read(): Promise<Uint8Array | null> {
		for (;;) {
			if (this.#broken) throw this.#broken;
			// One chunk may hold thousands of frames: others get their turn between them.
			if (this.#unpackedLast && !this.#splitter.mayEnd) await nextTurn();
			const data = this.#unpacked();
			this.#unpackedLast = data !== undefined;
			if (data) return data;
			const bytes = await this.#stream.read();
			if (bytes) this.#splitter.push(bytes);
			else if (this.#splitter.mayEnd) return null;
			else throw this.#break(new FrameError("the stream ended within a frame"));
		}
	}

	async write(bytes: Uint8Array): Promise<void> {
		for (let at = 0; at < bytes.length; ) {
			const { wire, taken } = this.#compressor.pack(bytes.subarray(at), CHUNK_MAX);
			await this.#stream.write(wire);
			at += taken;
		}
	}

	end(): Promise<void> {
		return this.#stream.end();
	}

	cancel(): void {
		this.#stream.cancel();
	}

	abort(): void {
		this.#stream.abort();
	}

	// --- internal ---

	/** What can be unpacked now, as one piece: small frames one by one would cost a write each. */
	#unpacked(): Uint8Array | undefined {
		const pieces: Uint8Array[] = [];
		let length = 0;
		try {
			while (length < FRAME_DATA_MAX) {
				const frame = this.#splitter.next();
				if (!frame) break;
				const data = unpack(frame);
				pieces.push(data);
				length += data.length;
			}
		} catch (error) {
			throw this.#break(error);
		}
		return pieces.length > 0 ? concatenated(pieces, length) : undefined;
	}

	#break(cause: unknown): Aborted {
		if (!(cause instanceof FrameError)) throw cause;
		this.#broken = new Aborted(`stream broken: ${cause.message}`, { cause });
		this.#stream.abort();
		return this.#broken;
	}
}

/** The data of a stream, which is in frames if `framed`. */
export const dataOf = (stream: Duplex, framed: boolean): Duplex => (framed ? new CompressedDuplex(stream) : stream);

// --- internal ---

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @throws FrameError */
function unpack(frame: Frame): Uint8Array {
	if (frame.kind === "raw") return frame.data;
	const { packed, size } = frame;
	checkZstd(packed, size);
	let data: Uint8Array;
	try {
		data = Bun.zstdDecompressSync(packed);
	} catch (cause) {
		throw new FrameError("a zstd frame cannot be unpacked", { cause });
	}
	if (data.length !== size) throw new FrameError("a zstd frame has another size than announced");
	return data;
}
