// Nameplates and mailboxes of our mailbox server, in memory and bounded. They behave as the reference server's
// (magic-wormhole-mailbox-server 0.4) except where docs/mailbox-protocol.md, "Our mailbox server", says otherwise.
import { SERVER_MAILBOX_BYTES, SERVER_MAILBOXES_MAX, SERVER_MESSAGES_MAX, SERVER_PRUNE_MS } from "./limits.ts";

/** Answered with `error`. Two texts are part of the protocol: "crowded" and "reclaimed". */
export class Refusal extends Error {}

export interface StoredMessage {
	side: string;
	phase: string;
	body: string;
}

type Listener = (message: StoredMessage) => void;

interface Mailbox {
	id: string;
	nameplate: string | undefined;
	/** At most two. `silent` until it adds a message, `closed` once it has closed the mailbox. */
	sides: Map<string, "silent" | "active" | "closed">;
	messages: StoredMessage[];
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
	#count = 0;
	#now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Mailboxes of all AppIDs. */
	get count(): number {
		return this.#count;
	}

	list(appid: string): string[] {
		return [...(this.#apps.get(appid)?.nameplates.keys() ?? [])];
	}

	/** A free nameplate, claimed: as short as possible, random among those. */
	allocate(appid: string, side: string): string {
		const taken = this.#apps.get(appid)?.nameplates;
		for (let size = 1; ; size++) {
			const first = 10 ** (size - 1);
			const span = 9 * first;
			// The first free one from a random place onward. At most SERVER_MAILBOXES_MAX are taken.
			const start = Math.floor(Math.random() * span);
			for (let i = 0; i < span; i++) {
				const name = String(first + ((start + i) % span));
				if (taken?.has(name)) continue;
				this.claim(appid, name, side);
				return name;
			}
		}
	}

	/** The id of the mailbox behind a nameplate; both are made when the nameplate is new. */
	claim(appid: string, name: string, side: string): string {
		const app = this.#app(appid);
		let nameplate = app.nameplates.get(name);
		if (!nameplate) {
			const mailbox = this.#make(app, appid, crypto.getRandomValues(new Uint8Array(8)).toHex(), name);
			nameplate = { mailbox, sides: new Map() };
			app.nameplates.set(name, nameplate);
		}
		const { mailbox, sides } = nameplate;
		if (sides.get(side) === "released") throw new Refusal("reclaimed");
		if (!sides.has(side) && sides.size >= 2) throw new Refusal("crowded");
		enter(mailbox, side);
		sides.set(side, "claimed");
		return mailbox.id;
	}

	release(appid: string, name: string, side: string): void {
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
	open(appid: string, id: string, side: string, listener: Listener): readonly StoredMessage[] {
		const app = this.#app(appid);
		const mailbox = app.mailboxes.get(id) ?? this.#make(app, appid, id, undefined);
		enter(mailbox, side);
		mailbox.listeners.add(listener);
		return mailbox.messages;
	}

	add(appid: string, id: string, message: StoredMessage): void {
		const mailbox = this.#apps.get(appid)?.mailboxes.get(id);
		const member = mailbox?.sides.get(message.side) ?? "closed";
		if (!mailbox || member === "closed") throw new Refusal("the mailbox is closed");
		const size = message.side.length + message.phase.length + message.body.length;
		if (mailbox.messages.length >= SERVER_MESSAGES_MAX || mailbox.bytes + size > SERVER_MAILBOX_BYTES) {
			throw new Refusal("the mailbox is full");
		}
		mailbox.sides.set(message.side, "active");
		mailbox.messages.push(message);
		mailbox.bytes += size;
		for (const listener of mailbox.listeners) listener(message);
	}

	/** `side` is done with the mailbox, which is removed when all sides are. */
	close(appid: string, id: string, side: string): void {
		const app = this.#apps.get(appid);
		const mailbox = app?.mailboxes.get(id);
		const member = mailbox?.sides.get(side);
		if (!app || !mailbox || !member) return;
		if (member === "silent") mailbox.sides.delete(side);
		else mailbox.sides.set(side, "closed");
		if ([...mailbox.sides.values()].every((other) => other === "closed")) this.#remove(app, appid, mailbox);
	}

	/** Ends a subscription, also when its socket was lost. */
	leave(appid: string, id: string, listener: Listener): void {
		const mailbox = this.#apps.get(appid)?.mailboxes.get(id);
		if (!mailbox?.listeners.delete(listener)) return;
		if (mailbox.listeners.size === 0) mailbox.quietSince = this.#now();
	}

	/** Removes mailboxes that nobody has listened to for {@link SERVER_PRUNE_MS}. */
	prune(): void {
		const before = this.#now() - SERVER_PRUNE_MS;
		for (const [appid, app] of this.#apps) {
			for (const mailbox of app.mailboxes.values()) {
				if (mailbox.listeners.size === 0 && mailbox.quietSince <= before) this.#remove(app, appid, mailbox);
			}
		}
	}

	#app(appid: string): App {
		return this.#apps.get(appid) ?? { nameplates: new Map(), mailboxes: new Map() };
	}

	#make(app: App, appid: string, id: string, nameplate: string | undefined): Mailbox {
		if (this.#count >= SERVER_MAILBOXES_MAX) throw new Refusal("the server is full, try again later");
		const mailbox = {
			id,
			nameplate,
			sides: new Map(),
			messages: [],
			bytes: 0,
			listeners: new Set<Listener>(),
			quietSince: this.#now(),
		};
		// An AppID is kept as long as it has a mailbox.
		this.#apps.set(appid, app);
		app.mailboxes.set(id, mailbox);
		this.#count += 1;
		return mailbox;
	}

	#remove(app: App, appid: string, mailbox: Mailbox): void {
		app.mailboxes.delete(mailbox.id);
		this.#count -= 1;
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
}
