// A Duplex in memory (the contract is in src/forward/duplex.ts). A script says what its other side sends and takes, and
// a `turn` before each step lets fast-check's scheduler decide the order and the pauses. Violations of the contract by
// its user are recorded as breaches.
import { Aborted, type Duplex, type Waiter } from "../../src/forward/duplex.ts";

/** What the other side does. */
export interface Script {
	/** A socket's reset (RST) ends both directions at once; a stream's ends only the incoming one. */
	kind: "socket" | "stream";
	sends: readonly Uint8Array[];
	/** What follows the last byte: a FIN, a reset, nothing, or a FIN after which it disappears (sockets only). */
	ends: "fin" | "reset" | "silence" | "fin, gone";
	/** How many bytes it reads. Afterwards it either says that it stops, or silently takes nothing more. */
	takes: number;
	afterwards: "stops" | "stalls";
}

/** Resolves when the step with this label may happen. */
export type Turn = (label: string) => Promise<void>;

export class MemoryDuplex implements Duplex {
	readonly closed: Promise<Error | undefined>;
	/** What the other side has received from us. */
	readonly received: number[] = [];
	/** How each direction ended; undefined while it has not. */
	incoming: "fin" | "reset" | "cancelled" | "aborted" | undefined;
	outgoing: "fin" | "lost" | "aborted" | undefined;
	/** How the user of this end has broken the contract. */
	readonly breaches: string[] = [];
	/** Where bytes read here are written to: it must have taken a chunk before the next one is read. */
	sink: MemoryDuplex | undefined;
	/** How often {@link abort} was called. */
	aborts = 0;
	#name: string;
	#script: Script;
	#turn: Turn;
	#queue: Uint8Array[] = [];
	#reader: Waiter<Uint8Array | null> | undefined;
	#room = Promise.withResolvers<void>();
	#outgoingOver = Promise.withResolvers<void>();
	#writing = false;
	#acknowledged = false;
	#error: Aborted | undefined;
	#dropped = false;
	#resolveClosed!: (error: Error | undefined) => void;

	constructor(name: string, script: Script, turn: Turn) {
		this.#name = name;
		this.#script = script;
		this.#turn = turn;
		this.closed = new Promise((resolve) => {
			this.#resolveClosed = resolve;
		});
		void this.#play();
	}

	get ended(): boolean {
		return this.incoming === "fin";
	}

	/** Whether the other side has yet to take what was written. */
	get taking(): boolean {
		return this.#writing;
	}

	/** Everything the other side sends, in one piece. */
	get sends(): number[] {
		return this.#script.sends.flatMap((chunk) => [...chunk]);
	}

	read(): Promise<Uint8Array | null> {
		if (this.#reader) this.#breach("two reads at once");
		if (this.sink?.taking) this.#breach("a chunk read before the last one was taken");
		const bytes = this.#queue.shift();
		if (bytes) {
			this.#room.resolve();
			return Promise.resolve(bytes);
		}
		if (this.ended && !this.#dropped) return Promise.resolve(null);
		if (this.incoming) return Promise.reject(this.#cause());
		return new Promise((resolve, reject) => {
			this.#reader = { resolve, reject };
		});
	}

	async write(bytes: Uint8Array): Promise<void> {
		if (this.#writing) this.#breach("two writes at once");
		if (this.outgoing === "fin") this.#breach("a write after the end");
		if (this.outgoing) throw this.#cause();
		this.#writing = true;
		try {
			await Promise.race([this.#turn(`${this.#name} takes ${bytes.length}`), this.#outgoingOver.promise]);
			if (this.outgoing) throw this.#cause();
			const taken = bytes.subarray(0, this.#script.takes - this.received.length);
			for (const byte of taken) this.received.push(byte);
			if (taken.length === bytes.length) return;
			if (this.#script.afterwards === "stops") this.#gone("stopped reading");
			await this.#outgoingOver.promise;
			throw this.#cause();
		} finally {
			this.#writing = false;
		}
	}

	end(): Promise<void> {
		if (this.#writing) this.#breach("an end beside a write");
		if (this.outgoing === "fin") this.#breach("two ends");
		if (this.outgoing) return Promise.reject(this.#cause());
		this.outgoing = "fin";
		void this.#turn(`${this.#name} acknowledges the end`).then(() => {
			this.#acknowledged = true;
			this.#settle();
		});
		return Promise.resolve();
	}

	cancel(): void {
		this.#queue = [];
		this.#endIncoming("cancelled", new Aborted(`${this.#name}: not read to the end`));
		this.#settle();
	}

	abort(): void {
		this.aborts++;
		const error = new Aborted(`${this.#name}: aborted here`);
		this.#dropped ||= this.#queue.length > 0;
		this.#queue = [];
		this.#endIncoming("aborted", error);
		this.#endOutgoing("aborted", error);
		this.#settle();
	}

	// --- internal ---

	/** Plays the other side. It waits while two of its chunks are unread. */
	async #play(): Promise<void> {
		for (const chunk of this.#script.sends) {
			await this.#turn(`${this.#name} sends ${chunk.length}`);
			// A reset does not wait for room, so what is sent before it must not wait either.
			while (!this.incoming && this.#queue.length >= 2 && this.#script.ends !== "reset") {
				this.#room = Promise.withResolvers();
				await this.#room.promise;
			}
			if (this.incoming) return;
			if (this.#reader) {
				this.#reader.resolve(chunk);
				this.#reader = undefined;
			} else this.#queue.push(chunk);
		}
		const { ends } = this.#script;
		if (ends === "silence") return;
		await this.#turn(`${this.#name} ends with ${ends}`);
		if (this.incoming) return;
		if (ends === "reset") {
			this.#endIncoming("reset", new Aborted(`${this.#name}: reset`));
			if (this.#script.kind === "socket") this.#endOutgoing("lost", new Aborted(`${this.#name}: reset`));
		} else this.#endIncoming("fin");
		this.#settle();
		if (ends !== "fin, gone") return;
		await this.#turn(`${this.#name} is gone`);
		this.#endOutgoing("lost", new Aborted(`${this.#name}: gone`));
		this.#settle();
	}

	#gone(why: string): void {
		const error = new Aborted(`${this.#name}: ${why}`);
		this.#endOutgoing("lost", error);
		if (this.#script.kind === "socket") this.#endIncoming("reset", error);
		this.#settle();
	}

	#endIncoming(how: NonNullable<MemoryDuplex["incoming"]>, error?: Aborted): void {
		if (this.incoming) return;
		this.incoming = how;
		if (error) this.#error ??= error;
		if (error) this.#reader?.reject(error);
		else this.#reader?.resolve(null);
		this.#reader = undefined;
		this.#room.resolve();
	}

	#endOutgoing(how: NonNullable<MemoryDuplex["outgoing"]>, error: Aborted): void {
		if (this.outgoing) return;
		this.outgoing = how;
		this.#error ??= error;
		this.#acknowledged = true;
		this.#outgoingOver.resolve();
	}

	#settle(): void {
		if (this.incoming && this.outgoing && this.#acknowledged) this.#resolveClosed(this.#error);
	}

	#cause(): Aborted {
		return this.#error ?? new Aborted(`${this.#name}: over`);
	}

	#breach(what: string): void {
		this.breaches.push(`${this.#name}: ${what}`);
	}
}
