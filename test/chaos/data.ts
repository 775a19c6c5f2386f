// The bytes of a transfer, the same for everyone who knows their number: what arrives can be compared by its hash.
// Used by service.ts and bulk.ts.

const PIECE = 64 * 1024;

/** `bytes` bytes in pieces, none like another. */
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

/** The SHA-256 of all of them. */
export function hashOf(bytes: number): string {
	const hash = new Bun.CryptoHasher("sha256");
	for (const piece of pieces(bytes)) hash.update(piece);
	return hash.digest("hex");
}

/** A body that is produced as fast as it is taken. */
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
