// A hostile peer that guesses at join codes: it tests one guess at each code, on the hub's `version` message, and then
// tries to make the failed exchange look like something other than a wrong guess.
import { fromHex, phaseKey, unseal } from "../../src/wormhole/client/keys.ts";
import { pakeBody, parsePake } from "../../src/wormhole/client/payload.ts";
import { finish, randomScalar, start } from "../../src/wormhole/client/spake2.ts";
import { RawClient } from "./wormhole.ts";

const APP_ID = "lothar.com/wormhole/text-or-file-xfer";

/** A guesser in the mailbox of a code. */
interface Inside {
	url: string;
	client: RawClient;
	nameplate: string;
	mailbox: string;
	hubSide: string;
}

export interface Ending {
	act(inside: Inside): Promise<unknown>;
	/** What the hub says about it; undefined for a plain wrong code. */
	why: string | undefined;
}

/** The hub waits in vain for more. */
export const SILENT = "the other side stopped answering";
const FLOODED = "more messages in the mailbox than an exchange has";

/** The ending of one that hides nothing. */
export const OPEN = "shows its wrong key";

/** What a guesser does once it knows that its guess was wrong. */
export const ENDINGS: Readonly<Record<string, Ending>> = {
	[OPEN]: {
		act: ({ client }) => client.send({ type: "add", phase: "version", body: "00".repeat(60) }),
		why: undefined,
	},
	"adds junk phases": { act: addJunk, why: FLOODED },
	"fills the mailbox": {
		async act({ client }) {
			for (let i = 0; i < 20; i++) await client.send({ type: "add", phase: "x", body: "00".repeat(20_000) });
			await client.next("error");
		},
		why: SILENT,
	},
	"adds a message as long as a frame may be": {
		act: ({ client }) => client.send({ type: "add", phase: "1", body: "00".repeat(32_740) }),
		why: SILENT,
	},
	disappears: { act: ({ client }) => client[Symbol.asyncDispose](), why: SILENT },
	"closes the mailbox": {
		async act({ client, mailbox }) {
			await client.send({ type: "close", mailbox, mood: "happy" });
			await client.next("closed");
		},
		why: SILENT,
	},
	"claims a second time": {
		async act({ url, nameplate, mailbox }) {
			await using second = await new RawClient(url).bind("second");
			await second.send({ type: "claim", nameplate });
			await second.send({ type: "open", mailbox });
			await second.send({ type: "add", phase: "version", body: "00" });
			await second.send({ type: "ping", ping: 1 });
			await second.next("pong");
		},
		why: SILENT,
	},
	"closes the mailbox in the hub's name": {
		async act(inside) {
			await using double = await new RawClient(inside.url).bind(inside.hubSide);
			await double.send({ type: "close", mailbox: inside.mailbox });
			await double.next("closed");
			await addJunk(inside);
		},
		why: FLOODED,
	},
};

/** Tests one wrong guess at `code`, then does `act`. Throws when the hub's answer allowed no test. */
export async function guess(url: string, code: string, act: Ending["act"]): Promise<void> {
	const [nameplate] = code.split("-", 1) as [string];
	const spake = start(`${nameplate}-wrong-guess`, APP_ID, randomScalar());
	await using client = await new RawClient(url).bind("guesser");
	await client.send({ type: "claim", nameplate });
	const { mailbox } = (await client.next("claimed")) as { mailbox: string };
	await client.send({ type: "open", mailbox });
	await client.send({ type: "add", phase: "pake", body: pakeBody(spake.message) });
	const theirs = new Map<string, { side: string; body: string }>();
	while (!theirs.has("version")) {
		const message = (await client.next("message")) as { side: string; phase: string; body: string };
		if (message.side !== "guesser") theirs.set(message.phase, message);
	}
	const pake = theirs.get("pake");
	const version = theirs.get("version");
	if (!pake || !version) throw new Error("the hub's messages are incomplete");
	const key = finish(spake, fromHex(parsePake(fromHex(pake.body)) ?? "") ?? new Uint8Array());
	if (unseal(phaseKey(key, version.side, "version"), version.body)) throw new Error("the guess was right");
	await act({ url, client, nameplate, mailbox, hubSide: version.side });
}

// --- internal ---

async function addJunk({ client }: Inside): Promise<void> {
	for (let i = 0; i < 40; i++) await client.send({ type: "add", phase: `junk${i}`, body: "00" });
}
