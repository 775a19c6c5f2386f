// Tickets, with the real binding: any text is either a ticket that prints the same, or gives the error `ticket`.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HivemindError } from "../../src/base/errors.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { formatTicket, parseTicket, type Ticket } from "../../src/invite/ticket.ts";
import { type EndpointAddr, loadIroh } from "../../src/transport/iroh.ts";
import { cases } from "../support/cases.ts";
import { nativeBytes } from "../support/native-bytes.ts";
import { resultOr } from "../support/throws.ts";

const { EndpointAddr: Address, SecretKey } = await loadIroh();

// Eight groups without a zero have only one spelling, so the texts can be compared.
const group = fc.integer({ min: 1, max: 0xffff }).map((it) => it.toString(16));
const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => `[${groups.join(":")}]`);
const direct = fc.tuple(fc.oneof(fc.ipV4(), ipv6), fc.integer({ min: 1, max: 65_535 }));
const address = fc
	.record({
		key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
		relay: fc.option(fc.domain().map((host) => `https://${host}/`)),
		addresses: fc.array(
			direct.map(([host, port]) => `${host}:${port}`),
			{ maxLength: 4 },
		),
	})
	.map(
		({ key, relay, addresses }): EndpointAddr =>
			new Address(SecretKey.fromBytes(nativeBytes(key)).public(), relay, addresses),
	);
const secret = fc.option(fc.constant(0).map(newSecret), { nil: undefined });
const real: fc.Arbitrary<Ticket> = fc.record({ address, secret });

/** Sorted, without duplicates. */
const addresses = (of: EndpointAddr | undefined): string[] => [...new Set(of?.directAddresses())].sort();

/** Expects that the text is refused, or is exactly one ticket. */
async function check(text: string): Promise<Ticket | undefined> {
	const result = await resultOr("ticket", parseTicket(text));
	if (result instanceof HivemindError) return undefined;
	expect(await formatTicket(result)).toBe(text.trim().toLowerCase());
	// What `connect` and its error message call.
	expect(result.address.directAddresses()).toBeArray();
	result.address.relayUrl();
	expect(result.address.id().toString()).not.toBe("");
	return result;
}

test("every address and every secret survives being written as a ticket", async () => {
	await fc.assert(
		fc.asyncProperty(real, async ({ address, secret }) => {
			const parsed = await check(await formatTicket({ address, secret }));
			expect(parsed?.secret).toBe(secret);
			expect(parsed?.address.id().equals(address.id())).toBe(true);
			expect(parsed?.address.relayUrl()).toBe(address.relayUrl());
			expect(addresses(parsed?.address)).toEqual(addresses(address));
		}),
		{ numRuns: 200 },
	);
});

test("any text is refused or is a ticket", async () => {
	const base32 = fc.stringMatching(/^[a-z2-7]{0,200}(\.[a-z2-7]{24,28})?$/).map((text) => `endpoint${text}`);
	await fc.assert(
		fc.asyncProperty(fc.oneof(fc.string({ unit: "binary", maxLength: 100 }), base32), async (text) => {
			await check(text);
		}),
		{ numRuns: cases(300) },
	);
});

test("a ticket with a typing error is refused or is another complete ticket; nothing is silently cut off", async () => {
	const slip = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.stringMatching(/^[a-z2-7 .-]{0,3}$/) });
	await fc.assert(
		fc.asyncProperty(real, slip, async (whole, { at, remove, insert }) => {
			const ticket = await formatTicket(whole);
			const i = at % (ticket.length + 1);
			await check(ticket.slice(0, i) + insert + ticket.slice(i + remove));
		}),
		{ numRuns: cases(300) },
	);
});
