// Hubs, mailbox servers and plain clients for the tests of join codes, over loopback.
import { join } from "node:path";
import { offerCodes } from "../../src/wormhole/client/offer.ts";
import type { Timing } from "../../src/wormhole/client/timing.ts";

/** A queue to wait on: `next` returns each item once, in order. */
export class Inbox<T> {
	#items: T[] = [];
	#waiting: ((item: T) => void)[] = [];

	push(item: T): void {
		const waiter = this.#waiting.shift();
		if (waiter) waiter(item);
		else this.#items.push(item);
	}

	next(): Promise<T> {
		if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
		return new Promise((resolve) => this.#waiting.push(resolve));
	}
}

/** Waits of a hub, so short that no test waits for the clock. */
const SHORT: Partial<Timing> = { retryFirstMs: 10, retryMaxMs: 100, spoiledFirstMs: 10, spoiledMaxMs: 100 };

export type HubEvent =
	| { type: "code"; code: string }
	| { type: "taken"; doubt?: string }
	| { type: "wrong"; waitMs: number; why?: string }
	| { type: "spoiled"; why: string; waitMs: number }
	| { type: "unreachable"; url: string; why: string }
	| { type: "motd"; text: string };

/** A hub that offers `ticket`; `next` returns its reports in order. */
export class Hub implements AsyncDisposable {
	readonly done: Promise<void>;
	#end = new AbortController();
	#events = new Inbox<HubEvent>();

	constructor(url: string, ticket = "endpointaaaa2345", words?: number, timing: Partial<Timing> = SHORT) {
		const tell = (event: HubEvent) => this.#events.push(event);
		this.done = offerCodes({
			ticket,
			url,
			words,
			signal: this.#end.signal,
			timing,
			onCode: (code) => tell({ type: "code", code }),
			onTaken: (doubt) => tell({ type: "taken", ...(doubt !== undefined && { doubt }) }),
			onWrongCode: (waitMs, why) => tell({ type: "wrong", waitMs, ...(why !== undefined && { why }) }),
			onSpoiled: (why, waitMs) => tell({ type: "spoiled", why, waitMs }),
			onUnreachable: (outage) => tell({ type: "unreachable", ...outage }),
			onMotd: (text) => tell({ type: "motd", text }),
		});
		// Tests that expect a failure await `done` themselves.
		this.done.catch(() => {});
	}

	next(): Promise<HubEvent> {
		return this.#events.next();
	}

	/** The code in its next report, which must be a code. */
	async code(): Promise<string> {
		const event = await this.next();
		if (event.type !== "code") throw new Error(`a code was expected, not ${JSON.stringify(event)}`);
		return event.code;
	}

	async stop(): Promise<void> {
		this.#end.abort();
		await this.done;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#end.abort();
		await this.done.catch(() => {});
	}
}

/** Our mailbox server in a process of its own; `kill` resolves with what it has written to stderr. */
export async function mailboxProcess(port = 0): Promise<{ url: string; port: number; kill(): Promise<string> }> {
	const child = Bun.spawn([process.execPath, join(import.meta.dir, "mailbox-process.ts"), String(port)], {
		stdout: "pipe",
		stderr: "pipe",
	});
	const printed = new Response(child.stderr).text();
	const url = await line(child.stdout, /ws:\S+/);
	return {
		url,
		port: Number(new URL(url).port),
		async kill() {
			child.kill("SIGKILL");
			await child.exited;
			return printed;
		},
	};
}

/** Resolves with the first match in a program's output, and keeps reading so that the program never blocks. */
export async function line(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
	const found = Promise.withResolvers<string>();
	void (async () => {
		let text = "";
		for await (const chunk of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
			text += chunk;
			const match = pattern.exec(text);
			if (match) found.resolve(match[1] ?? match[0]);
		}
		found.reject(new Error(`the program ended without printing ${pattern}: ${text}`));
	})();
	return found.promise;
}

/** A plain WebSocket to a mailbox server; `next` returns the server's messages in order. */
export class RawClient implements AsyncDisposable {
	readonly closed: Promise<number>;
	#socket: WebSocket;
	#messages = new Inbox<Record<string, unknown>>();
	#open: Promise<unknown>;

	constructor(url: string, headers: Record<string, string> = {}) {
		this.#socket = new WebSocket(url, { headers });
		this.#open = new Promise((resolve) => this.#socket.addEventListener("open", resolve));
		this.closed = new Promise((resolve) => this.#socket.addEventListener("close", ({ code }) => resolve(code)));
		this.#socket.addEventListener("message", ({ data }) => this.#messages.push(JSON.parse(String(data))));
	}

	async send(frame: object | string | Uint8Array): Promise<void> {
		await this.#open;
		this.#socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame));
	}

	/** The next message of one of the types, or of any but `ack`. */
	async next(...types: string[]): Promise<Record<string, unknown>> {
		for (;;) {
			const message = await this.#messages.next();
			if (types.length === 0 ? message.type !== "ack" : types.includes(message.type as string)) return message;
		}
	}

	/** The next message, whatever it is. */
	any(): Promise<Record<string, unknown>> {
		return this.#messages.next();
	}

	/** Whether the server has accepted the connection. */
	async accepted(): Promise<boolean> {
		return typeof (await Promise.race([this.#open, this.closed])) !== "number";
	}

	/** Binds as `side`, with the AppID that hubs use. */
	async bind(side: string): Promise<this> {
		await this.send({ type: "bind", appid: "lothar.com/wormhole/text-or-file-xfer", side });
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#socket.terminate();
		await this.closed;
	}
}

/** The nameplates that a server holds for our AppID. */
export async function nameplates(url: string): Promise<string[]> {
	await using client = new RawClient(url);
	await client.bind("observer");
	await client.send({ type: "list" });
	const { nameplates: list } = await client.next("nameplates");
	return (list as { id: string }[]).map(({ id }) => id);
}
