// One connection to the hub, seen from the peer: the hello, the hub's welcome, and what it tells afterwards.
// Called by uplink.ts; calls connection, link.

import { HivemindError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { CONTROL_PORT_ID, CONTROL_VERSION, type Message, type ServiceState } from "../protocol/control-messages.ts";
import type { Connection } from "../transport/connection.ts";
import { ControlChannel } from "../transport/control-channel.ts";
import { HELLO_MS } from "../transport/limits.ts";

export interface Introduction {
	/** The peer's name. */
	name: string;
	/** The ticket's secret; undefined for an open hub or one of the original program. */
	secret: string | undefined;
}

export interface SessionEvents {
	/** The hub is going: it said so. What it says together with its welcome stands in the session already. */
	onBye(session: HubSession): void;
	onServices(session: HubSession): void;
}

export class HubSession {
	readonly connection: Connection;
	/** The hub's services; empty at a hub of the original program. */
	services: ServiceState[] = [];
	/** The hub's run; undefined where it does not say. Connections of another run have nobody at the other end. */
	run: string | undefined;
	/** Why the hub goes, if it has said so: what runs may finish, nothing new begins here. */
	goodbye: string | undefined;
	#link: ControlChannel | undefined;

	constructor(connection: Connection) {
		this.connection = connection;
		// A hub opens none; what the handshake has granted all the same is not let lie.
		connection.limitIncomingStreams(0);
		void connection.acceptStreams((stream) => stream.abort());
	}

	/** Milliseconds since the hub's last answer; one that has no control stream is as silent as its path is gone. */
	silentFor(): number {
		return this.#link?.unansweredFor() ?? this.connection.pathlessFor();
	}

	/** How many streams are open besides the control stream. */
	get running(): number {
		return Math.max(0, this.connection.streams - (this.#link ? 1 : 0));
	}

	/** Says goodbye, if the hub listens. */
	bye(reason: string): void {
		this.#link?.send({ type: "bye", reason });
	}

	/**
	 * Introduces us. Resolves when the hub has welcomed us, or knows no control stream and needs no secret.
	 * @throws HivemindError `denied`, or `unreachable` when it does not answer
	 */
	async introduce({ name, secret }: Introduction, events: SessionEvents): Promise<void> {
		const stream = await this.connection.openStream(CONTROL_PORT_ID).catch(async (error: unknown) => {
			throw await this.#unanswered(error);
		});
		const answer = Promise.withResolvers<Answer>();
		const link = new ControlChannel(stream, (message) => {
			if (message.type === "welcome") {
				// Not a moment later: more may have come with it.
				this.services = message.services;
				this.run = message.run;
				answer.resolve(message);
			} else if (message.type === "denied") answer.resolve(message);
			else if (message.type === "services") {
				this.services = message.services;
				events.onServices(this);
			} else if (message.type === "bye") {
				this.goodbye ??= message.reason;
				events.onBye(this);
			} else if (message.type === "reset") this.connection.abortStream(message.stream);
		});
		link.send({ type: "hello", v: CONTROL_VERSION, name, program: VERSION, ...(secret !== undefined && { secret }) });
		const timer = setTimeout(() => link.close(), HELLO_MS);
		const said = await Promise.race([answer.promise, link.ended.then(() => undefined)]);
		clearTimeout(timer);
		if (said?.type === "denied") {
			const cut = said.reason === "secret" && secret === undefined;
			throw new HivemindError("denied", `The hub does not let us in: ${said.message}.`, {
				hint: cut ? CUT_TICKET : (DENIAL_HINTS[said.reason] ?? "Ask for a new ticket or join code."),
			});
		}
		if (said) {
			this.#link = link;
			this.connection.onStuckAbort = (id) => link.send({ type: "reset", stream: id });
			link.startPings();
			void link.ended.then((broken) => this.connection.closeSoon(broken ?? "the control stream ended"));
			return;
		}
		// A hub of the original program refuses the port id. A ticket with a secret never leads to one.
		link.close();
		if (secret === undefined && stream.refused) return;
		throw await this.#unanswered();
	}

	// --- internal ---

	async #unanswered(cause?: unknown): Promise<HivemindError> {
		if (this.connection.isOver()) {
			const reason = await this.connection.closed;
			return new HivemindError("unreachable", `The hub ended the connection before it let us in: ${reason}.`, {
				hint: "Try again, or look at the hub's screen.",
				cause,
			});
		}
		return new HivemindError("unreachable", "The hub does not answer to our hello.", {
			hint: "It may be overloaded, or of another version.",
			cause,
		});
	}
}

// --- internal ---

type Answer = Extract<Message, { type: "welcome" | "denied" }>;

const CUT_TICKET =
	"This ticket has nothing behind a dot, and the hub wants that: copy the whole line after 'Ticket:' from its screen.";

/** What to do, by PROTOCOL.md's reasons. */
const DENIAL_HINTS: Record<string, string> = {
	id: "Tell its owner your public id ('hivemind-p2p identity FILE' prints it), and join with --identity FILE.",
	full: "Try again when somebody has left; one that crashed counts for up to 45 s.",
	once: "Its owner has to start it again for another peer.",
	rate: "If the ticket is an old one, ask for a new one meanwhile.",
	version: "Install the same version on both sides.",
};
