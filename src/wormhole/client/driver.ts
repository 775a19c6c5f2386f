// The thin shell around the machine: keeps a WebSocket to the mailbox server, feeds what happens to `step` and runs the
// effects. It decides nothing but when to connect again.
import { parseServerMessage, TOO_LONG } from "../messages.ts";
import type { Outage } from "./failures.ts";
import { stamp } from "./hashcash.ts";
import { begin, step } from "./machine.ts";
import type { Route } from "./proxy.ts";
import type { Effect, Event, Outcome, Setup, State } from "./state.ts";
import { retryBackoff, type Timing } from "./timing.ts";
import { type MailboxSocket, openMailboxSocket } from "./websocket.ts";

export interface ExchangeOptions {
	route: Route;
	setup: Setup;
	timing: Timing;
	/** When aborted, the mailbox is closed with its mood within a second, and the outcome is `cancelled`. */
	signal: AbortSignal;
	/** The code works from now on. */
	onLive?(code: string): void;
	/** The server accepted us. */
	onUp?(): void;
	/** The other side's first message is there. */
	onMet?(): void;
	onMotd?(text: string): void;
	/** The server cannot be reached; returns whether to try again. */
	onDown(outage: Outage): boolean;
}

export type ExchangeOutcome = Outcome | ({ kind: "unreachable" } & Outage);

/** One code's exchange, over as many connections as it takes. Resolves when the last socket is closed; never rejects. */
export async function runExchange(options: ExchangeOptions): Promise<ExchangeOutcome> {
	const { setup, timing, signal } = options;
	const over = Promise.withResolvers<ExchangeOutcome>();
	const timers = new Map<string, Timer>();
	const backoff = retryBackoff(timing);
	let state: State = begin(setup);
	let socket: MailboxSocket | undefined;
	let working = new AbortController();
	let hungUp: Promise<void> | undefined;

	const cancel = () => dispatch({ type: "cancel" });
	signal.addEventListener("abort", cancel);
	connect();
	if (signal.aborted) cancel();
	const outcome = await over.promise;
	signal.removeEventListener("abort", cancel);
	working.abort();
	for (const timer of timers.values()) clearTimeout(timer);
	await Promise.all([socket?.close(), hungUp]);
	return outcome;

	function connect(): void {
		working = new AbortController();
		const current = openMailboxSocket(
			options.route,
			{
				onOpen: () => dispatch({ type: "connected" }),
				onFrame: (frame) => {
					const message = parseServerMessage(frame);
					if (message) dispatch({ type: "message", message });
				},
				onTooLong: () => dispatch({ type: "message", message: TOO_LONG }),
				onDown: (outage) => down(current, outage),
			},
			timing,
		);
		socket = current;
	}

	/** Each socket goes down once: by itself, or because the machine hung up. */
	function down(current: MailboxSocket, outage: Outage): void {
		if (socket !== current) return;
		socket = undefined;
		working.abort();
		dispatch({ type: "dropped" });
		if (state.ending?.stage === "done") return;
		if (options.onDown(outage)) timer("retry", backoff.next(), connect);
		else over.resolve({ kind: "unreachable", ...outage });
	}

	function dispatch(event: Event): void {
		const next = step(state, event);
		state = next.state;
		for (const effect of next.effects) run(effect);
	}

	function run(effect: Effect): void {
		switch (effect.type) {
			case "send":
				if (effect.message.type === "bind") options.onUp?.();
				socket?.send(JSON.stringify(effect.message));
				break;
			case "timer":
				timer(effect.name, effect.ms, () => dispatch({ type: "timer", name: effect.name }));
				break;
			case "hashcash":
				void work(effect.bits, effect.resource, working.signal);
				break;
			case "motd":
				options.onMotd?.(effect.text);
				break;
			case "live":
				backoff.reset();
				options.onLive?.(effect.code);
				break;
			case "met":
				options.onMet?.();
				break;
			case "hangup":
				if (socket) {
					const current = socket;
					hungUp = current.close();
					down(current, { why: effect.why });
				}
				break;
			case "done":
				over.resolve(effect.outcome);
		}
	}

	async function work(bits: number, resource: string, aborted: AbortSignal): Promise<void> {
		try {
			const found = await stamp(bits, resource, aborted);
			if (!aborted.aborted) dispatch({ type: "stamped", stamp: found });
		} catch (error) {
			// `stamp` fails only when it is aborted: the machine asks for no more bits than it computes.
			if (!aborted.aborted) throw error;
		}
	}

	function timer(name: string, ms: number | undefined, then: () => void): void {
		clearTimeout(timers.get(name));
		if (ms !== undefined) timers.set(name, setTimeout(then, ms));
	}
}
