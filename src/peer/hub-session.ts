// One connection to the hub, seen from the peer: the peer's hello, the hub's welcome, and what the hub says afterwards.
import type { Address } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { localMarks } from "../base/local-marks.ts";
import { VERSION } from "../base/version.ts";
import { CONTROL_PORT_ID, CONTROL_VERSION, type Message, type Resume } from "../protocol/control-messages.ts";
import { FRAMED } from "../protocol/stream-header.ts";
import type { Connection } from "../transport/connection.ts";
import { ControlChannel } from "../transport/control-channel.ts";
import { HELLO_MS } from "../transport/limits.ts";
import { type Path, type PathChange, PathWatch } from "../transport/path-watch.ts";
import type { QuicStream } from "../transport/stream.ts";
import { NotShared } from "./failed-connections.ts";
import { type HubService, originalHubServices, updatedServices, welcomedServices } from "./hub-services.ts";

/** What a hub says about itself. */
export type HubInfo = Pick<HubSession, "name" | "lasting">;

export interface Introduction {
	/** The peer's name. */
	name: string;
	/** The ticket's secret; undefined for an open hub or one of the original program. */
	secret: string | undefined;
	/** Where the peer listens just now: a hub on the same machine must not take these for its services. */
	listening?: () => readonly Address[];
	/** Whether streams may be compressed, if the hub can do it. True when not given. */
	compress?: boolean;
	/** On a connection with another key: the peer that it was, which an earlier welcome has given a token for. */
	resume?: Resume;
}

/** The hub does not know the token: it was restarted since, and this peer has to come with its own key. */
export class NotResumed extends Error {
	constructor() {
		super("The hub was restarted: it does not know this peer by another key.");
	}
}

/** Called for what the hub says after its welcome. By then the session has what came together with the welcome. */
export interface SessionEvents {
	/** The hub is about to end. */
	onBye(session: HubSession): void;
	onServices(session: HubSession): void;
}

export class HubSession {
	readonly connection: Connection;
	/** The hub's name; undefined at a hub of the original program. */
	name: string | undefined;
	/** Whether the hub's ticket works after a restart; undefined if it has not said so. */
	lasting: boolean | undefined;
	/** The hub's services. Which these are does not change; whether they are up does. */
	services: readonly HubService[] = originalHubServices();
	/** The id of the hub's run, if it names one: a connection to an earlier run has nobody at its other end. */
	run: string | undefined;
	/** With it a connection with another key counts as this peer's; undefined if the hub knows no such thing. */
	token: string | undefined;
	/** Why the hub is about to end, once it has said so: what runs may finish, but nothing new begins. */
	goodbye: string | undefined;
	/** Whether streams have their data in frames: both sides have said so. */
	#frames = false;
	#control: ControlChannel | undefined;
	#paths: PathWatch | undefined;
	/** The marks of addresses that the hub was told of last. */
	#listens: readonly string[] = [];

	constructor(connection: Connection) {
		this.connection = connection;
		// A hub opens no streams, but the TLS handshake has granted it some, and unread ones would hold memory.
		connection.limitIncomingStreams(0);
		void connection.acceptStreams((stream) => stream.abort());
	}

	/** Milliseconds since the hub last answered a ping; where it has no control stream, since a path last led to it. */
	silentFor(): number {
		return this.#control?.unansweredFor() ?? this.connection.pathlessFor();
	}

	/** The path in use. From now on {@link pathChange} tells what becomes of it. */
	watchPath(): Path | undefined {
		const path = this.connection.path();
		this.#paths = new PathWatch(path);
		return path;
	}

	/** The path in use and its round-trip time in milliseconds, as far as they are known. */
	wayNow(): { path: Path | undefined; rttMs: number | undefined } {
		return { path: this.connection.path(), rttMs: this.connection.rttMs() };
	}

	/** Whether it has another path by now: call it regularly. */
	pathChange(): PathChange | undefined {
		return this.#paths?.look(this.connection.path(), performance.now());
	}

	/** How many streams are open besides the control stream. */
	get running(): number {
		return Math.max(0, this.connection.streams - (this.#control ? 1 : 0));
	}

	/**
	 * Opens a stream for a service of this hub. @throws NotShared when it has none of this name, and Aborted as
	 * {@link Connection.openStream} does
	 */
	async openStream(service: string, timeoutMs: number): Promise<QuicStream> {
		const portId = this.services.find(({ name }) => name === service)?.portId;
		if (portId === undefined) throw new NotShared();
		return this.connection.openStream(this.#frames ? portId | FRAMED : portId, timeoutMs);
	}

	/** Says goodbye, if the hub listens. */
	bye(reason: string): void {
		this.#control?.send({ type: "bye", reason });
	}

	/** Tells the hub where the peer listens, if it does not know that yet. */
	tellListening(addresses: readonly Address[]): void {
		const listens = this.#marks(addresses);
		if (listens.join() === this.#listens.join()) return;
		this.#listens = listens;
		this.#control?.send({ type: "listens", listens });
	}

	/**
	 * Introduces the peer. Resolves when the hub has welcomed it, or has no control stream and needs no secret.
	 * @throws HivemindError `denied`, or `unreachable` when the hub does not answer within {@link HELLO_MS}; NotResumed
	 */
	async introduce(introduction: Introduction, events: SessionEvents): Promise<void> {
		const { name, secret, listening = () => [], compress = true, resume } = introduction;
		const stream = await this.connection.openStream(CONTROL_PORT_ID).catch(async (error: unknown) => {
			throw await this.#unanswered(error);
		});
		const answer = Promise.withResolvers<Answer>();
		const onMessage = (message: Message) => {
			if (message.type === "welcome") {
				// Set before anything else is read: newer messages may be in the same packet.
				control.startSession();
				this.name = message.name;
				this.lasting = message.lasting;
				this.services = welcomedServices(message.services);
				this.run = message.run;
				this.token = message.resume;
				this.#frames = compress && message.zstd === true;
				answer.resolve(message);
			} else if (message.type === "denied") answer.resolve(message);
			else if (message.type === "services") {
				this.services = updatedServices(this.services, message.services);
				events.onServices(this);
			} else if (message.type === "bye") {
				this.goodbye ??= message.reason;
				events.onBye(this);
			} else if (message.type === "reset") this.connection.abortStream(message.stream);
		};
		const control = new ControlChannel(stream, { remote: "hub", connection: this.connection, onMessage });
		const listens = this.#marks(listening());
		this.#listens = listens;
		control.send({
			type: "hello",
			v: CONTROL_VERSION,
			name,
			program: VERSION,
			...(secret !== undefined && { secret }),
			...(listens.length > 0 && { listens }),
			...(resume && { resume }),
			...(compress && { zstd: true }),
		});
		const timer = setTimeout(() => control.close(), HELLO_MS);
		const said = await Promise.race([answer.promise, control.ended.then(() => undefined)]);
		clearTimeout(timer);
		if (said?.type === "denied") throw resume && said.reason === "resume" ? new NotResumed() : new Denied(said, secret);
		if (said) {
			this.#control = control;
			this.connection.onStuckAbort = (id) => control.send({ type: "reset", stream: id });
			void control.ended.then((broken) => this.connection.closeSoon(broken ?? "the control stream ended"));
			return;
		}
		control.close();
		// A hub of the original program refuses this port id; a ticket with a secret never leads to one.
		if (secret === undefined && stream.answer === "refused") return;
		throw await this.#unanswered();
	}

	// --- internal ---

	#marks(addresses: readonly Address[]): string[] {
		return addresses.flatMap((address) => localMarks(address, this.connection.id));
	}

	async #unanswered(cause?: unknown): Promise<HivemindError> {
		if (this.connection.isOver()) {
			const reason = await this.connection.closed;
			return new HivemindError("unreachable", `The hub closed the connection before admitting this peer: ${reason}.`, {
				hint: "Try again, or look at the hub's screen.",
				cause,
			});
		}
		return new HivemindError("unreachable", "The hub did not answer this peer's hello.", {
			hint: "It may be overloaded, or run another version.",
			cause,
		});
	}
}

/** The hub has turned this peer away. */
export class Denied extends HivemindError {
	/** Whether the ticket is the reason, and another one may help. */
	readonly oldTicket: boolean;

	constructor({ reason, message }: Extract<Answer, { type: "denied" }>, secret: string | undefined) {
		const cut = reason === "secret" && secret === undefined;
		const other = Object.hasOwn(DENIAL_HINTS, reason) ? DENIAL_HINTS[reason] : undefined;
		const hint = cut ? CUT_TICKET : (other ?? "Ask for a new ticket or join code.");
		super("denied", `The hub denied access: ${message}.`, { hint });
		this.oldTicket = other === undefined;
	}
}

// --- internal ---

type Answer = Extract<Message, { type: "welcome" | "denied" }>;

const CUT_TICKET =
	"This ticket has no secret after a dot, and the hub requires one: copy the whole line after 'Ticket:' from its screen.";

/** What to do, by the reasons of PROTOCOL.md. */
const DENIAL_HINTS: Record<string, string> = {
	id: "Tell its owner your public id ('hivemind-p2p identity FILE' prints it), and join with --identity FILE.",
	full: "Try again when another peer has left; one that crashed counts for up to 45 s.",
	once: "Its owner has to restart it to admit another peer.",
	rate: "If your ticket is an old one, ask for a new one in the meantime.",
	version: "Install the same version on both sides.",
};
