// The other end of the wire, made with the raw binding, so that a test controls every byte: a peer that sends what the
// test wants, and a hub like the original program's.
import { expect } from "bun:test";
import { Endpoint as Native, RelayMode } from "@number0/iroh";
import { formatTicket, parseTicket } from "../../src/invite/ticket.ts";
import type { Message } from "../../src/protocol/control-messages.ts";
import { ALPN, encodeHeader } from "../../src/protocol/stream-header.ts";
import { type BiStream, type Connection, loadIroh } from "../../src/transport/iroh.ts";
import { nativeBytes } from "./native-bytes.ts";

const ALPN_BYTES = nativeBytes(ALPN.hivemind);

/** Keeps handles from being collected. Not by pin(), which counts what the program itself holds. */
const kept = new Set<object>();
const keep = <T extends object>(handle: T): T => {
	kept.add(handle);
	return handle;
};

/** The stream header, followed by `text`. */
export const header = (portId: number, text = ""): number[] => [...encodeHeader(portId), ...Buffer.from(text)];

export const hello = (secret?: string, more: object = {}): string =>
	`${JSON.stringify({ type: "hello", v: 1, name: "raw", program: "0", secret, ...more })}\n`;

async function bind(accepts: boolean): Promise<InstanceType<typeof Native>> {
	const builder = Native.builder();
	builder.applyMinimal();
	builder.relayMode(RelayMode.disabled());
	builder.bindAddr("127.0.0.1:0");
	builder.bindAddr("[::1]:0");
	if (accepts) builder.alpns([ALPN_BYTES]);
	return keep(await builder.bind());
}

export class RawPeer implements AsyncDisposable {
	readonly id: string;
	#endpoint: InstanceType<typeof Native>;

	private constructor(endpoint: InstanceType<typeof Native>) {
		this.#endpoint = endpoint;
		this.id = endpoint.id().toString();
	}

	static async make(): Promise<RawPeer> {
		await loadIroh();
		return new RawPeer(await bind(false));
	}

	async connect(ticket: string): Promise<RawConnection> {
		const { address } = await parseTicket(ticket);
		return new RawConnection(await this.#endpoint.connect(address, ALPN_BYTES));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#endpoint.close();
		kept.delete(this.#endpoint);
	}
}

export class RawConnection {
	readonly native: Connection;
	/** Resolves with the reason when the connection has ended. */
	readonly closed: Promise<string>;
	#handles = new Map<BiStream, object[]>();

	constructor(native: Connection) {
		this.native = keep(native);
		this.closed = native
			.closed()
			.catch((error: Error) => error.message)
			.finally(() => {
				kept.delete(native);
				for (const bi of [...this.#handles.keys()]) this.forget(bi);
			});
	}

	/**
	 * Resolves when the hub has closed it for this reason. On a busy machine the packet that says so is lost now and then,
	 * a few times in a thousand (measured). Then a stateless reset shows only that it ended (RFC 9000 section 10.3).
	 */
	async endedFor(reason: string | RegExp): Promise<void> {
		const told = await this.closed;
		if (told !== "reset by peer") expect(told).toMatch(reason);
	}

	/** Opens a stream that begins with these bytes. */
	async open(bytes: number[], finish = false): Promise<BiStream> {
		const bi = await this.native.openBi();
		// Each access to a half makes a new handle (docs/binding-notes.md, "Streams").
		this.#handles.set(bi, [bi, bi.send, bi.recv].map(keep));
		if (bytes.length > 0) await bi.send.writeAll(nativeBytes(bytes));
		if (finish) await bi.send.finish();
		return bi;
	}

	/** Releases the handles of a stream that is over: a million of them would add up. */
	forget(bi: BiStream): void {
		for (const handle of this.#handles.get(bi) ?? []) kept.delete(handle);
		this.#handles.delete(bi);
	}

	/** Everything that the hub answers to a stream that begins with these bytes. */
	async answer(bytes: number[], finish = false): Promise<number[]> {
		const bi = await this.open(bytes, finish);
		const answer = [...(await bi.recv.readToEnd(1000))];
		await bi.send.reset(0n).catch(() => {});
		this.forget(bi);
		return answer;
	}

	/** Opens a control stream with this text as its first bytes. */
	async control(text: string): Promise<Control> {
		return new Control(await this.open(header(0, text)));
	}

	close(reason = ""): void {
		this.native.close(0n, nativeBytes(reason));
	}
}

export class Control {
	/** The hub's messages so far, except pings and pongs. */
	readonly said: Message[] = [];
	/** The hub's answer to the header: the first byte. */
	answer: number | undefined;
	#bi: BiStream;
	#waiting = new Set<() => void>();
	#over = false;

	constructor(bi: BiStream) {
		this.#bi = bi;
		void this.#read();
	}

	async send(text: string | Message): Promise<void> {
		await this.#bi.send.writeAll(nativeBytes(typeof text === "string" ? text : `${JSON.stringify(text)}\n`));
	}

	async end(): Promise<void> {
		await this.#bi.send.finish();
	}

	/** The first message of this type for which `is` holds, received or yet to come. Rejects if the stream ends first. */
	until<T extends Message["type"]>(
		type: T,
		is: (message: Extract<Message, { type: T }>) => boolean = () => true,
	): Promise<Extract<Message, { type: T }>> {
		return new Promise((resolve, reject) => {
			const look = () => {
				const found = this.said.find(
					(message): message is Extract<Message, { type: T }> =>
						message.type === type && is(message as Extract<Message, { type: T }>),
				);
				if (!found && !this.#over) return;
				this.#waiting.delete(look);
				if (found) resolve(found);
				else reject(new Error(`the control stream ended without '${type}': ${JSON.stringify(this.said)}`));
			};
			this.#waiting.add(look);
			look();
		});
	}

	async #read(): Promise<void> {
		let rest = "";
		try {
			for (;;) {
				const bytes = Buffer.from(await this.#bi.recv.read(65_536));
				if (bytes.length === 0) break;
				const first = this.answer === undefined;
				if (first) this.answer = bytes[0] as number;
				const lines = (rest + bytes.subarray(first ? 1 : 0).toString()).split("\n");
				rest = lines.pop() ?? "";
				for (const line of lines) this.#heard(JSON.parse(line));
			}
		} catch {
			// Reset, or the connection is gone.
		}
		this.#over = true;
		for (const look of [...this.#waiting]) look();
	}

	#heard(message: Message): void {
		if (message.type === "ping") void this.send({ type: "pong", n: message.n }).catch(() => {});
		if (message.type === "ping" || message.type === "pong") return;
		this.said.push(message);
		for (const look of [...this.#waiting]) look();
	}
}

/** A hub like the original program's: it answers three port ids with 0xff and echoes; any other is answered with 0x00. */
export class OriginalHub implements AsyncDisposable {
	readonly ticket: string;
	/** The port ids that peers asked for, in order. */
	readonly asked: number[] = [];
	#endpoint: InstanceType<typeof Native>;

	private constructor(endpoint: InstanceType<typeof Native>, ticket: string) {
		this.#endpoint = endpoint;
		this.ticket = ticket;
		void this.#accept();
	}

	static async make(): Promise<OriginalHub> {
		const endpoint = await bind(true);
		return new OriginalHub(endpoint, await formatTicket({ address: endpoint.addr(), secret: undefined }));
	}

	async #accept(): Promise<void> {
		for (;;) {
			const incoming = await this.#endpoint.acceptNext().catch(() => null);
			if (!incoming) return;
			const connection = keep(await (await incoming.accept()).connect());
			void (async () => {
				try {
					for (;;) void this.#serve(keep(await connection.acceptBi())).catch(() => {});
				} catch {
					kept.delete(connection);
				}
			})();
		}
	}

	async #serve(bi: BiStream): Promise<void> {
		const [portId = 0] = await keep(bi.recv).readExact(12);
		this.asked.push(portId);
		const send = keep(bi.send);
		if (portId < 1 || portId > 3) {
			await send.writeAll(nativeBytes([0x00]));
			return send.finish();
		}
		await send.writeAll(nativeBytes([0xff]));
		for (;;) {
			const bytes = await bi.recv.read(65_536);
			if (bytes.length === 0) return send.finish();
			await send.writeAll(bytes);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#endpoint.close();
		kept.delete(this.#endpoint);
	}
}
