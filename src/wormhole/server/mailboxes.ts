// Nameplates and mailboxes of our mailbox server, in memory and bounded. They behave as the reference server's
// (magic-wormhole-mailbox-server 0.4) except where docs/mailbox-protocol.md, "Our mailbox server", says otherwise.
import {
	SERVER_BYTES_MAX,
	SERVER_BYTES_PER_NETWORK,
	SERVER_LISTENERS_MAX,
	SERVER_LONELY_MS,
	SERVER_MAILBOX_BYTES,
	SERVER_MAILBOXES_MAX,
	SERVER_MAILBOXES_PER_NETWORK,
	SERVER_MESSAGE_OVERHEAD,
	SERVER_MESSAGES_MAX,
	SERVER_PRUNE_MS,
} from "./limits.ts";
import { Shares } from "./shares.ts";

/** Answered with `error`. Two texts are part of the protocol: "crowded" and "reclaimed". */
export class Refusal extends Error {}

/** A bound client. What it puts into mailboxes counts for its network. */
export interface Client {
	readonly appid: string;
	readonly side: string;
	readonly network: string;
}

export interface StoredMessage {
	side: string;
	phase: string;
	body: string;
}

type Listener = (message: StoredMessage) => void;

/** A message, and who has paid how much for it. */
interface Held {
	message: StoredMessage;
	network: string;
	bytes: number;
}

interface Mailbox {
	id: string;
	nameplate: string | undefined;
	/** That of the client that made it. */
	network: string;
	/** At most two. `silent` until it adds a message, `closed` once it has closed the mailbox. */
	sides: Map<string, "silent" | "active" | "closed">;
	/** Whether it has had two sides at once. */
	met: boolean;
	messages: Held[];
	bytes: number;
	listeners: Set<Listener>;
	/** When the last listener left. */
	quietSince: number;
}

interface Nameplate {
	mailbox: Mailbox;
	/** At most two. */
	sides: Map<string, "claimed" | "released">;
}

interface App {
	nameplates: Map<string, Nameplate>;
	mailboxes: Map<string, Mailbox>;
}

/** The mailboxes of all AppIDs, kept apart: nothing leads from one AppID to another. `now` is in milliseconds. */
export class Mailboxes {
	#apps = new Map<string, App>();
	#now: () => number;
	readonly #mailboxes = new Shares({ all: SERVER_MAILBOXES_MAX, each: SERVER_MAILBOXES_PER_NETWORK });
	readonly #bytes = new Shares({ all: SERVER_BYTES_MAX, each: SERVER_BYTES_PER_NETWORK });

	constructor(now: () => number) {
		this.#now = now;
	}

	/** How many mailboxes there are, and the bytes of their messages. */
	get size(): { mailboxes: number; bytes: number } {
		return { mailboxes: this.#mailboxes.total, bytes: this.#bytes.total };
	}

	list(appid: string): string[] {
		return [...(this.#apps.get(appid)?.nameplates.keys() ?? [])];
	}

	/** Whether the client has claimed the nameplate before. */
	hasClaimed({ appid, side }: Client, name: string): boolean {
		return this.#apps.get(appid)?.nameplates.get(name)?.sides.has(side) ?? false;
	}

	/** Whether the client is one of the sides of the mailbox. */
	isIn({ appid, side }: Client, id: string): boolean {
		return this.#apps.get(appid)?.mailboxes.get(id)?.sides.has(side) ?? false;
	}

	/** A free nameplate, claimed: as short as possible, random among those. */
	allocate(client: Client): string {
		const taken = this.#apps.get(client.appid)?.nameplates;
		for (let size = 1; ; size++) {
			const first = 10 ** (size - 1);
			const span = 9 * first;
			// The first free one from a random place onward. At most SERVER_MAILBOXES_MAX are taken.
			const start = Math.floor(Math.random() * span);
			for (let i = 0; i < span; i++) {
				const name = String(first + ((start + i) % span));
				if (taken?.has(name)) continue;
				this.claim(client, name);
				return name;
			}
		}
	}

	/** The id of the mailbox behind a nameplate; both are made when the nameplate is new. */
	claim(client: Client, name: string): string {
		const app = this.#app(client.appid);
		let nameplate = app.nameplates.get(name);
		if (!nameplate) {
			const mailbox = this.#make(app, client, crypto.getRandomValues(new Uint8Array(8)).toHex(), name);
			nameplate = { mailbox, sides: new Map() };
			app.nameplates.set(name, nameplate);
		}
		const { mailbox, sides } = nameplate;
		const { side } = client;
		if (sides.get(side) === "released") throw new Refusal("reclaimed");
		if (!sides.has(side) && sides.size >= 2) throw new Refusal("crowded");
		enter(mailbox, side);
		sides.set(side, "claimed");
		return mailbox.id;
	}

	release({ appid, side }: Client, name: string): void {
		const app = this.#apps.get(appid);
		const nameplate = app?.nameplates.get(name);
		if (!app || !nameplate?.sides.has(side)) return;
		// A side that never added a message has spent nothing, so it is forgotten and does not crowd out the peer that is
		// still to come (docs/mailbox-protocol.md, "Our mailbox server").
		const member = nameplate.mailbox.sides.get(side);
		if (member === "active" || member === "closed") nameplate.sides.set(side, "released");
		else nameplate.sides.delete(side);
		if (![...nameplate.sides.values()].includes("claimed")) app.nameplates.delete(name);
	}

	/**
	 * Subscribes; returns the messages so far. A mailbox that does not exist is made: after a restart of the server, both
	 * sides come back to it.
	 */
	open(client: Client, id: string, listener: Listener): readonly StoredMessage[] {
		const app = this.#app(client.appid);
		const mailbox = app.mailboxes.get(id) ?? this.#make(app, client, id, undefined);
		if (mailbox.listeners.size >= SERVER_LISTENERS_MAX) throw new Refusal("too many connections to this mailbox");
		enter(mailbox, client.side);
		mailbox.listeners.add(listener);
		return mailbox.messages.map(({ message }) => message);
	}

	add({ appid, side, network }: Client, id: string, phase: string, body: string): void {
		const mailbox = this.#apps.get(appid)?.mailboxes.get(id);
		const member = mailbox?.sides.get(side) ?? "closed";
		if (!mailbox || member === "closed") throw new Refusal("the mailbox is closed");
		const bytes = 2 * (side.length + phase.length + body.length) + SERVER_MESSAGE_OVERHEAD;
		if (mailbox.messages.length >= SERVER_MESSAGES_MAX || mailbox.bytes + bytes > SERVER_MAILBOX_BYTES) {
			throw new Refusal("the mailbox is full");
		}
		paid(this.#bytes.take(network, bytes));
		const message = { side, phase, body };
		mailbox.sides.set(side, "active");
		mailbox.messages.push({ message, network, bytes });
		mailbox.bytes += bytes;
		for (const listener of mailbox.listeners) listener(message);
	}

	/** The client's side is done with the mailbox, which is removed when all sides are. */
	close({ appid, side }: Client, id: string): void {
		const app = this.#apps.get(appid);
		const mailbox = app?.mailboxes.get(id);
		const member = mailbox?.sides.get(side);
		if (!app || !mailbox || !member) return;
		if (member === "silent") mailbox.sides.delete(side);
		else mailbox.sides.set(side, "closed");
		if ([...mailbox.sides.values()].every((other) => other === "closed")) this.#remove(app, appid, mailbox);
	}

	/** Ends a subscription, also when its socket was lost. */
	leave({ appid }: Client, id: string, listener: Listener): void {
		const mailbox = this.#apps.get(appid)?.mailboxes.get(id);
		if (!mailbox?.listeners.delete(listener)) return;
		if (mailbox.listeners.size === 0) mailbox.quietSince = this.#now();
	}

	/** Removes mailboxes that nobody has listened to for {@link SERVER_PRUNE_MS}, or {@link SERVER_LONELY_MS}. */
	prune(): void {
		const now = this.#now();
		for (const [appid, app] of this.#apps) {
			for (const mailbox of app.mailboxes.values()) {
				const kept = mailbox.met ? SERVER_PRUNE_MS : SERVER_LONELY_MS;
				if (mailbox.listeners.size === 0 && now - mailbox.quietSince >= kept) this.#remove(app, appid, mailbox);
			}
		}
	}

	#app(appid: string): App {
		return this.#apps.get(appid) ?? { nameplates: new Map(), mailboxes: new Map() };
	}

	#make(app: App, { appid, network }: Client, id: string, nameplate: string | undefined): Mailbox {
		paid(this.#mailboxes.take(network));
		const mailbox: Mailbox = {
			id,
			nameplate,
			network,
			sides: new Map(),
			met: false,
			messages: [],
			bytes: 0,
			listeners: new Set(),
			quietSince: this.#now(),
		};
		// An AppID is kept as long as it has a mailbox.
		this.#apps.set(appid, app);
		app.mailboxes.set(id, mailbox);
		return mailbox;
	}

	#remove(app: App, appid: string, mailbox: Mailbox): void {
		app.mailboxes.delete(mailbox.id);
		for (const { network, bytes } of mailbox.messages) this.#bytes.give(network, bytes);
		this.#mailboxes.give(mailbox.network);
		const { nameplate } = mailbox;
		if (nameplate !== undefined && app.nameplates.get(nameplate)?.mailbox === mailbox) app.nameplates.delete(nameplate);
		if (app.mailboxes.size === 0) this.#apps.delete(appid);
	}
}

// --- internal ---

function enter(mailbox: Mailbox, side: string): void {
	if (mailbox.sides.has(side)) return;
	if (mailbox.sides.size >= 2) throw new Refusal("crowded");
	mailbox.sides.set(side, "silent");
	if (mailbox.sides.size === 2) mailbox.met = true;
}

function paid(refusal: string | undefined): void {
	if (refusal !== undefined) throw new Refusal(refusal);
}
