// How many bytes one stream may move at once. All streams share one JavaScript thread, so the chunk of a bulk transfer
// is what a small request waits for: chunks shrink while other streams move anything, and reads start small. Pure.
import { BULK_BUDGET, CHUNK_MAX, CHUNK_MIN, CHUNK_SHARED, READ_FIRST, READ_MIN, SHARE_WINDOW_MS } from "./limits.ts";

/** What the streams of one thread know about each other: how many move bulk data, and how many move a little. */
export class ChunkScheduler {
	readonly bulk = new ActiveCount();
	readonly small = new ActiveCount();
	#windowStart = 0;

	/** Begins a new window if the current one is over. */
	tick(now: number): void {
		const age = now - this.#windowStart;
		if (age < SHARE_WINDOW_MS) return;
		this.#windowStart = now;
		const idle = age >= 2 * SHARE_WINDOW_MS;
		this.bulk.nextWindow(idle);
		this.small.nextWindow(idle);
	}
}

/** One direction of one stream. */
export class ChunkSize {
	readonly #scheduler: ChunkScheduler;
	#bulkWindow = -1;
	#smallWindow = -1;
	#readSize = READ_FIRST;
	/** Nothing but the hub's answer, of one byte, has come yet. */
	#isFirst = true;
	/** False: other streams need not make room for it. Otherwise pings would halve the chunks of every transfer. */
	counted = true;

	constructor(scheduler: ChunkScheduler) {
		this.#scheduler = scheduler;
	}

	/** The most bytes for the next chunk. */
	chunk(): number {
		const { bulk, small } = this.#scheduler;
		const most = small.count() > 0 ? CHUNK_SHARED : CHUNK_MAX;
		return Math.max(CHUNK_MIN, Math.min(most, Math.floor(BULK_BUDGET / Math.max(1, bulk.count()))));
	}

	/** Bytes to ask for in the next read. A pending read allocates them, so this grows only while reads are filled. */
	readSize(): number {
		return Math.min(this.#readSize, this.chunk());
	}

	/** Counts `bytes` that were moved; for a read, `asked` is how many it asked for. */
	moved(bytes: number, asked = 0): void {
		if (asked > 0) this.#adapt(bytes, asked);
		const scheduler = this.#scheduler;
		scheduler.tick(performance.now());
		if (!this.counted) return;
		if (bytes >= CHUNK_MIN) this.#bulkWindow = scheduler.bulk.add(this.#bulkWindow);
		// A short chunk now and then does not make a bulk transfer a small stream.
		else if (this.#bulkWindow < scheduler.bulk.window - 1) this.#smallWindow = scheduler.small.add(this.#smallWindow);
	}

	// --- internal ---

	/** Reads grow while they are filled, and shrink while they are less than half full: after the first one, to what came. */
	#adapt(bytes: number, asked: number): void {
		if (bytes >= asked) this.#readSize = Math.min(CHUNK_MAX, this.#readSize * 4);
		else if (!this.#isFirst) {
			if (bytes < asked / 2) this.#readSize = Math.max(READ_MIN, this.#readSize / 2);
		} else if (bytes > 1) {
			while (bytes <= this.#readSize / 2 && this.#readSize > READ_MIN) this.#readSize /= 2;
		}
		if (bytes > 1) this.#isFirst = false;
	}
}

// --- internal ---

/** How many streams moved something within a window of time. One that stalls drops out by itself. */
class ActiveCount {
	#current = 0;
	#previous = 0;
	window = 0;

	count(): number {
		return Math.max(this.#current, this.#previous);
	}

	/** Counts a stream that was last counted in window `last`; returns the window in which it is counted now. */
	add(last: number): number {
		if (last !== this.window) this.#current++;
		return this.window;
	}

	nextWindow(idle: boolean): void {
		this.#previous = idle ? 0 : this.#current;
		this.#current = 0;
		this.window++;
	}
}
