// Counts the calls into the binding that hub and peer make for their streams, by side and method. The control streams,
// which are the first of each connection, are not counted: how often they ping depends on time.
import {
	type BiStream,
	type Connection,
	loadIroh,
	type RecvStream,
	type SendStream,
} from "../../src/transport/iroh.ts";

export type Side = "hub" | "peer";

/** Calls by method: `openBi`, `writeAll`, … */
export type Calls = Record<string, number>;

export class Crossings implements Disposable {
	readonly #calls: Record<Side, Map<string, number>> = { hub: new Map(), peer: new Map() };
	readonly #restore: (() => void)[] = [];
	#open = 0;

	/** Counts from now on, on connections that are made from now on. */
	static async count(): Promise<Crossings> {
		const { Connection: Native, Endpoint } = await loadIroh();
		const crossings = new Crossings();
		const made = new WeakSet<Connection>();
		const sideOf = (connection: Connection): Side => (made.has(connection) ? "peer" : "hub");
		const seen = new WeakSet<Connection>();
		crossings.#patch(Endpoint.prototype, "connect", (original) => async (...args) => {
			const connection = (await original(...args)) as Connection;
			made.add(connection);
			return connection;
		});
		for (const method of ["openBi", "acceptBi"]) {
			crossings.#patch(Native.prototype, method, (original, connection) => async (...args) => {
				const bi = (await original(...args)) as BiStream;
				if (!seen.has(connection as Connection)) {
					seen.add(connection as Connection);
					return bi;
				}
				const side = sideOf(connection as Connection);
				crossings.#note(side, method);
				return crossings.#counted(side, bi);
			});
		}
		for (const method of ["closeReason", "rtt"]) {
			crossings.#patch(Native.prototype, method, (original, connection) => (...args) => {
				crossings.#note(sideOf(connection as Connection), method);
				return original(...args);
			});
		}
		return crossings;
	}

	/** The calls since this was last asked. */
	take(): Record<Side, Calls> {
		const taken = (side: Side): Calls => {
			const calls = Object.fromEntries([...this.#calls[side]].sort());
			this.#calls[side].clear();
			return calls;
		};
		return { hub: taken("hub"), peer: taken("peer") };
	}

	/** How many streams, of both sides, have not been acknowledged or reset. */
	get open(): number {
		return this.#open;
	}

	[Symbol.dispose](): void {
		for (const restore of this.#restore) restore();
	}

	// --- internal ---

	#note(side: Side, method: string): void {
		this.#calls[side].set(method, (this.#calls[side].get(method) ?? 0) + 1);
	}

	#counted(side: Side, bi: BiStream): BiStream {
		this.#open++;
		const watched = <T extends SendStream | RecvStream>(half: T): T =>
			new Proxy(half, {
				get: (target, name) => {
					const value = Reflect.get(target, name);
					if (typeof value !== "function") return value;
					return (...args: unknown[]) => {
						this.#note(side, String(name));
						const result = value.apply(target, args);
						if (name === "stopped" || name === "reset") void result.then(() => this.#open--);
						return result;
					};
				},
			});
		return { send: watched(bi.send), recv: watched(bi.recv) } as BiStream;
	}

	#patch(
		prototype: object,
		method: string,
		wrap: (original: (...args: unknown[]) => unknown, self: object) => (...args: unknown[]) => unknown,
	): void {
		const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
		const original = methods[method] as (...args: unknown[]) => unknown;
		methods[method] = function (this: object, ...args: unknown[]) {
			return wrap(original.bind(this), this)(...args);
		};
		this.#restore.push(() => {
			methods[method] = original;
		});
	}
}
