// The types of the client's state machine (machine.ts): what happens, what to do, and what is known in between.
import type { ClientMessage, Mood, ServerMessage } from "../messages.ts";
import type { Code } from "./code.ts";
import type { ClientKind } from "./payload.ts";
import type { Spake2 } from "./spake2.ts";

/** Everything random in one exchange, drawn beforehand so that the machine is a pure function. Never used twice. */
export interface Secrets {
	/** Our name in the mailbox: 5 random bytes in hex. */
	side: string;
	/** SPAKE2's x. */
	scalar: bigint;
	/** One 24-byte nonce for each sealed message: `version` and `0`. */
	nonces: readonly [Uint8Array, Uint8Array];
}

/** The hub offers a ticket under a new code; the peer redeems a code. */
export type Setup = {
	appid: string;
	/** The `app_versions` of our `version` message. */
	versions: object;
	secrets: Secrets;
} & ({ role: "offer"; words: string; ticket: string } | { role: "redeem"; code: Code });

/** How an exchange ends. `why` is for the user. */
export type Outcome =
	/**
	 * offer: the other side proved the code and the ticket is in the mailbox. `doubt`: why it may not have read it, for a
	 * text client that was to acknowledge it and did not.
	 */
	| { kind: "taken"; doubt?: string }
	/** redeem: the ticket. */
	| { kind: "ticket"; ticket: string }
	/** The other side has another code, or somebody interferes. */
	| { kind: "wrong code" }
	/** Two others use the nameplate. */
	| { kind: "crowded" }
	/** The server no longer knows the mailbox. */
	| { kind: "forgotten" }
	/** The other side stopped or broke off after it had spent the code. */
	| { kind: "lost"; why: string }
	/** redeem: the code is right, but what came is not a ticket. */
	| { kind: "no ticket"; why: string }
	/** The server does not accept us; asking again would not help. */
	| { kind: "refused"; why: string }
	/** The server reported an error, or sent something malformed. */
	| { kind: "error"; why: string }
	| { kind: "cancelled" };

export type TimerName = "setup" | "exchange" | "close";

export type Event =
	| { type: "connected" }
	| { type: "dropped" }
	| { type: "message"; message: ServerMessage }
	| { type: "stamped"; stamp: string }
	| { type: "timer"; name: TimerName }
	| { type: "cancel" };

export type Effect =
	| { type: "send"; message: ClientMessage }
	/** (Re)starts a timer, or stops it when `ms` is not given. */
	| { type: "timer"; name: TimerName; ms?: number }
	| { type: "hashcash"; bits: number; resource: string }
	| { type: "motd"; text: string }
	/** The code works from now on; also after a reconnection. */
	| { type: "live"; code: string }
	/** The other side's first message is there. */
	| { type: "met" }
	/** Close the socket and connect again. */
	| { type: "hangup"; why: string }
	/** The last effect. */
	| { type: "done"; outcome: Outcome };

/** How far this connection to the server has come. What outlives a connection is beside it in {@link State}. */
export type Connection =
	| { readonly at: "down" | "greeting" | "stamping" }
	/** Bound, with no mailbox open: waiting for the answer to `allocate` or `claim`, or (at the end) for none. */
	| { readonly at: "allocating" | "claiming" | "idle" }
	/**
	 * The mailbox is open. After a reconnection the server first replays what it has: nothing may be added before that
	 * is over. Then the nameplate is claimed again, unless the other side is known.
	 */
	| { readonly at: "replaying" | "reclaiming" | "open"; readonly othersSeen: boolean };

/** A message of ours; whether the server has echoed it on this connection, on an earlier one, or not yet. */
export interface OwnMessage {
	readonly phase: string;
	readonly body: string;
	readonly echo: "none" | "earlier" | "here";
}

export interface State {
	readonly setup: Setup;
	readonly connection: Connection;
	/** The nameplate, once known. `releasing`: asked for on this connection; `released`: confirmed by the server. */
	readonly nameplate: { readonly name: string; readonly use: "held" | "releasing" | "released" } | undefined;
	/** The mailbox behind the nameplate, once the server has named it. */
	readonly mailbox: string | undefined;
	/** Our half of the key exchange, from the moment the code is known. */
	readonly spake: Spake2 | undefined;
	readonly mine: readonly OwnMessage[];
	/** Messages of others, one for each side and phase. */
	readonly theirs: readonly { readonly side: string; readonly phase: string; readonly body: string }[];
	/** The other side, from its pake message on; unverified until its `version` message proves that it has the key. */
	readonly other:
		| { readonly side: string; readonly key: Uint8Array; readonly kind: ClientKind | "unverified" }
		| undefined;
	/** The numeric phase of the other side that comes next. */
	readonly next: number;
	/** redeem: the ticket of a text client, until our acknowledgement is stored. */
	readonly ticket: string | undefined;
	/** Set when the outcome is certain; the mailbox is being closed until `stage` is `done`. */
	readonly ending: { readonly stage: "closing" | "done"; readonly outcome: Outcome; readonly mood: Mood } | undefined;
}

/** A state under construction. Its values are replaced, never changed. */
export type Draft = { -readonly [K in keyof State]: State[K] };

export interface Step {
	state: State;
	effects: Effect[];
}

/** Whether the server has still to answer `allocate` or `claim`. */
export function isAsking({ at }: Connection): boolean {
	return at === "allocating" || at === "claiming" || at === "reclaiming";
}

/** The connection once that answer is there, when nothing else follows from it. */
export function answered(connection: Connection): Connection {
	if (connection.at === "reclaiming") return { ...connection, at: "open" };
	return isAsking(connection) ? { at: "idle" } : connection;
}
