// One client of /events: a stream of server-sent events (HTML standard, section 9.2). What waits for the client is
// bounded: one that takes nothing is dropped. Bun takes from the stream only what the kernel takes.
import { EVENT_QUEUE } from "./limits.ts";

export interface ClientOptions {
	/** Also snapshots, for a page. */
	snapshots: boolean;
	/** Whether it may see tickets and join codes. */
	secrets: boolean;
	/** Cuts the connection. It is called for a client that takes nothing: the end of the stream would wait for it, too. */
	cut(): void;
}

export class EventClient {
	/** The body of the response. */
	readonly body: ReadableStream<string>;
	readonly options: ClientOptions;
	readonly #gone: (client: EventClient) => void;
	#controller: ReadableStreamDefaultController<string> | undefined;

	/** `gone` is called once, when nothing can be sent any more. */
	constructor(options: ClientOptions, gone: (client: EventClient) => void) {
		this.options = options;
		this.#gone = gone;
		this.body = new ReadableStream<string>(
			{
				start: (controller) => {
					this.#controller = controller;
				},
				cancel: () => this.#forget(),
			},
			{ highWaterMark: EVENT_QUEUE, size: (text = "") => text.length },
		);
	}

	/** Whether it has taken everything so far. */
	get idle(): boolean {
		return this.#controller?.desiredSize === EVENT_QUEUE;
	}

	/** Sends text, or drops a client for which too much is waiting. */
	send(text: string): void {
		if (!this.#controller) return;
		if ((this.#controller.desiredSize ?? 0) > 0) {
			this.#controller.enqueue(text);
			return;
		}
		this.#controller.error(new Error("the client takes nothing"));
		this.#forget();
		this.options.cut();
	}

	/** Ends the response. Idempotent. */
	close(): void {
		this.#controller?.close();
		this.#forget();
	}

	// --- internal ---

	#forget(): void {
		if (!this.#controller) return;
		this.#controller = undefined;
		this.#gone(this);
	}
}
