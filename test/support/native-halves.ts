// Imitates the two halves of a native QUIC stream, with the traps of the binding (docs/binding-notes.md, "Streams"): one
// lock per half, so that a pending call blocks the ones after it; `[]` after a reset or a stop; a stopped() that hangs
// after a reset.
import type { RecvStream, SendStream } from "../../src/transport/iroh.ts";

/** Runs one call at a time, in order. */
class Lock {
	#last: Promise<unknown> = Promise.resolve();

	run<T>(work: () => Promise<T>): Promise<T> {
		const result = this.#last.then(work);
		this.#last = result.catch(() => {});
		return result;
	}
}

/** Lets calls wait for conditions that the test brings about. */
class Changes {
	#waiting: (() => void)[] = [];

	async until(condition: () => boolean): Promise<void> {
		while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
	}

	happen(): void {
		for (const wake of this.#waiting.splice(0)) wake();
	}
}

export class NativeSend {
	/** How the half ended for the transport. There must be exactly one ending, or the stream's slot leaks. */
	readonly endings: ("finish" | `reset ${bigint}`)[] = [];
	/** The calls so far, in order. */
	readonly calls: string[] = [];
	/** The length of each writeAll, and all bytes written. */
	readonly flights: number[] = [];
	readonly written: number[] = [];
	/** Whether more than one writeAll was ever under way at once. */
	overlapped = false;
	#lock = new Lock();
	#changes = new Changes();
	#blocked = false;
	#stopped: number | undefined;
	#acknowledged = false;
	#lost = false;
	#writing = 0;

	/** Flow control: nothing is taken until {@link unblock}. */
	block(): void {
		this.#blocked = true;
	}

	unblock(): void {
		this.#blocked = false;
		this.#changes.happen();
	}

	/** The other side stops reading. */
	stop(code: number): void {
		this.#stopped ??= code;
		this.#changes.happen();
	}

	/** The other side has everything. */
	acknowledge(): void {
		this.#acknowledged = true;
		this.#changes.happen();
	}

	/** The connection is gone. */
	lose(): void {
		this.#lost = true;
		this.#changes.happen();
	}

	/** Whether a writeAll is under way. */
	get busy(): boolean {
		return this.#writing > 0;
	}

	/** Whether its slot is free: after a reset, or after a finish that was acknowledged. */
	get free(): boolean {
		return this.#lost || this.#reset || (this.endings.includes("finish") && this.#acknowledged);
	}

	async writeAll(numbers: number[]): Promise<void> {
		// Copied before the call returns, as the binding does.
		const bytes = [...numbers];
		this.calls.push(`writeAll ${bytes.length}`);
		this.flights.push(bytes.length);
		this.overlapped ||= this.#writing > 0;
		this.#writing++;
		try {
			await this.#lock.run(async () => {
				await this.#changes.until(() => !this.#blocked || this.#stopped !== undefined || this.#lost);
				this.#check();
				if (this.endings.length > 0) throw new Error("ClosedStream");
				if (this.#stopped !== undefined) throw new Error(`Stopped(${this.#stopped})`);
				this.written.push(...bytes);
			});
		} finally {
			this.#writing--;
		}
	}

	finish(): Promise<void> {
		this.calls.push("finish");
		return this.#lock.run(async () => {
			this.#check();
			if (this.endings.length > 0) throw new Error("ClosedStream { _private: () }");
			// After the other side's stop, finish() resolves but does nothing.
			if (this.#stopped === undefined) this.endings.push("finish");
		});
	}

	reset(code: bigint): Promise<void> {
		this.calls.push(`reset ${code}`);
		if (typeof code !== "bigint") throw new Error("");
		return this.#lock.run(async () => {
			this.#check();
			if (this.#reset) throw new Error("ClosedStream { _private: () }");
			this.endings.push(`reset ${code}`);
		});
	}

	stopped(): Promise<number | null> {
		this.calls.push("stopped");
		return this.#lock.run(async () => {
			// After a reset no event ever arrives.
			await this.#changes.until(
				() => !this.#reset && (this.#acknowledged || this.#stopped !== undefined || this.#lost),
			);
			this.#check();
			return this.#stopped ?? null;
		});
	}

	get native(): SendStream {
		return this as unknown as SendStream;
	}

	// --- internal ---

	get #reset(): boolean {
		return this.endings.some((ending) => ending !== "finish");
	}

	#check(): void {
		if (this.#lost) throw new Error("ConnectionLost(TimedOut)\nStack backtrace:\n   0: noq::send_stream");
	}
}

export class NativeReceive {
	/** How the half ended for the transport. There must be exactly one ending, or the stream's slot leaks. */
	readonly endings: ("end" | "reset" | `stop ${bigint}`)[] = [];
	readonly calls: string[] = [];
	/** Whether more than one read was ever under way at once. */
	overlapped = false;
	#lock = new Lock();
	#changes = new Changes();
	#arrived: number[] = [];
	#finished = false;
	#resetCode: number | undefined;
	#lost = false;
	#reading = 0;

	/** Bytes arrive from the other side. */
	arrive(bytes: Iterable<number>): void {
		for (const byte of bytes) this.#arrived.push(byte);
		this.#changes.happen();
	}

	/** The other side's FIN arrives. */
	finish(): void {
		this.#finished = true;
		this.#changes.happen();
	}

	/** The other side's reset arrives; what has not been read is discarded. */
	reset(code: number): void {
		if (this.endings.length > 0) return;
		this.#resetCode = code;
		this.#arrived = [];
		this.#changes.happen();
	}

	/** The connection is gone. */
	lose(): void {
		this.#lost = true;
		this.#changes.happen();
	}

	/** Whether a read is under way. */
	get busy(): boolean {
		return this.#reading > 0;
	}

	/** Whether its slot is free. */
	get free(): boolean {
		return this.#lost || this.endings.length > 0;
	}

	async read(limit: number): Promise<number[]> {
		this.calls.push(`read ${limit}`);
		if (!(limit > 0)) throw new Error("read(0) looks like an end");
		this.overlapped ||= this.#reading > 0;
		this.#reading++;
		try {
			return await this.#lock.run(async () => {
				if (this.endings.length > 0) return [];
				await this.#changes.until(
					() => this.#arrived.length > 0 || this.#finished || this.#resetCode !== undefined || this.#lost,
				);
				if (this.#lost) throw new Error("ConnectionLost(TimedOut)\nStack backtrace:\n   0: noq::recv_stream");
				if (this.#resetCode !== undefined) {
					this.endings.push("reset");
					throw new Error(`Reset(${this.#resetCode})`);
				}
				const bytes = this.#arrived.splice(0, limit);
				if (bytes.length === 0) this.endings.push("end");
				return bytes;
			});
		} finally {
			this.#reading--;
		}
	}

	stop(code: bigint): Promise<void> {
		this.calls.push(`stop ${code}`);
		if (typeof code !== "bigint") throw new Error("");
		return this.#lock.run(async () => {
			if (this.#lost) throw new Error("ConnectionLost(TimedOut)");
			if (this.endings.length > 0) throw new Error("ClosedStream { _private: () }");
			this.endings.push(`stop ${code}`);
		});
	}

	get native(): RecvStream {
		return this as unknown as RecvStream;
	}
}

/** Lets everything happen that can happen now: one turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whether a promise is settled after everything has happened that can happen now. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
	let done = false;
	const note = () => {
		done = true;
	};
	promise.then(note, note);
	await turn();
	await turn();
	return done;
}
