// Several addresses of one service, tried one after another and staggered (RFC 8305, section 5): the first that
// connects is used, and an attempt that lost is given up, so that no service sees a connection nobody wanted.

/** All attempts failed; `errors` are theirs, in the order in which they came. */
export class NoneConnected extends Error {
	readonly errors: readonly unknown[];

	constructor(errors: readonly unknown[]) {
		super("none of the addresses could be connected to");
		this.errors = errors;
	}
}

export interface Race<C, T> {
	/** Tried in this order. */
	candidates: readonly C[];
	/** Asked once for more of them, when all have been tried and none has answered. One that rejects has none. */
	more?: () => Promise<readonly C[]>;
	/** Must give up without a trace when its signal is aborted. */
	attempt: (candidate: C, signal: AbortSignal) => Promise<T>;
	/** Takes a connection that came after another one had won, or after the end. */
	discard: (connection: T) => void;
	/** The next attempt starts when one fails, or after this many milliseconds. */
	staggerMs: number;
	/** Ends the race; its reason is thrown. */
	signal: AbortSignal;
}

/** Resolves with the first connection and its candidate. @throws NoneConnected, or the reason of the signal */
export function firstToConnect<C, T>(race: Race<C, T>): Promise<{ connection: T; candidate: C }> {
	const { attempt, discard, staggerMs, signal } = race;
	const { promise, resolve, reject } = Promise.withResolvers<{ connection: T; candidate: C }>();
	const queue = [...race.candidates];
	let { more } = race;
	const running = new Set<AbortController>();
	const errors: unknown[] = [];
	let asking = false;
	let timer: Timer | undefined;
	let over = false;

	const end = (settle: () => void) => {
		if (over) return;
		over = true;
		clearTimeout(timer);
		signal.removeEventListener("abort", cancelled);
		for (const one of running) one.abort(new Error("no longer needed"));
		settle();
	};
	const cancelled = () => end(() => reject(signal.reason));
	/** Starts the next attempt, or asks for more candidates, or notices that nothing is left. */
	const advance = () => {
		clearTimeout(timer);
		if (over) return;
		const [candidate] = queue.splice(0, 1);
		if (candidate !== undefined) {
			if (queue.length > 0 || more) timer = setTimeout(advance, staggerMs);
			void run(candidate);
		} else if (more) void ask(more);
		else if (running.size === 0 && !asking) end(() => reject(new NoneConnected(errors)));
	};
	const run = async (candidate: C) => {
		const control = new AbortController();
		running.add(control);
		try {
			const connection = await attempt(candidate, control.signal);
			running.delete(control);
			if (over) discard(connection);
			else end(() => resolve({ connection, candidate }));
		} catch (error) {
			running.delete(control);
			errors.push(error);
			advance();
		}
	};
	const ask = async (source: () => Promise<readonly C[]>) => {
		more = undefined;
		asking = true;
		try {
			queue.push(...(await source()));
		} catch (error) {
			errors.push(error);
		}
		asking = false;
		advance();
	};

	if (signal.aborted) cancelled();
	else {
		signal.addEventListener("abort", cancelled);
		advance();
	}
	return promise;
}
