// All clients of /events: each gets the last events, then every new one. Those of pages also get snapshots, which are
// made once for all of them.
import { type ClientOptions, EventClient } from "./event-client.ts";
import { EVENT_CLIENTS_MAX, HEARTBEAT_MS, SNAPSHOT_EVERY_MS } from "./limits.ts";
import type { TimedEvent } from "./program-events.ts";
import { visibleEvent, visibleSnapshot } from "./secrets.ts";
import type { StatusSource } from "./source.ts";

export class EventFeed {
	readonly #source: StatusSource;
	readonly #clients = new Set<EventClient>();
	readonly #unsubscribe: () => void;
	readonly #onFault: (error: unknown) => void;
	#timers: Timer[] = [];

	/** `onFault` is told of an exception in a timer, which would otherwise end the program. */
	constructor(source: StatusSource, onFault: (error: unknown) => void) {
		this.#source = source;
		this.#onFault = onFault;
		this.#unsubscribe = source.subscribe((event) =>
			this.#send(
				() => true,
				once((secrets) => eventText(event, secrets)),
			),
		);
	}

	/** The body of the response for one more client; undefined when there are too many. */
	open(options: ClientOptions): ReadableStream<string> | undefined {
		if (this.#clients.size >= EVENT_CLIENTS_MAX) return undefined;
		const client = new EventClient(options, () => {
			this.#clients.delete(client);
			if (this.#clients.size === 0) this.#stopTimers();
		});
		// A client that has lost its connection tries again after this, and gets everything again.
		const past = this.#source.recent().map((event) => eventText(event, options.secrets));
		client.send(`retry: ${SNAPSHOT_EVERY_MS}\n\n${past.join("")}`);
		if (options.snapshots) client.send(this.#snapshotText(options.secrets));
		this.#clients.add(client);
		if (this.#timers.length === 0) this.#startTimers();
		return client.body;
	}

	/** Ends all responses. Idempotent. */
	close(): void {
		this.#unsubscribe();
		for (const client of this.#clients) client.close();
	}

	// --- internal ---

	#startTimers(): void {
		this.#timers = [
			setInterval(
				() =>
					this.#send(
						() => true,
						() => ": still here\n\n",
					),
				HEARTBEAT_MS,
			),
			// One that has not taken the last snapshot is better off without this one.
			setInterval(
				() =>
					this.#send(
						({ idle, options }) => options.snapshots && idle,
						once((secrets) => this.#snapshotText(secrets)),
					),
				SNAPSHOT_EVERY_MS,
			),
		];
	}

	#stopTimers(): void {
		for (const timer of this.#timers) clearInterval(timer);
		this.#timers = [];
	}

	/** Sends each client that `wants` it the text for those who may see secrets, or for the others. */
	#send(wants: (client: EventClient) => boolean, text: (secrets: boolean) => string): void {
		try {
			for (const client of this.#clients) {
				if (!wants(client)) continue;
				const one = text(client.options.secrets);
				if (one !== "") client.send(one);
			}
		} catch (error) {
			this.#onFault(error);
		}
	}

	#snapshotText(secrets: boolean): string {
		return `event: snapshot\ndata: ${JSON.stringify(visibleSnapshot(this.#source.snapshot(), secrets))}\n\n`;
	}
}

// --- internal ---

/** JSON has no line breaks of its own, so an event is one `data` line. */
function eventText(event: TimedEvent, secrets: boolean): string {
	const visible = visibleEvent(event, secrets);
	return visible === undefined ? "" : `data: ${JSON.stringify(visible)}\n\n`;
}

/** The same function, which makes each of its two values once. */
function once(make: (secrets: boolean) => string): (secrets: boolean) => string {
	const made = new Map<boolean, string>();
	return (secrets) => {
		const text = made.get(secrets) ?? make(secrets);
		made.set(secrets, text);
		return text;
	};
}
