// Fakes of everything beyond an Uplink: a hub that answers hellos and pings, or does not; the endpoint that leads to it;
// and the clock of both, which moves only when the test moves it.

import { spyOn } from "bun:test";
import { HivemindError } from "../../src/base/errors.ts";
import { within } from "../../src/base/timers.ts";
import { Aborted } from "../../src/forward/duplex.ts";
import {
	CONTROL_PORT_ID,
	decodeMessage,
	encodeMessage,
	Lines,
	type Message,
	type ServiceState,
} from "../../src/protocol/control-messages.ts";
import { ORIGINAL_SERVICES } from "../../src/protocol/services.ts";
import type { Endpoint } from "../../src/transport/endpoint.ts";
import { OPEN_STREAM_MS } from "../../src/transport/limits.ts";
import type { Path } from "../../src/transport/path-watch.ts";
import type { QuicStream } from "../../src/transport/stream.ts";
import { turn } from "./native-halves.ts";

/** Replaces performance.now, Bun.sleep, timeouts and intervals for everything under test. */
export class Clock {
	now = 1_000;
	#timers = new Map<number, { due: number; every?: number; run: () => void; kind: string }>();
	#ids = 0;
	#spies: { mockRestore(): void }[];

	constructor() {
		const start = (kind: string) => (run: unknown, ms: unknown) =>
			this.#add(kind, run as () => void, Number(ms ?? 0)) as unknown as Timer;
		const stop = (id: unknown) => void this.#timers.delete(id as number);
		this.#spies = [
			spyOn(performance, "now").mockImplementation(() => this.now),
			spyOn(Bun, "sleep").mockImplementation((ms) => new Promise((wake) => this.#add("sleep", wake, Number(ms)))),
			spyOn(globalThis, "setTimeout").mockImplementation(start("timeout") as unknown as typeof setTimeout),
			spyOn(globalThis, "setInterval").mockImplementation(start("interval") as unknown as typeof setInterval),
			spyOn(globalThis, "clearTimeout").mockImplementation(stop),
			spyOn(globalThis, "clearInterval").mockImplementation(stop),
		];
	}

	/** Lets `ms` milliseconds pass: everything due within them happens, each at its time. */
	async pass(ms: number): Promise<void> {
		const end = this.now + ms;
		await turn();
		for (let next = this.#first(end); next !== undefined; next = this.#first(end)) {
			this.#fire(next);
			// One turn for what it triggers, one for how the far side reacts to that.
			await turn();
			await turn();
		}
		this.now = end;
	}

	/** Suspends the process: time goes on, but nothing runs. What is overdue by then runs in the next {@link pass}. */
	stall(ms: number): void {
		this.now += ms;
	}

	/** How many intervals have not been cleared. */
	get intervals(): number {
		return [...this.#timers.values()].filter(({ kind }) => kind === "interval").length;
	}

	/** How many timers have not fired, intervals included. */
	get pending(): number {
		return this.#timers.size;
	}

	restore(): void {
		for (const spy of this.#spies) spy.mockRestore();
	}

	// --- internal ---

	#add(kind: string, run: () => void, ms: number): number {
		const timer = { due: this.now + ms, run, kind, ...(kind === "interval" && { every: ms }) };
		this.#timers.set(++this.#ids, timer);
		return this.#ids;
	}

	#first(until: number): number | undefined {
		let first: number | undefined;
		let due = until;
		for (const [id, timer] of this.#timers) {
			if (timer.due > due || (timer.due === due && first !== undefined)) continue;
			first = id;
			due = timer.due;
		}
		return first;
	}

	#fire(id: number): void {
		const timer = this.#timers.get(id);
		if (!timer) return;
		this.now = Math.max(this.now, timer.due);
		// As with real intervals, missed runs are not made up for.
		if (timer.every === undefined) this.#timers.delete(id);
		else timer.due = this.now + timer.every;
		timer.run();
	}
}

/** What such a hub shares. */
export const FAR_SERVICES: readonly ServiceState[] = ORIGINAL_SERVICES.map(
	({ portId: port, name, scheme, defaultAddress: address }) => {
		return { port, name, scheme, address, up: true };
	},
);

export interface HubBehaviour {
	/** The id of its run; when not given, its welcome has none. */
	run?: string;
	/** What its welcome lists; {@link FAR_SERVICES} when not given. */
	services?: readonly ServiceState[];
	/** The resume token of its welcome; when not given, it has none, like those of older hubs. */
	token?: string;
	/**
	 * How it answers the hello. "refuses": as the original program does, which has no control stream. "not resumed": it does
	 * not know the token of the hello.
	 */
	says?: "welcome" | "denied" | "nothing" | "refuses" | "not resumed";
	/** What it sends in the same packet as its welcome. */
	also?: Message[];
}

/** A connection to the hub, and the hub at its other end. */
export class FarConnection {
	/** Whether the hub answers pings. */
	answering = true;
	/** When it last did so. */
	answeredAt = 0;
	/** When there was last a path to it; {@link Infinity}: there always is. */
	pathAt = Number.POSITIVE_INFINITY;
	/** Which way its packets go. */
	way: Path | undefined = { kind: "direct", address: "10.0.0.1:1" };
	/** How many streams for services are open. */
	carries = 0;
	/** Why the peer closed it; undefined while it has not. */
	closedWith: string | undefined;
	readonly closed: Promise<string>;
	/** The peer's hello, once it has come. */
	hello: Extract<Message, { type: "hello" }> | undefined;
	/** Called when the hub has just sent its welcome. */
	onWelcome = (): void => {};
	onStuckAbort = () => {};
	#over = Promise.withResolvers<string>();
	#lost: string | undefined;
	#full: Promise<never> | undefined;
	#behaviour: HubBehaviour;
	#controls: FarStream[] = [];

	constructor(behaviour: HubBehaviour = {}) {
		this.#behaviour = behaviour;
		this.closed = this.#over.promise;
	}

	/** The hub sends messages, all in one packet. */
	say(...messages: Message[]): void {
		const bytes = new Uint8Array(Buffer.concat(messages.map(encodeMessage)));
		for (const control of this.#controls) control.arrive(bytes);
	}

	/** The hub sends raw bytes on its control stream. */
	babble(bytes: Uint8Array): void {
		for (const control of this.#controls) control.arrive(bytes);
	}

	/** The connection ends, but not because of the peer. Unless `noticed`, nobody is told until {@link notice}. */
	lose(reason: string, { noticed = true } = {}): void {
		this.#lost = reason;
		if (noticed) this.notice();
	}

	notice(): void {
		this.#over.resolve(this.#lost ?? "");
		for (const control of this.#controls) control.abort();
	}

	/** From now on all streams for services are taken: openStream() waits until giveUp() or rejectWaiting() is called. */
	fill(): { giveUp(): void } {
		const full = Promise.withResolvers<never>();
		full.promise.catch(() => {});
		this.#full = full.promise;
		this.rejectWaiting = () => full.reject(new Aborted("the hub is lost"));
		return { giveUp: () => full.reject(new Aborted("all streams are busy")) };
	}

	// --- what a HubSession calls ---

	get streams(): number {
		return this.carries + this.#controls.filter(({ open }) => open).length;
	}

	streamsOpened = 0;
	rejectWaiting = (): void => {};
	limitIncomingStreams(): void {}
	async acceptStreams(): Promise<void> {}
	abortStream(): void {}

	/** The only sign of life of a hub of the original program. */
	pathlessFor(): number {
		return performance.now() - this.pathAt;
	}

	isOver(): boolean {
		return this.#lost !== undefined;
	}

	/** A stream for a service is a dummy, and does not count as open. */
	async openStream(portId: number, timeoutMs = OPEN_STREAM_MS): Promise<FarStream> {
		if (this.isOver()) throw new Aborted("closed");
		this.streamsOpened++;
		if (portId !== CONTROL_PORT_ID && this.#full)
			return within(timeoutMs, this.#full, () => new Aborted("all streams are busy"));
		if (portId !== CONTROL_PORT_ID) return new FarStream(this, () => {});
		const stream = new FarStream(this, (message) => this.#heard(message));
		this.#controls.push(stream);
		return stream;
	}

	path(): Path | undefined {
		return this.way;
	}

	close(reason: string): void {
		this.closedWith ??= reason;
		this.lose(reason);
	}

	closeSoon(reason: string): void {
		this.close(reason);
	}

	// --- internal ---

	#heard(message: Message): void {
		const { run, token, says = "welcome", services = FAR_SERVICES, also = [] } = this.#behaviour;
		if (message.type === "hello") this.hello = message;
		if (message.type === "ping" && this.answering) {
			this.answeredAt = performance.now();
			this.say({ type: "pong", n: message.n });
		} else if (message.type === "hello" && says === "denied")
			this.say({ type: "denied", reason: "secret", message: "the ticket is not valid" });
		else if (message.type === "hello" && says === "not resumed")
			this.say({ type: "denied", reason: "resume", message: "no such peer has joined" });
		else if (message.type === "hello" && says === "refuses") for (const control of this.#controls) control.refuse();
		else if (message.type === "hello" && says === "welcome") {
			const named = { name: "hub", program: "1", ...(run !== undefined && { run }) };
			const resume = token === undefined ? {} : { resume: token };
			this.say({ type: "welcome", v: 1, ...named, ...resume, services: [...services] }, ...also);
			this.onWelcome();
		}
	}
}

/** Which key a second endpoint has: that of the first one, or another one. */
export type Key = "same" | "new";

/** An endpoint whose connection attempts hang until the test lets them succeed, or until they time out. */
export class FarEndpoint {
	/** When each attempt started, and how long it may take. */
	readonly attempts: { at: number; timeoutMs: number | undefined }[] = [];
	closings = 0;
	/** The immediate outcome of each attempt; when not given, attempts hang. */
	outcome: (() => FarConnection | HivemindError) | undefined;
	#hanging: PromiseWithResolvers<FarConnection>[] = [];

	/** Lets the oldest attempt under way succeed. */
	let(connection: FarConnection): void {
		const attempt = this.#hanging.shift();
		if (!attempt) throw new Error("no attempt is under way");
		attempt.resolve(connection);
	}

	get underWay(): number {
		return this.#hanging.length;
	}

	get asEndpoint(): Endpoint {
		return this as unknown as Endpoint;
	}

	// --- what an Uplink calls ---

	async connect(_hub: unknown, timeoutMs?: number): Promise<FarConnection> {
		this.attempts.push({ at: performance.now(), timeoutMs });
		const outcome = this.outcome?.();
		if (outcome instanceof HivemindError) throw outcome;
		if (outcome) return outcome;
		const attempt = Promise.withResolvers<FarConnection>();
		this.#hanging.push(attempt);
		const timer = setTimeout(() => attempt.reject(unreachable()), timeoutMs);
		try {
			return await attempt.promise;
		} finally {
			clearTimeout(timer);
			this.#hanging = this.#hanging.filter((other) => other !== attempt);
		}
	}

	readonly id = "peer's id";
	/** The hub's relay, if it has one. */
	relay: string | null = null;

	relayTo(): string | null {
		return this.relay;
	}

	secondOptions(_hub: unknown, key: Key): { key: Key } {
		return { key };
	}

	async close(): Promise<void> {
		this.closings++;
		for (const attempt of this.#hanging) attempt.reject(unreachable());
	}
}

export const unreachable = () => new HivemindError("unreachable", "Cannot reach the hub: no answer.");

/** A stream to the hub; if it is the control stream, the hub reads it. */
export class FarStream {
	readonly from: FarConnection;
	open = true;
	answer: QuicStream["answer"] = "pending";
	#lines = new Lines();
	#arrived: (Uint8Array | Error)[] = [];
	#reader: PromiseWithResolvers<Uint8Array> | undefined;
	#onMessage: (message: Message) => void;

	constructor(from: FarConnection, onMessage: (message: Message) => void) {
		this.from = from;
		this.#onMessage = onMessage;
	}

	uncounted(): void {}

	arrive(what: Uint8Array | Error): void {
		if (!this.#reader) this.#arrived.push(what);
		else if (what instanceof Error) this.#reader.reject(what);
		else this.#reader.resolve(what);
		this.#reader = undefined;
	}

	async read(): Promise<Uint8Array> {
		const next = this.#arrived.shift();
		if (next instanceof Error) throw next;
		if (next) return next;
		this.#reader = Promise.withResolvers();
		return this.#reader.promise;
	}

	async write(bytes: Uint8Array): Promise<void> {
		if (!this.open) throw new Aborted("stream lost");
		for (const line of this.#lines.push(bytes)) {
			const message = decodeMessage(line);
			if (message) this.#onMessage(message);
		}
	}

	refuse(): void {
		this.answer = "refused";
		this.arrive(new Aborted("refused by the hub"));
	}

	abort(): void {
		if (!this.open) return;
		this.open = false;
		this.arrive(new Aborted("aborted here"));
	}
}
