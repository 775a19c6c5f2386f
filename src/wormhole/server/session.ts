// One client's connection to our mailbox server: what each message does and what it is answered
// (docs/mailbox-protocol.md, "Messages" and "Our mailbox server").
import { MAILBOX_MESSAGE_MAX } from "../limits.ts";
import { isName, isNameplate, parseObject } from "../messages.ts";
import { SERVER_APPID_MAX, SERVER_BODY_MAX, SERVER_ERRORS_MAX, SERVER_ORIG_MAX } from "./limits.ts";
import { type Client, type Mailboxes, Refusal, type StoredMessage } from "./mailboxes.ts";

export type Json = Record<string, unknown>;

/** What a session does to its socket. */
export interface ClientSocket {
	send(message: Json): void;
	/** Called after too many errors. */
	close(): void;
}

export interface Session {
	/** One frame, text or binary. Never throws. */
	receive(frame: string | Uint8Array): void;
	/** The socket is closed. */
	disconnected(): void;
}

export interface SessionOptions {
	/** Where the client is; what it puts into mailboxes counts for it. */
	network: string;
	/** Throws a {@link Refusal} when the network enters too many mailboxes. */
	charge(): void;
}

/** A session for a new socket. */
export function openSession(mailboxes: Mailboxes, socket: ClientSocket, { network, charge }: SessionOptions): Session {
	let bound: Client | undefined;
	let allocated = false;
	let claimed: string | undefined;
	let mailbox: { id: string; left: boolean } | undefined;
	let errors = 0;
	let connected = true;
	const listener = (message: StoredMessage) => socket.send({ type: "message", ...message });

	/** Who the client is; before `bind` only a few messages are allowed. */
	const client = () => bound ?? refuse("must bind first");
	const leave = () => {
		if (bound && mailbox) mailboxes.leave(bound, mailbox.id, listener);
	};

	const commands: Record<string, (json: Json) => void> = {
		"submit-permissions"() {},
		ping({ ping }) {
			socket.send({ type: "pong", pong: isEchoable(ping) ? ping : refuse("ping requires 'ping'") });
		},
		bind({ appid, side }) {
			if (bound) refuse("already bound");
			if (typeof appid !== "string" || appid.length > SERVER_APPID_MAX) refuse("bind requires 'appid'");
			if (!isName(side)) refuse("bind requires 'side'");
			bound = { appid, side, network };
		},
		list() {
			const { appid } = client();
			socket.send({ type: "nameplates", nameplates: mailboxes.list(appid).map((id) => ({ id })) });
		},
		allocate() {
			const self = client();
			if (allocated) refuse("you already allocated one, don't be greedy");
			charge();
			const nameplate = mailboxes.allocate(self);
			allocated = true;
			socket.send({ type: "allocated", nameplate });
		},
		claim({ nameplate }) {
			const self = client();
			if (!isNameplate(nameplate)) refuse("claim requires 'nameplate'");
			if (claimed !== undefined) refuse("only one claim per connection");
			// What the client has entered before, by an allocation or on an earlier connection, is paid.
			if (!mailboxes.hasClaimed(self, nameplate)) charge();
			claimed = nameplate;
			socket.send({ type: "claimed", mailbox: mailboxes.claim(self, nameplate) });
		},
		release({ nameplate = claimed }) {
			const self = client();
			if (!isNameplate(nameplate)) refuse("release without nameplate must follow claim");
			mailboxes.release(self, nameplate);
			socket.send({ type: "released" });
		},
		open({ mailbox: id }) {
			const self = client();
			if (!isName(id)) refuse("open requires 'mailbox'");
			if (mailbox) refuse("only one open per connection");
			if (!mailboxes.isIn(self, id)) charge();
			const before = mailboxes.open(self, id, listener);
			mailbox = { id, left: false };
			for (const message of before) listener(message);
		},
		add({ phase, body }) {
			const self = client();
			if (!mailbox || mailbox.left) refuse("must open mailbox before adding");
			if (!isName(phase) || typeof body !== "string") refuse("add requires 'phase' and 'body'");
			if (body.length > SERVER_BODY_MAX) refuse("'body' is too long");
			if (body.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(body)) refuse("'body' must be hex");
			mailboxes.add(self, mailbox.id, phase, body);
		},
		close({ mailbox: id = mailbox?.id }) {
			const self = client();
			if (!isName(id)) refuse("close without mailbox must follow open");
			if (mailbox && id !== mailbox.id) refuse("open and close must use same mailbox");
			leave();
			if (mailbox) mailbox.left = true;
			mailboxes.close(self, id);
			socket.send({ type: "closed" });
		},
	};

	return {
		receive(frame) {
			if (!connected) return;
			const json = parseObject(frame, MAILBOX_MESSAGE_MAX);
			try {
				if (!json) return refuse("not a JSON object, or too long");
				if (typeof json.type !== "string") return refuse("missing 'type'");
				// The Rust client sends no id, and waits for this before it reads anything else.
				socket.send({ type: "ack", id: isEchoable(json.id) ? json.id : null });
				const command = Object.hasOwn(commands, json.type) ? commands[json.type] : undefined;
				if (!command) return refuse("unknown type");
				command(json);
			} catch (error) {
				if (!(error instanceof Refusal)) throw error;
				const orig = frame.length <= SERVER_ORIG_MAX ? (json ?? null) : null;
				socket.send({ type: "error", error: error.message, orig });
				errors += 1;
				if (errors >= SERVER_ERRORS_MAX) socket.close();
			}
		},
		disconnected() {
			connected = false;
			leave();
		},
	};
}

// --- internal ---

function refuse(why: string): never {
	throw new Refusal(why);
}

/** Whether a value is sent back as it came, which must be short. */
function isEchoable(value: unknown): boolean {
	return typeof value === "number" || isName(value);
}
