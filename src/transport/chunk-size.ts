// How much one stream may move at once. All streams share one JavaScript thread, so a bulk transfer's piece is what
// a small request waits for: pieces shrink while others move anything, and start small on every stream.
// Called by send.ts and receive.ts; calls nothing.
import { BULK_BUDGET, PIECE_MAX, PIECE_MIN, PIECE_SHARED, READ_MIN, SHARE_WINDOW_MS } from "./limits.ts";

/** How many shares moved something within a window of time. A stalled stream drops out by itself. */
class Census {
	readonly #members = { now: 0, before: 0 };
	window = 0;

	count(): number {
		return Math.max(this.#members.now, this.#members.before);
	}

	/** Counts one that was last counted in window `last`; returns the window it is counted in. */
	enter(last: number): number {
		if (last !== this.window) this.#members.now++;
		return this.window;
	}

	turn(idle: boolean): void {
		this.#members.before = idle ? 0 : this.#members.now;
		this.#members.now = 0;
		this.window++;
	}
}

const bulk = new Census();
const small = new Census();
let windowStart = 0;

/** One direction of one stream. */
export class ChunkSize {
	#bulkWindow = -1;
	#smallWindow = -1;
	#readSize = READ_MIN;
	/** False: what it moves is no reason for others to hold back. Pings would halve every transfer's pieces otherwise. */
	counted = true;

	/** Bytes that the next piece may have. */
	piece(): number {
		const most = small.count() > 0 ? PIECE_SHARED : PIECE_MAX;
		return Math.max(PIECE_MIN, Math.min(most, Math.floor(BULK_BUDGET / Math.max(1, bulk.count()))));
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
		const now = performance.now();
		if (now - windowStart >= SHARE_WINDOW_MS) {
			const idle = now - windowStart >= 2 * SHARE_WINDOW_MS;
			windowStart = now;
			bulk.turn(idle);
			small.turn(idle);
		}
		if (!this.counted) return;
		if (bytes >= PIECE_MIN) this.#bulkWindow = bulk.enter(this.#bulkWindow);
		// The odd short piece of a bulk transfer makes no small stream of it.
		else if (this.#bulkWindow < bulk.window - 1) this.#smallWindow = small.enter(this.#smallWindow);
	}
}
