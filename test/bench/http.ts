// A connection of a minimal HTTP/1.1 client: one request at a time, answered with a Content-Length, so that the clock
// stops with the last byte of the body and does not wait for the end of the connection.
export interface Answer {
	/** Bytes of the body. */
	length: number;
	/** The body as text, if it was asked for. */
	text: string;
}

export class HttpConnection {
	#socket: Bun.Socket;
	#head = "";
	/** Bytes of the body that have yet to come; undefined while the head is read. */
	#left: number | undefined;
	#length = 0;
	#body: Buffer[] | undefined;
	#waiting: PromiseWithResolvers<Answer> | undefined;

	private constructor(socket: Bun.Socket) {
		this.#socket = socket;
	}

	static async open(port: number): Promise<HttpConnection> {
		let connection: HttpConnection | undefined;
		const socket = await Bun.connect({
			hostname: "127.0.0.1",
			port,
			socket: {
				data: (_, bytes) => connection?.take(bytes),
				close: () => connection?.fail(new Error("the connection was closed")),
				error: (_, error) => connection?.fail(error),
			},
		});
		socket.setNoDelay(true);
		connection = new HttpConnection(socket);
		return connection;
	}

	get(path: string, { close = false, keep = false } = {}): Promise<Answer> {
		this.#waiting = Promise.withResolvers();
		this.#body = keep ? [] : undefined;
		this.#head = "";
		this.#left = undefined;
		// As long as a browser's.
		const more = `User-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: identity\r\n`;
		this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}${close ? "Connection: close\r\n" : ""}\r\n`);
		return this.#waiting.promise;
	}

	close(): void {
		this.#waiting = undefined;
		this.#socket.terminate();
	}

	/** For the handlers of the socket. */
	take(bytes: Buffer): void {
		let data = bytes;
		if (this.#left === undefined) {
			this.#head += data.toString("latin1");
			const end = this.#head.indexOf("\r\n\r\n");
			if (end < 0) return;
			const length = /^content-length: *(\d+)/im.exec(this.#head.slice(0, end))?.[1];
			if (!this.#head.startsWith("HTTP/1.1 200") || length === undefined) {
				this.fail(new Error(`unexpected answer: ${this.#head.slice(0, 80)}`));
				return;
			}
			this.#length = this.#left = Number(length);
			data = data.subarray(data.length - (this.#head.length - end - 4));
		}
		this.#left -= data.length;
		this.#body?.push(data);
		if (this.#left > 0) return;
		this.#waiting?.resolve({ length: this.#length, text: this.#body ? Buffer.concat(this.#body).toString() : "" });
		this.#waiting = undefined;
	}

	/** For the handlers of the socket. */
	fail(error: Error): void {
		this.#waiting?.reject(error);
		this.#waiting = undefined;
	}
}
