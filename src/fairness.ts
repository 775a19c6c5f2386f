// How much one stream may move at once. All streams share one JavaScript thread, so a bulk transfer's piece is what
// a small request waits for: pieces shrink when several streams move bulk, and start small on every stream.
// Called by stream.ts; calls nothing.
import { BULK_BUDGET, BULK_WINDOW_MS, PIECE_MAX, PIECE_MIN, READ_MIN } from "./limits.ts";

let windowStart = 0;
let window = 0;
let active = 0;
let lastActive = 0;

/** One stream's share; each direction of a stream has its own. */
export class Share {
	#window = -1;
	#readSize = READ_MIN;

	/** Bytes that the next piece may have. */
	piece(): number {
		const streams = Math.max(active, lastActive, 1);
		return Math.max(PIECE_MIN, Math.min(PIECE_MAX, Math.floor(BULK_BUDGET / streams)));
	}

	/** Bytes that the next read should ask for: a pending read allocates them, so it grows only while reads fill it. */
	readSize(): number {
		return Math.min(this.#readSize, this.piece());
	}

	/** Counts `bytes` that were moved; `asked` is what the read asked for, if it was one. */
	moved(bytes: number, asked = 0): void {
		if (asked > 0) {
			if (bytes >= asked) this.#readSize = Math.min(PIECE_MAX, this.#readSize * 4);
			else if (bytes < asked / 2) this.#readSize = Math.max(READ_MIN, this.#readSize / 2);
		}
		if (bytes < PIECE_MIN) return;
		const now = performance.now();
		if (now - windowStart >= BULK_WINDOW_MS) {
			lastActive = now - windowStart >= 2 * BULK_WINDOW_MS ? 0 : active;
			active = 0;
			windowStart = now;
			window++;
		}
		if (this.#window !== window) {
			this.#window = window;
			active++;
		}
	}
}
