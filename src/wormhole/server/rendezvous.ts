// The mailbox server's protocol without its sockets: frames in, messages out, one session for each socket.
// Called by server.ts and, in memory, by tests; calls mailboxes.ts. Messages as in PROTOCOL.md.
import {
	MAILBOX_MESSAGE_MAX,
	SERVER_APPID_MAX,
	SERVER_CLAIM_MS,
	SERVER_CLAIMS_BURST,
	SERVER_ERRORS_MAX,
} from "../limits.ts";
import { isName, isNameplate, parseObject } from "../messages.ts";
import { Mailboxes, Refusal, type StoredMessage } from "./mailboxes.ts";

type Json = Record<string, unknown>;

/** What a session does to its socket. */
export interface Socket {
	send(message: Json): void;
	/** After too many errors. */
	close(): void;
}

export interface Session {
	/** One frame, text or binary. Never throws. */
	receive(frame: string | Uint8Array): void;
	/** The socket is gone. */
	gone(): void;
}

export class Rendezvous {
	/** For tests: what is left behind. */
	readonly mailboxes: Mailboxes;
	#welcome: Json;
	#now: () => number;
	/** For each address, when its allowance of claims is whole again. */
	#claims = new Map<string, number>();

	constructor(options: { welcome?: Json; now?: () => number } = {}) {
		this.#welcome = options.welcome ?? {};
		this.#now = options.now ?? (() => performance.now());
		this.mailboxes = new Mailboxes(this.#now);
	}

	/** A new socket from `address`; it is welcomed at once. */
	connect(address: string, socket: Socket): Session {
		socket.send({ type: "welcome", welcome: this.#welcome });
		return session(this.mailboxes, socket, () => this.#allowClaim(address));
	}

	/** To be called now and then, from once a second to once a minute. */
	prune(): void {
		this.mailboxes.prune();
		const now = this.#now();
		for (const [address, whole] of this.#claims) if (whole <= now) this.#claims.delete(address);
	}

	/** A token bucket: each claim moves the moment of wholeness by SERVER_CLAIM_MS, at most a burst into the future. */
	#allowClaim(address: string): void {
		const now = this.#now();
		const whole = Math.max(now, this.#claims.get(address) ?? 0) + SERVER_CLAIM_MS;
		if (whole - now > SERVER_CLAIMS_BURST * SERVER_CLAIM_MS) throw new Refusal("too many codes, wait a minute");
		this.#claims.set(address, whole);
	}
}

// --- internal ---

function session(mailboxes: Mailboxes, socket: Socket, allowClaim: () => void): Session {
	let bound: { appid: string; side: string } | undefined;
	let allocated = false;
	let claimed: string | undefined;
	let mailbox: string | undefined;
	let left = false;
	let errors = 0;
	let gone = false;
	const listener = (message: StoredMessage) => socket.send({ type: "message", ...message });

	/** Before `bind` there is nothing else to say. */
	const who = () => bound ?? refuse("must bind first");
	const leave = () => {
		if (bound && mailbox !== undefined) mailboxes.leave(bound.appid, mailbox, listener);
	};

	const commands: Record<string, (json: Json) => void> = {
		"submit-permissions"() {},
		ping({ ping }) {
			socket.send({ type: "pong", pong: isSmall(ping) ? ping : refuse("ping requires 'ping'") });
		},
		bind({ appid, side }) {
			if (bound) refuse("already bound");
			if (typeof appid !== "string" || appid.length > SERVER_APPID_MAX) refuse("bind requires 'appid'");
			if (!isName(side)) refuse("bind requires 'side'");
			bound = { appid: appid as string, side: side as string };
		},
		list() {
			const { appid } = who();
			socket.send({ type: "nameplates", nameplates: mailboxes.list(appid).map((id) => ({ id })) });
		},
		allocate() {
			const { appid, side } = who();
			if (allocated) refuse("you already allocated one, don't be greedy");
			allowClaim();
			const nameplate = mailboxes.allocate(appid, side);
			allocated = true;
			socket.send({ type: "allocated", nameplate });
		},
		claim({ nameplate }) {
			const { appid, side } = who();
			if (!isNameplate(nameplate)) refuse("claim requires 'nameplate'");
			if (claimed !== undefined) refuse("only one claim per connection");
			// An allocation has paid for its claim.
			if (!allocated) allowClaim();
			claimed = nameplate as string;
			socket.send({ type: "claimed", mailbox: mailboxes.claim(appid, claimed, side) });
		},
		release({ nameplate = claimed }) {
			const { appid, side } = who();
			if (!isNameplate(nameplate)) refuse("release without nameplate must follow claim");
			mailboxes.release(appid, nameplate as string, side);
			socket.send({ type: "released" });
		},
		open({ mailbox: id }) {
			const { appid, side } = who();
			if (!isName(id)) refuse("open requires 'mailbox'");
			if (mailbox !== undefined) refuse("only one open per connection");
			const before = mailboxes.open(appid, id as string, side, listener);
			mailbox = id as string;
			for (const message of before) listener(message);
		},
		add({ phase, body }) {
			const { appid, side } = who();
			if (mailbox === undefined || left) refuse("must open mailbox before adding");
			if (!isName(phase) || typeof body !== "string") refuse("add requires 'phase' and 'body'");
			mailboxes.add(appid, mailbox as string, { side, phase: phase as string, body: body as string });
		},
		close({ mailbox: id = mailbox }) {
			const { appid, side } = who();
			if (!isName(id)) refuse("close without mailbox must follow open");
			if (mailbox !== undefined && id !== mailbox) refuse("open and close must use same mailbox");
			leave();
			left = true;
			mailboxes.close(appid, id as string, side);
			socket.send({ type: "closed" });
		},
	};

	return {
		receive(frame) {
			if (gone) return;
			const json = parseObject(frame, MAILBOX_MESSAGE_MAX);
			try {
				if (!json) return refuse("not a JSON object, or too long");
				if (isSmall(json.id)) socket.send({ type: "ack", id: json.id });
				if (typeof json.type !== "string") return refuse("missing 'type'");
				const command = Object.hasOwn(commands, json.type) ? commands[json.type] : undefined;
				if (!command) return refuse("unknown type");
				command(json);
			} catch (error) {
				if (!(error instanceof Refusal)) throw error;
				socket.send({ type: "error", error: error.message, orig: frame.length <= ORIG_MAX ? (json ?? null) : null });
				errors += 1;
				if (errors >= SERVER_ERRORS_MAX) socket.close();
			}
		},
		gone() {
			gone = true;
			leave();
		},
	};
}

/** An error repeats what it is about, up to this many bytes. */
const ORIG_MAX = 1024;

function refuse(why: string): never {
	throw new Refusal(why);
}

/** Echoed as it came, so it must be short. */
function isSmall(value: unknown): boolean {
	return typeof value === "number" || isName(value);
}
