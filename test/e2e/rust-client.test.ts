// The Rust client (magic-wormhole 0.7.6 and 0.8.1), played by the frames that it was seen to send: no frame has an id,
// each waits for its ack, and anything but that or a `message` before the ack is an error to it.
import { expect, spyOn, test } from "bun:test";
import { fromHex, phaseKey, seal, unseal } from "../../src/wormhole/client/keys.ts";
import { ACKNOWLEDGE_MS } from "../../src/wormhole/client/limits.ts";
import { pakeBody, parsePake } from "../../src/wormhole/client/payload.ts";
import { finish, randomScalar, start } from "../../src/wormhole/client/spake2.ts";
import { startMailbox } from "../../src/wormhole/server/server.ts";
import { Hub, RawClient } from "../support/wormhole.ts";

const TICKET = "endpointaaaa2345";
const APP_ID = "lothar.com/wormhole/text-or-file-xfer";
const SIDE = "4a0c4ee343";

type Message = Record<string, string>;

/** The client's connection: it reads strictly, and keeps messages of the other side until they are asked for. */
class RustClient {
	readonly #client: RawClient;
	readonly #messages: Message[] = [];

	constructor(client: RawClient) {
		this.#client = client;
	}

	/** Sends a frame, and waits for its ack. */
	async say(frame: string): Promise<void> {
		await this.#client.send(frame);
		await this.reply("ack");
	}

	/** The next frame that is not a `message`, which must be of this type. */
	async reply(type: string): Promise<Message> {
		for (;;) {
			const frame = await this.#client.any();
			if (frame.type === type) return frame as Message;
			if (frame.type !== "message") throw new Error(`Got unexpected message type from server '${frame.type}'`);
			if (frame.side !== SIDE) this.#messages.push(frame as Message);
		}
	}

	/** The other side's next message. */
	async message(): Promise<Message> {
		while (this.#messages.length === 0) {
			const frame = await this.#client.any();
			if (frame.type !== "message") throw new Error(`Got unexpected message type from server '${frame.type}'`);
			if (frame.side !== SIDE) this.#messages.push(frame as Message);
		}
		return this.#messages.shift() as Message;
	}
}

/** Everything that the client does with a code, announcing `versions`; resolves with the payload. */
async function receive(url: string, code: string, versions: string): Promise<string> {
	await using socket = new RawClient(url);
	const client = new RustClient(socket);
	await client.reply("welcome");
	await client.say(`{"type":"bind","appid":"${APP_ID}","side":"${SIDE}"}`);
	const [nameplate] = code.split("-", 1);
	await client.say(`{"type":"claim","nameplate":"${nameplate}"}`);
	const { mailbox } = await client.reply("claimed");
	await client.say(`{"type":"open","mailbox":"${mailbox}"}`);
	const spake = start(code, APP_ID, randomScalar());
	await client.say(`{"type":"add","phase":"pake","body":"${pakeBody(spake.message)}"}`);
	const pake = await client.message();
	expect(pake.phase).toBe("pake");
	const key = finish(spake, fromHex(parsePake(fromHex(pake.body as string)) ?? "") as Uint8Array);
	const plaintext = new TextEncoder().encode(`{"abilities":[],"app_versions":${versions}}`);
	const nonce = crypto.getRandomValues(new Uint8Array(24));
	const version = seal(phaseKey(key, SIDE, "version"), nonce, plaintext);
	await client.say(`{"type":"add","phase":"version","body":"${version}"}`);
	expect((await client.message()).phase).toBe("version");
	await client.say(`{"type":"release","nameplate":"${nameplate}"}`);
	await client.reply("released");
	const payload = await client.message();
	expect(payload.phase).toBe("0");
	await client.say(`{"type":"close","mailbox":"${mailbox}","mood":"happy"}`);
	await client.reply("closed");
	const { side, body } = payload as { side: string; body: string };
	return new TextDecoder().decode(unseal(phaseKey(key, side, "0"), body));
}

function server() {
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	return { ...mailbox, [Symbol.asyncDispose]: () => mailbox.stop() };
}

test("the Rust client gets the ticket over our mailbox server", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url);
	expect(await receive(mailbox.url, await hub.code(), '{"abilities":["transfer-v1"]}')).toBe(TICKET);
	expect(await hub.next()).toEqual({ type: "taken" });
	await hub.code();
});

test("a Rust client whose versions are null gets an offer, and the next code follows although it answers nothing", async () => {
	const { setTimeout: start } = globalThis;
	const timers = spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) =>
		start(run, ms === ACKNOWLEDGE_MS ? 0 : ms)) as typeof setTimeout);
	try {
		await using mailbox = server();
		await using hub = new Hub(mailbox.url);
		const payload = await receive(mailbox.url, await hub.code(), "null");
		expect(JSON.parse(payload)).toEqual({ offer: { message: TICKET } });
		expect(await hub.next()).toEqual({ type: "taken", doubt: "the other side stopped answering" });
		await hub.code();
	} finally {
		timers.mockRestore();
	}
});

test("the Rust client's question whether a nameplate exists is answered", async () => {
	await using mailbox = server();
	await using hub = new Hub(mailbox.url);
	const [nameplate] = (await hub.code()).split("-", 1);
	await using socket = new RawClient(mailbox.url);
	const client = new RustClient(socket);
	await client.reply("welcome");
	await client.say(`{"type":"bind","appid":"${APP_ID}","side":"${SIDE}"}`);
	await client.say('{"type":"list"}');
	expect((await client.reply("nameplates")).nameplates as unknown).toEqual([{ id: nameplate }]);
	await client.say('{"type":"allocate"}');
	expect((await client.reply("allocated")).nameplate).not.toBe(nameplate);
});
