// Pieces of bytes as one. A single piece is not copied.

/** `length` is that of all pieces together, of which there is at least one. */
export function concatenated(pieces: readonly Uint8Array[], length: number): Uint8Array {
	const [first] = pieces;
	if (first?.length === length) return first;
	const all = new Uint8Array(length);
	let at = 0;
	for (const piece of pieces) {
		all.set(piece, at);
		at += piece.length;
	}
	return all;
}
