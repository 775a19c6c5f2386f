// Tickets, with the real binding: what a user may paste, and the message for each kind of damage.
import { expect, test } from "bun:test";
import { TICKET_MAX } from "../../../src/invite/limits.ts";
import { newSecret } from "../../../src/invite/secret.ts";
import { formatTicket, parseTicket } from "../../../src/invite/ticket.ts";
import { loadIroh } from "../../../src/transport/iroh.ts";
import { nativeBytes } from "../../support/native-bytes.ts";
import { resultOr } from "../../support/throws.ts";

const { EndpointAddr, SecretKey } = await loadIroh();
const id = SecretKey.fromBytes(nativeBytes(new Uint8Array(32).fill(7))).public();
const address = new EndpointAddr(id, "https://relay.example.org/", ["192.0.2.1:4433", "[2001:db8::1]:4433"]);
const ticket = await formatTicket({ address, secret: undefined });
const secret = newSecret();

const refusal = async (text: string): Promise<string> => {
	const error = await resultOr("ticket", parseTicket(text));
	expect(error).toBeInstanceOf(Error);
	return (error as Error).message;
};

test("a ticket carries the id, the addresses and the relay", async () => {
	const { address: parsed, secret: none } = await parseTicket(ticket);
	expect(parsed.id().toString()).toBe(id.toString());
	expect(parsed.directAddresses().sort()).toEqual(address.directAddresses().sort());
	expect(parsed.relayUrl()).toBe(address.relayUrl());
	expect(none).toBeUndefined();
	expect(await formatTicket({ address: parsed, secret: none })).toBe(ticket);
});

test("a ticket with a secret is the ticket, a dot and the secret", async () => {
	const whole = await formatTicket({ address, secret });
	expect(whole).toBe(`${ticket}.${secret}`);
	const parsed = await parseTicket(whole);
	expect(parsed.secret).toBe(secret);
	expect(parsed.address.id().toString()).toBe(id.toString());
	expect(await formatTicket(parsed)).toBe(whole);
});

test("white space around a ticket, and capitals, do not matter", async () => {
	for (const one of [ticket, `${ticket}.${secret}`]) {
		for (const text of [` ${one}\n`, one.toUpperCase(), `\t${one}\r\n`]) {
			expect(await formatTicket(await parseTicket(text))).toBe(one);
		}
	}
});

const AFTER_DOT = "The ticket is cut short or has invalid characters after the dot.";

for (const [symptom, text, message] of [
	["an empty ticket", " \n", "The ticket is empty."],
	["another word", "hello", "The ticket does not begin with 'endpoint'."],
	["a join code", "7-crossword-clockwork", "The ticket does not begin with 'endpoint'."],
	["only the prefix", "endpoint", undefined],
	[
		"white space within",
		`${ticket.slice(0, 20)} ${ticket.slice(20)}`,
		"The ticket has an invalid character at position 21.",
	],
	[
		"an invalid character",
		`${ticket.slice(0, 30)}0${ticket.slice(31)}`,
		"The ticket has an invalid character at position 31.",
	],
	["a quote at the end", `${ticket}'`, `The ticket has an invalid character at position ${ticket.length + 1}.`],
	["a megabyte", `endpoint${"a".repeat(1e6)}`, `The ticket is longer than ${TICKET_MAX} characters.`],
	["letters after the end", `${ticket}aa`, undefined],
	["eight letters after the end", `${ticket}aaaaaaaa`, "The ticket has trailing or invalid characters."],
	["the ticket twice", ticket + ticket.slice("endpoint".length), undefined],
	["a dot and nothing", `${ticket}.`, AFTER_DOT],
	["a secret cut short", `${ticket}.${secret.slice(0, -1)}`, AFTER_DOT],
	["a secret that is longer", `${ticket}.${secret}a`, AFTER_DOT],
	["a secret with a wrong character", `${ticket}.${secret.slice(0, -1)}1`, AFTER_DOT],
	["a secret of more than 128 bits", `${ticket}.${"a".repeat(25)}b`, AFTER_DOT],
	["two secrets", `${ticket}.${secret}.${secret}`, AFTER_DOT],
	["white space before the secret", `${ticket}. ${secret}`, AFTER_DOT],
	["a megabyte after the dot", `${ticket}.${"a".repeat(1e6)}`, AFTER_DOT],
	["a secret alone", `.${secret}`, "The ticket is empty."],
] as const) {
	test(`${symptom} is not a valid ticket`, async () => {
		const shown = await refusal(text);
		expect(shown).toStartWith("The ticket ");
		expect(shown.length).toBeLessThan(100);
		if (message) expect(shown).toBe(message);
	});
}

test("a ticket cut short anywhere is not a valid ticket", async () => {
	const whole = `${ticket}.${secret}`;
	for (let length = 0; length < whole.length; length++) {
		// Cut right before the dot it is a valid ticket of an open hub.
		if (length !== ticket.length) await refusal(whole.slice(0, length));
	}
});

test("the binding's own error text is not shown to users", async () => {
	expect(await refusal(ticket.slice(0, 40))).toBe("The ticket is cut short.");
});
