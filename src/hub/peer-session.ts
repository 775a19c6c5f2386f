// One peer's connection at the hub: its hello, the decision, and from then on its service streams.
// Called by hub.ts for each connection; calls admission, link, and through its host serve.

import { log, talk } from "../base/output.ts";
import { whileAwake } from "../base/timers.ts";
import { VERSION } from "../base/version.ts";
import { Aborted } from "../forward/duplex.ts";
import {
	CONTROL_PORT_ID,
	CONTROL_VERSION,
	type DenialReason,
	type Message,
	type ServiceState,
} from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import { ControlChannel } from "../transport/control-channel.ts";
import { HELLO_MS } from "../transport/limits.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { Admission } from "./admission.ts";
import { HEADER_MS, HUB_SILENCE_MS, LEAVING_MS, STRANGER_STREAMS } from "./limits.ts";

/** What a guest needs of its hub. */
export interface Host {
	readonly name: string;
	/** This run of the hub, as no other is called. */
	readonly run: string;
	readonly admission: Admission;
	/** Ids that are in. */
	connected(): ReadonlySet<string>;
	/** Whether the same peer is in by another connection, and stays. */
	hasAnother(guest: PeerSession): boolean;
	services(): Promise<ServiceState[]>;
	/** Counts the stream until it is closed; false when there are too many of them. */
	counts(stream: QuicStream, id: string): boolean;
	/** The guest is in; from now on it counts. */
	entered(guest: PeerSession): void;
	/** Dials the service and bridges, or refuses. Never rejects. */
	serve(portId: number | undefined, stream: QuicStream, from: string): Promise<void>;
	/** A line for the log, or for the screen, at most one a second for each key. */
	complain(key: string, text: string, where?: "log" | "screen"): void;
}

export class PeerSession {
	readonly connection: Connection;
	/** "'my-peer' (1a2b3c4d5e)", or only the id of one that does not introduce itself. */
	name: string;
	/** It is in: welcomed, or let in without a word by an open hub. */
	inside = false;
	/** It has said goodbye. */
	leaving = false;
	#host: Host;
	#link: ControlChannel | undefined;
	/** It has opened a control stream; there is one at most. */
	#introducing = false;
	#welcomed = false;
	#denied = false;
	#over = false;
	#helloTimer: Timer;
	#silenceTimer: Timer | undefined;
	#leaveTimer: Timer | undefined;

	constructor(connection: Connection, host: Host) {
		this.connection = connection;
		this.name = connection.remote;
		this.#host = host;
		this.#helloTimer = setTimeout(() => this.#helloIsLate(), HELLO_MS);
		void connection.closed.then(() => {
			this.#over = true;
			clearTimeout(this.#helloTimer);
			clearInterval(this.#silenceTimer);
			clearTimeout(this.#leaveTimer);
			this.#link?.close();
		});
		void connection.acceptStreams((stream) => void this.#accept(stream));
	}

	/** Tells the peer, if it listens. */
	tell(message: Message): void {
		// Nothing before the welcome, which carries the same.
		if (this.#welcomed) this.#link?.send(message);
	}

	/** The hub goes: what runs may finish. Whoever is not in, or not yet welcomed, is told by its connection's end. */
	dismiss(reason: string): void {
		if (this.#welcomed) this.tell({ type: "bye", reason });
		else if (!this.inside || this.#introducing) this.connection.close(reason);
	}

	// --- internal ---

	/** One stream's life. Never rejects: whatever happens to it, the others go on. */
	async #accept(stream: QuicStream): Promise<void> {
		if (this.#tooEarly() && this.connection.streams > STRANGER_STREAMS) {
			this.#complain(`Reset a stream of ${this.name}: too many before its welcome.`);
			return stream.abort();
		}
		if (!this.#host.counts(stream, this.connection.id)) {
			this.#complain(`Refused a stream of ${this.name}: too many streams.`);
			return stream.refuse();
		}
		const portId = await header(stream);
		if (portId === "gone") return stream.abort();
		if (portId === CONTROL_PORT_ID && !this.#introducing) return this.#control(stream);
		if (!this.inside && this.#mayBeOriginal() && portId !== undefined && portId !== CONTROL_PORT_ID) {
			this.#decide(undefined, undefined);
		}
		// One that has said hello waits for its welcome.
		if (!this.inside || (this.#introducing && !this.#welcomed) || portId === CONTROL_PORT_ID) {
			if (portId !== undefined) this.#complain(`Refused a stream of ${this.name}: it has not been welcomed.`);
			return stream.refuse();
		}
		await this.#host.serve(portId, stream, this.name);
	}

	/** A peer of the original program has no hello; an open hub lets it in without. */
	#mayBeOriginal(): boolean {
		return this.#host.admission.policy.secret === undefined && !this.#introducing;
	}

	/** The handshake has granted it a hundred streams, which can't be taken back (measured). */
	#tooEarly(): boolean {
		return !this.inside && !this.#mayBeOriginal();
	}

	#helloIsLate(): void {
		if (this.inside) return;
		if (this.#mayBeOriginal()) this.#decide(undefined, undefined);
		else this.connection.close("no valid hello in time");
	}

	async #control(stream: QuicStream): Promise<void> {
		this.#introducing = true;
		try {
			await stream.accept();
		} catch {
			// Its end is seen below.
		}
		const link = new ControlChannel(stream, (message) => this.#message(message));
		this.#link = link;
		if (this.#over) link.close();
		this.connection.onStuckAbort = (id) => link.send({ type: "reset", stream: id });
		const broken = await link.ended;
		if (broken !== undefined) this.#complain(`${this.name} broke the protocol: ${broken}.`);
		// Without its control stream nobody can say whether it lives.
		this.connection.closeSoon(broken ?? "the control stream ended");
	}

	#message(message: Message): void {
		if (message.type === "hello") void this.#hello(message);
		else if (message.type === "reset") this.connection.abortStream(message.stream);
		else if (message.type === "bye" && this.inside && !this.leaving) {
			this.leaving = true;
			// One of several connections is not the peer.
			if (this.#host.hasAnother(this)) log.debug(`A connection of ${this.name} ends: ${message.reason}.`);
			else talk(`Peer ${this.name} left: ${message.reason}.`);
			// What it opened just before may come after its goodbye, and is served.
			this.#leaveTimer = setTimeout(() => this.connection.close("it has said goodbye"), LEAVING_MS);
		}
	}

	async #hello(hello: Extract<Message, { type: "hello" }>): Promise<void> {
		if (this.#welcomed || this.#denied) return;
		const link = this.#link as ControlChannel;
		if (hello.v < 1) return this.#deny(link, "version", "it speaks no version that this hub knows");
		// Somebody whose hello is late is in already at an open hub.
		if (!this.inside && !this.#decide(hello.name, hello.secret)) return;
		const services = await this.#host.services();
		if (this.#over || this.#welcomed) return;
		this.#welcomed = true;
		const { name, run } = this.#host;
		link.send({ type: "welcome", v: CONTROL_VERSION, name, program: VERSION, run, services });
		link.startPings();
		this.#watchSilence(() => link.unansweredFor());
	}

	#decide(name: string | undefined, secret: string | undefined): boolean {
		const { admission } = this.#host;
		// What a connection has brought can be read when it is over.
		if (this.#denied || this.connection.isOver()) return false;
		const denial = admission.decide(this.connection.id, secret, this.#host.connected(), Date.now());
		if (denial) {
			this.#deny(this.#link, denial.reason, denial.message);
			return false;
		}
		// Nobody can end the quotes and go on as somebody else.
		if (name) this.name = `'${name.replaceAll("'", "’")}' (${this.connection.remote})`;
		this.inside = true;
		clearTimeout(this.#helloTimer);
		// A peer of the original program answers nothing.
		if (!this.#introducing) this.#watchSilence(() => this.connection.pathlessFor());
		this.#host.entered(this);
		const text = `Peer ${this.name} connected (${this.connection.path()}).`;
		// A second connection of one that is in is no second peer.
		if (this.#host.hasAnother(this)) log.info(text);
		else talk(text);
		return true;
	}

	/** At most one line a second for each peer that is in, and one for all others together. */
	#complain(text: string): void {
		this.#host.complain(this.inside ? this.name : "strangers", text);
	}

	/** Closes the connection when the other side has been silent for too long, by its answers to our pings. */
	#watchSilence(silentFor: () => number): void {
		clearInterval(this.#silenceTimer);
		this.#silenceTimer = whileAwake(1000, () => {
			if (silentFor() > HUB_SILENCE_MS) this.connection.close(`silent for ${HUB_SILENCE_MS / 1000} s`);
		});
	}

	#deny(link: ControlChannel | undefined, reason: string, message: string): void {
		this.#denied = true;
		// Somebody with a ticket stands at the door: its owner wants to know. Of strangers, the log.
		const invited = INVITED.includes(reason);
		this.#host.complain(`denied: ${reason}`, `Denied ${this.name}: ${message}.`, invited ? "screen" : "log");
		link?.send({ type: "denied", reason, message });
		this.connection.closeSoon(`denied: ${message}`);
	}
}

/** Reasons that only a peer hears who knew the secret. */
const INVITED: readonly string[] = ["id", "full", "once", "expired"] satisfies DenialReason[];

/** The port id, undefined when no valid header came in time, or "gone" when the peer took the stream back. */
async function header(stream: QuicStream): Promise<number | "gone" | undefined> {
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		stream.cancel();
	}, HEADER_MS);
	try {
		return await stream.readHeader();
	} catch (error) {
		if (!(error instanceof Aborted)) throw error;
		return late ? undefined : "gone";
	} finally {
		clearTimeout(timer);
	}
}
