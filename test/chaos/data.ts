// The bytes of a transfer. They depend on nothing but their number, so both ends can compare hashes.

const PIECE = 64 * 1024;

/** `bytes` bytes in pieces, no two of them alike. */
export function* pieces(bytes: number): Generator<Uint8Array<ArrayBuffer>> {
	let state = 0x9e3779b9;
	for (let done = 0; done < bytes; done += PIECE) {
		const words = new Uint32Array(PIECE / 4);
		for (let i = 0; i < words.length; i++) {
			state ^= state << 13;
			state ^= state >>> 17;
			state ^= state << 5;
			words[i] = state;
		}
		yield new Uint8Array(words.buffer).subarray(0, Math.min(PIECE, bytes - done));
	}
}

/** The SHA-256 of the same bytes. */
export function hashOf(bytes: number): string {
	const hash = new Bun.CryptoHasher("sha256");
	for (const piece of pieces(bytes)) hash.update(piece);
	return hash.digest("hex");
}

/** The same bytes as an HTTP body, produced only as fast as they are read. */
export function body(bytes: number): ReadableStream<Uint8Array<ArrayBuffer>> {
	const source = pieces(bytes);
	return new ReadableStream(
		{
			pull(controller) {
				const { done, value } = source.next();
				if (done) controller.close();
				else controller.enqueue(value);
			},
		},
		{ highWaterMark: 0 },
	);
}
