// Starts puppet.mjs under Node and drives its sockets: a TCP implementation other than Bun's.
import { join } from "node:path";

export interface State {
	received: number;
	/** The first bytes received, as latin1. */
	head: string;
	sha256: string;
	/** A FIN has arrived. */
	ended: boolean;
	/** "ECONNRESET" and the like. */
	error: string | null;
	closed: boolean;
	/** Bytes that the kernel has taken. */
	sent: number;
}

export class Puppet implements AsyncDisposable {
	#child = Bun.spawn(["node", join(import.meta.dir, "puppet.mjs")], {
		stdin: "pipe",
		stdout: "pipe",
		stderr: "inherit",
	});
	#seq = 0;
	#waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();

	constructor() {
		void this.#answers();
	}

	async listen(host?: string): Promise<PuppetServer> {
		const { id, port } = await this.call<{ id: number; port: number }>("listen", { host });
		return new PuppetServer(this, id, port);
	}

	async connect(port: number, options: { paused?: boolean; host?: string } = {}): Promise<PuppetSocket> {
		return new PuppetSocket(this, (await this.call<{ id: number }>("connect", { port, ...options })).id);
	}

	/** The SHA-256 of the first `size` bytes that `send` sends. */
	async hash(size: number): Promise<string> {
		return (await this.call<{ sha256: string }>("hash", { size })).sha256;
	}

	call<T>(command: string, args: object): Promise<T> {
		const seq = this.#seq++;
		return new Promise((resolve, reject) => {
			this.#waiting.set(seq, { resolve: resolve as (value: unknown) => void, reject });
			this.#child.stdin.write(`${JSON.stringify({ seq, command, ...args })}\n`);
			this.#child.stdin.flush();
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.stdin.end();
		await this.#child.exited;
	}

	async #answers(): Promise<void> {
		let rest = "";
		for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
			const lines = (rest + chunk).split("\n");
			rest = lines.pop() ?? "";
			for (const line of lines) {
				const { seq, value, error } = JSON.parse(line);
				const waiter = this.#waiting.get(seq);
				this.#waiting.delete(seq);
				if (error === undefined) waiter?.resolve(value);
				else waiter?.reject(new Error(error));
			}
		}
	}
}

export class PuppetServer {
	readonly port: number;
	#puppet: Puppet;
	#id: number;

	constructor(puppet: Puppet, id: number, port: number) {
		this.#puppet = puppet;
		this.#id = id;
		this.port = port;
	}

	async accept(options: { paused?: boolean } = {}): Promise<PuppetSocket> {
		return new PuppetSocket(
			this.#puppet,
			(await this.#puppet.call<{ id: number }>("accept", { id: this.#id, ...options })).id,
		);
	}
}

export class PuppetSocket {
	#call: <T>(command: string, args?: object) => Promise<T>;

	constructor(puppet: Puppet, id: number) {
		this.#call = (command, args = {}) => puppet.call(command, { id, ...args });
	}

	write = (text: string) => this.#call("write", { text });
	/** Sends `size` bytes of a pattern; resolves when the kernel has taken them. */
	send = (size: number, chunk = 65_536) => this.#call("send", { size, chunk });
	/** Starts to send and returns at once. */
	sending = (size: number, chunk = 65_536) => this.#call("sending", { size, chunk });
	end = () => this.#call("end");
	reset = () => this.#call("reset");
	destroy = () => this.#call("destroy");
	pause = () => this.#call("pause");
	resume = () => this.#call("resume");
	state = () => this.#call<State>("state");
	/** Resolves when `count` bytes have arrived in all, or the socket has closed. */
	received = (count: number) => this.#call<State>("received", { count });
	/** Resolves when a FIN has arrived, or the socket has closed. */
	ended = () => this.#call<State>("ended");
	closed = () => this.#call<State>("closed");
}
