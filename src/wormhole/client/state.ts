// The types of the client's state machine. Used by machine.ts, exchange.ts, farewell.ts and what drives them.

import type { ClientMessage, Mood, ServerMessage } from "../messages.ts";
import type { Code } from "./code.ts";
import type { Spake2 } from "./spake2.ts";

/** Everything random in one exchange, drawn beforehand so that the machine is a function. Never used twice. */
export interface Secrets {
	/** Our name in the mailbox: 5 random bytes in hex. */
	side: string;
	/** SPAKE2's x. */
	scalar: bigint;
	/** One 24-byte nonce for each sealed message: `version` and `0`. */
	nonces: readonly [Uint8Array, Uint8Array];
}

/** What our `version` message says we are: ours, or a plain text client as Python's and Go's (in tests). */
export type Announce = "hivemind-p2p" | "nothing";

/** The hub offers a ticket under a new code; the peer redeems a code. */
export type Setup = { appid: string; secrets: Secrets; announce: Announce } & (
	| { role: "offer"; words: string; ticket: string }
	| { role: "redeem"; code: Code }
);

/** How an exchange ends. `why` is for the person at the keyboard. */
export type Outcome =
	/** offer: the other side proved the code and the ticket is in the mailbox (a text client has acknowledged it). */
	| { kind: "taken" }
	/** redeem: here it is. */
	| { kind: "ticket"; ticket: string }
	/** The other side knows another code, or somebody interferes. */
	| { kind: "wrong code" }
	/** Two others use the nameplate. */
	| { kind: "crowded" }
	/** The server no longer knows the mailbox. */
	| { kind: "forgotten" }
	/** The other side fell silent or broke off, after it had spent the code. */
	| { kind: "lost"; why: string }
	/** redeem: the code is right, what came is no ticket. */
	| { kind: "no ticket"; why: string }
	/** The server does not let us in; asking again would not help. */
	| { kind: "refused"; why: string }
	/** The server reported an error, or makes no sense. */
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
	/** The code works from now on, also again after a reconnection. */
	| { type: "live"; code: string }
	/** Somebody else is in the mailbox. */
	| { type: "met" }
	/** Close the socket and connect again. */
	| { type: "hangup"; why: string }
	/** The last effect. */
	| { type: "done"; outcome: Outcome };

/** A message of ours: `echoed` on this connection; `stored` once the server has had it. */
export interface Own {
	readonly phase: string;
	readonly body: string;
	readonly echoed: boolean;
	readonly stored: boolean;
}

export interface State {
	readonly setup: Setup;
	readonly link: "down" | "greeting" | "stamping" | "bound";
	/** What the server has still to answer on this connection. */
	readonly asked: "allocate" | "claim" | undefined;
	/** On this connection: the mailbox is open; */
	readonly open: boolean;
	/** its replay is over, so that we may add; */
	readonly checked: boolean;
	/** a message of somebody else came out of it; */
	readonly present: boolean;
	/** the nameplate was given back. */
	readonly releasing: boolean;
	readonly nameplate: string | undefined;
	readonly mailbox: string | undefined;
	/** The server has confirmed the release. */
	readonly released: boolean;
	/** From the moment the code is known. */
	readonly spake: Spake2 | undefined;
	readonly mine: readonly Own[];
	/** Messages of others, one for each side and phase. */
	readonly heard: readonly { readonly side: string; readonly phase: string; readonly body: string }[];
	/** The other side, from its pake message on; `textClient` from its version message on. */
	readonly other:
		| { readonly side: string; readonly key: Uint8Array; readonly textClient: boolean | undefined }
		| undefined;
	/** The numeric phase of the other side that comes next. */
	readonly next: number;
	/** redeem: the ticket of a text hub, until our acknowledgement is stored. */
	readonly ticket: string | undefined;
	readonly ending: { readonly outcome: Outcome; readonly mood: Mood } | undefined;
	readonly done: boolean;
}

/** A state under construction. Its values are replaced, never changed. */
export type Draft = { -readonly [K in keyof State]: State[K] };

export interface Step {
	state: State;
	effects: Effect[];
}
