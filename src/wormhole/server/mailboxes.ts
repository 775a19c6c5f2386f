// Nameplates and mailboxes of a mailbox server, in memory and bounded. Called by rendezvous.ts; calls nothing.
// Semantics as the reference server's (magic-wormhole-mailbox-server 0.4), except where a comment says why not.
import { SERVER_MAILBOX_BYTES, SERVER_MAILBOXES_MAX, SERVER_MESSAGES_MAX, SERVER_PRUNE_MS } from "../limits.ts";

/** What the server answers with `error`; the text is part of the protocol ("crowded", "reclaimed"). */
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
	/** At most two. `open` until it says `close`; `spoke` once it has added a message. */
	sides: Map<string, { open: boolean; spoke: boolean }>;
	messages: StoredMessage[];
	bytes: number;
	listeners: Set<Listener>;
	/** When the last listener left. */
	quietSince: number;
}

interface Nameplate {
	mailbox: Mailbox;
	/** At most two; false once it was released. */
	sides: Map<string, boolean>;
}

interface App {
	nameplates: Map<string, Nameplate>;
	mailboxes: Map<string, Mailbox>;
}

/** Everything that all AppIDs share; nothing leads from one AppID to another. `now` is in milliseconds. */
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
			// From a random place onward: the first free one. At most SERVER_MAILBOXES_MAX are taken.
			const start = Math.floor(Math.random() * span);
			for (let i = 0; i < span; i++) {
				const name = String(first + ((start + i) % span));
				if (taken?.has(name)) continue;
				this.claim(appid, name, side);
				return name;
			}
		}
	}

	/** The id of the mailbox behind a nameplate, which is made when it is new. */
	claim(appid: string, name: string, side: string): string {
		const app = this.#app(appid);
		let nameplate = app.nameplates.get(name);
		if (!nameplate) {
			const mailbox = this.#make(app, appid, crypto.getRandomValues(new Uint8Array(8)).toHex(), name);
			nameplate = { mailbox, sides: new Map() };
			app.nameplates.set(name, nameplate);
		}
		const { mailbox, sides } = nameplate;
		if (sides.get(side) === false) throw new Refusal("reclaimed");
		if (!sides.has(side) && sides.size >= 2) throw new Refusal("crowded");
		enter(mailbox, side);
		sides.set(side, true);
		return mailbox.id;
	}

	release(appid: string, name: string, side: string): void {
		const app = this.#apps.get(appid);
		const nameplate = app?.nameplates.get(name);
		if (!app || !nameplate?.sides.has(side)) return;
		// A side that never said a word has seen nothing and spent nothing, so it is forgotten: it does not crowd out
		// the peer that is still to come. (The reference server counts it.)
		if (nameplate.mailbox.sides.get(side)?.spoke) nameplate.sides.set(side, false);
		else nameplate.sides.delete(side);
		if (![...nameplate.sides.values()].includes(true)) app.nameplates.delete(name);
	}

	/** Subscribes; returns what was said before. A mailbox that is not there is made: after a restart, both come back. */
	open(appid: string, id: string, side: string, listener: Listener): readonly StoredMessage[] {
		const app = this.#app(appid);
		const mailbox = app.mailboxes.get(id) ?? this.#make(app, appid, id, undefined);
		enter(mailbox, side);
		mailbox.listeners.add(listener);
		return mailbox.messages;
	}

	add(appid: string, id: string, message: StoredMessage): void {
		const mailbox = this.#apps.get(appid)?.mailboxes.get(id);
		const member = mailbox?.sides.get(message.side);
		if (!mailbox || !member?.open) throw new Refusal("the mailbox is closed");
		const size = message.side.length + message.phase.length + message.body.length;
		if (mailbox.messages.length >= SERVER_MESSAGES_MAX || mailbox.bytes + size > SERVER_MAILBOX_BYTES) {
			throw new Refusal("the mailbox is full");
		}
		member.spoke = true;
		mailbox.messages.push(message);
		mailbox.bytes += size;
		for (const listener of mailbox.listeners) listener(message);
	}

	/** `side` is done with the mailbox; the last side takes it away. */
	close(appid: string, id: string, side: string): void {
		const app = this.#apps.get(appid);
		const mailbox = app?.mailboxes.get(id);
		const member = mailbox?.sides.get(side);
		if (!app || !mailbox || !member) return;
		if (member.spoke) member.open = false;
		else mailbox.sides.delete(side);
		if (![...mailbox.sides.values()].some(({ open }) => open)) this.#remove(app, appid, mailbox);
	}

	/** The end of a subscription, also when its socket just died. */
	leave(appid: string, id: string, listener: Listener): void {
		const mailbox = this.#apps.get(appid)?.mailboxes.get(id);
		if (!mailbox?.listeners.delete(listener)) return;
		if (mailbox.listeners.size === 0) mailbox.quietSince = this.#now();
	}

	/** Forgets mailboxes that nobody has listened to for {@link SERVER_PRUNE_MS}. */
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
		// An AppID is there as long as it has a mailbox.
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
	mailbox.sides.set(side, { open: true, spoke: false });
}
