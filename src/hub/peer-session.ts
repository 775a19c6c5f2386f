// One connection at the hub, from its first stream to its end. peer-state.ts decides what the peer may do; this file
// owns the streams and timers, and does it. An unexpected exception ends its stream or this connection, and nothing else.

import { whileAwake } from "../base/timers.ts";
import { CONTROL_PORT_ID, type Message } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import { ControlChannel } from "../transport/control-channel.ts";
import { HELLO_MS } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { Denial } from "./admission.ts";
import { limitBytes } from "./byte-limit.ts";
import type { PeerLabel } from "./events.ts";
import { type HubSide, INTERNAL_ERROR } from "./hub-side.ts";
import { ANSWER_HOLD_MS, GONE_MS, HUB_SILENCE_MS, LEAVING_MS, PENDING_STREAMS_MAX } from "./limits.ts";
import * as peerState from "./peer-state.ts";
import { PeerWatch } from "./peer-watch.ts";
import { readHeader } from "./read-header.ts";

export class PeerSession {
	readonly connection: Connection;
	/** The peer's public id: that of its connection, unless it has proved that it is a peer with another one. */
	id: string;
	/** Where it listens, as it last said: see LoopGuard. */
	marks: readonly string[] = [];
	readonly #hub: HubSide<PeerSession>;
	#state: peerState.PeerState = { phase: "new" };
	/** With which it was admitted. */
	#hello: peerState.Hello | undefined;
	#control: ControlChannel | undefined;
	#watch: PeerWatch | undefined;
	readonly #helloTimer: Timer;
	/** Called once the peer is admitted. */
	readonly #endByteLimit: () => void;
	#silenceTimer: Timer | undefined;
	#leaveTimer: Timer | undefined;

	constructor(connection: Connection, hub: HubSide<PeerSession>) {
		this.connection = connection;
		this.id = connection.id;
		this.#hub = hub;
		this.#helloTimer = setTimeout(() => void this.#guarded(() => this.#step({ type: "timeout" })), HELLO_MS);
		this.#endByteLimit = limitBytes(connection, (reason) => this.#brokeProtocol(reason));
		void connection.closed.then((reason) => void this.#guarded(() => this.#closed(reason)));
		void connection.acceptStreams((stream) => void this.#stream(stream));
	}

	get peer(): PeerLabel {
		return { id: this.id, name: this.#hello?.name || undefined };
	}

	/** Whether the peer was admitted, and its connection is not over. */
	get admitted(): boolean {
		return peerState.isAdmitted(this.#state);
	}

	/** Admitted, and it has not said goodbye. */
	get staying(): boolean {
		return peerState.isStaying(this.#state);
	}

	get silent(): boolean {
		return (this.#control?.unansweredFor() ?? 0) > GONE_MS;
	}

	/** Whether it answers, and has streams besides the control stream, or comes through a relay. */
	get inUse(): boolean {
		const { staying, silent, connection } = this;
		return staying && !silent && (connection.streams > (this.#control ? 1 : 0) || connection.path()?.kind === "relay");
	}

	/** Tells the peer, if it listens. */
	tell(message: Message): void {
		if (peerState.isListening(this.#state)) this.#control?.send(message);
	}

	/** The hub is stopping: running transfers may finish. A peer that does not listen is told by its connection's end. */
	dismiss(reason: string): void {
		if (peerState.isListening(this.#state)) this.tell({ type: "bye", reason });
		else if (!peerState.isServed(this.#state)) this.connection.close(reason);
	}

	// --- internal ---

	#step(input: peerState.PeerInput): void {
		const { state, actions } = peerState.transition(this.#state, input, this.#hub.open);
		this.#state = state;
		for (const action of actions) this.#do(action);
	}

	#do(action: peerState.PeerAction): void {
		switch (action.type) {
			case "decide":
				this.#decide(action.hello);
				break;
			case "enter":
				this.#enter();
				break;
			case "prepare":
				void this.#guarded(async () => this.#step({ type: "prepared", welcome: await this.#hub.welcome(this.id) }));
				break;
			case "welcome":
				this.#welcome(action.welcome);
				break;
			case "deny":
				this.#deny(action.denial);
				break;
			case "close":
				this.connection.close(action.reason);
				break;
			case "leave":
				this.#hub.onEvent(this, { type: "left", reason: action.reason });
		}
	}

	#enter(): void {
		clearTimeout(this.#helloTimer);
		this.#endByteLimit();
		// A peer of the original program answers no pings: only its path shows whether it is alive.
		if (!this.#control) this.#watchSilence(() => this.connection.pathlessFor());
		const path = this.connection.path();
		this.#watch = new PeerWatch(path);
		this.#hub.onEvent(this, { type: "entered", path });
	}

	#deny({ reason, message }: Denial): void {
		this.#hub.onEvent(this, { type: "denied", peer: this.peer, reason, message });
		this.#control?.send({ type: "denied", reason, message });
		this.connection.closeSoon(`denied: ${message}`);
	}

	#decide(hello: peerState.Hello | undefined): void {
		// What a connection has received can still be read after its end.
		if (this.connection.isOver()) return;
		const verdict = this.#hub.admit(this.id, hello);
		if ("id" in verdict) {
			this.id = verdict.id;
			this.#hello = hello;
			this.marks = hello?.listens ?? [];
		}
		this.#step("id" in verdict ? { type: "admitted" } : { type: "denied", denial: verdict });
	}

	#welcome(welcome: peerState.Welcome): void {
		const control = this.#control as ControlChannel;
		control.send(welcome);
		control.startSession();
		this.#watchSilence(() => control.unansweredFor());
	}

	/** One stream's life. Never rejects. */
	async #stream(stream: QuicStream): Promise<void> {
		try {
			await this.#answer(stream);
		} catch (error) {
			stream.abort();
			this.#hub.onEvent(this, { type: "bug", where: "stream", error });
		}
	}

	async #answer(stream: QuicStream): Promise<void> {
		const { quota, open, compress } = this.#hub;
		// The transport has granted a hundred streams, and cannot take them back (docs/binding-notes.md, "Streams").
		const early = peerState.isLimited(this.#state, open) && this.connection.streams > PENDING_STREAMS_MAX;
		const tooMany = early ? "early" : quota.hold(this.id, stream.closed) ? undefined : "quota";
		if (tooMany) {
			this.#refused(tooMany);
			return early ? stream.abort() : stream.refuse();
		}
		const portId = await readHeader(stream);
		if (portId === "gone" || this.#state.phase === "closed") return stream.abort();
		if (portId === CONTROL_PORT_ID && peerState.awaitsControl(this.#state)) {
			return this.#guarded(() => this.#controlStream(stream));
		}
		if (portId !== CONTROL_PORT_ID && portId !== undefined) this.#step({ type: "service" });
		if (portId === CONTROL_PORT_ID || !peerState.isServed(this.#state)) {
			if (portId !== undefined) this.#refused("unwelcomed");
			return stream.refuse();
		}
		const frames = compress && this.#hello?.zstd === true;
		await this.#hub.serve({ portId, frames, stream, peer: this.peer, holdMs: this.#control ? ANSWER_HOLD_MS : 0 });
	}

	#refused(why: "early" | "quota" | "unwelcomed"): void {
		this.#hub.onEvent(this, { type: "stream_refused", peer: this.peer, admitted: this.admitted, why });
	}

	#brokeProtocol(reason: string): void {
		this.#hub.onEvent(this, { type: "protocol_error", peer: this.peer, admitted: this.admitted, reason });
	}

	async #controlStream(stream: QuicStream): Promise<void> {
		this.#step({ type: "control" });
		stream.accept(0);
		const onMessage = (message: Message) => void this.#guarded(() => this.#message(message));
		const control = new ControlChannel(stream, { remote: "peer", connection: this.connection, onMessage });
		this.#control = control;
		if (this.#state.phase === "closed") control.close();
		this.connection.onStuckAbort = (id) => control.send({ type: "reset", stream: id });
		const reason = await control.ended;
		if (reason !== undefined) this.#brokeProtocol(reason);
		// Without its control stream nobody can tell whether the peer is alive.
		this.connection.closeSoon(reason ?? "the control stream ended");
	}

	#message(message: Message): void {
		if (message.type === "hello") this.#step({ type: "hello", hello: message });
		else if (message.type === "reset") this.connection.abortStream(message.stream);
		else if (message.type === "listens") this.#hub.onEvent(this, message);
		else if (message.type === "bye") {
			this.#step({ type: "bye", reason: message.reason });
			if (this.#state.phase !== "leaving") return;
			this.#leaveTimer ??= setTimeout(() => this.connection.close("it has said goodbye"), LEAVING_MS);
		}
	}

	/** Looks at it from now on, and closes the connection when the other side has been silent for too long. */
	#watchSilence(silentFor: () => number): void {
		clearInterval(this.#silenceTimer);
		const look = () => {
			if (silentFor() > HUB_SILENCE_MS) this.connection.close(`silent for ${HUB_SILENCE_MS / 1000} s`);
			const news = this.staying && this.#watch?.look(this.connection.path(), this.silent, performance.now());
			if (news === "relay_silent") this.#hub.onEvent(this, { type: news });
			else if (news) this.#hub.onEvent(this, { type: "path", peer: this.peer, ...news });
		};
		this.#silenceTimer = whileAwake(1000, () => void this.#guarded(look));
	}

	#closed(reason: string): void {
		clearTimeout(this.#helloTimer);
		this.#endByteLimit();
		clearInterval(this.#silenceTimer);
		clearTimeout(this.#leaveTimer);
		this.#control?.close();
		try {
			this.#step({ type: "closed", reason });
		} finally {
			this.#hub.onEvent(this, { type: "closed" });
		}
	}

	/** Runs work of this connection at once; an exception is a bug and ends the connection. Never rejects. */
	async #guarded(work: () => void | Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			this.#hub.onEvent(this, { type: "bug", where: "connection", error });
			this.connection.close(INTERNAL_ERROR);
		}
	}
}
