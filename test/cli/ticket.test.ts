// Invalid tickets: garbage, a real one cut short anywhere, a real one with something after it. The binding's parser
// accepts some of these, but a copying error must never look like a hub that cannot be reached.
import { expect, test } from "bun:test";
import { run } from "../support/executable.ts";
import { deadTicket, expectError, joining } from "./terminals.ts";

const join = (ticket: string) => run(joining(ticket));

test.each([
	["a word", "nonsense", /does not begin with 'endpoint'/],
	["only white space", " ", /The ticket is empty/],
	["only the prefix", "endpoint", /The ticket is (cut short|damaged)/],
	["the prefix and a few characters", "endpointaaaa", /The ticket is (cut short|damaged)/],
	["a node ticket of an older iroh", `node${"a".repeat(100)}`, /does not begin with 'endpoint'/],
	["characters that base32 does not have", "endpoint0189", /invalid character at position 9/],
	["an ellipsis, copied from the README", "endpoint…", /invalid character at position 9/],
	["a quote within", "endpointaaaa'a", /invalid character at position 13/],
	["100,000 characters", `endpoint${"a".repeat(100_000)}`, /longer than 4096 characters/],
	["a join code", "7-guitarist-revenge", /does not begin with 'endpoint'/],
])("a ticket that is garbage: %s", async (_what, ticket, message) => {
	expectError(await join(ticket), "ticket", message);
});

test("a real ticket that is cut short, at every length", async () => {
	const ticket = await deadTicket();
	const all = Array.from({ length: ticket.length - 1 }, (_, i) => ticket.slice(0, i + 1));
	// Cut right before its dot it is a valid ticket of an open hub, which only the hub can deny.
	const cuts = all.filter((cut) => cut.length !== ticket.indexOf("."));
	// A few at a time, for small machines.
	const next = cuts.values();
	const worker = async () => {
		for (const cut of next) expectError(await join(cut), "ticket", /The ticket /);
	};
	await Promise.all([worker(), worker(), worker()]);
	expect(cuts.length).toBeGreaterThan(50);
}, 60_000);

test.each(["a", "aa", "7", "aaaaaaaa", "zzzzzzzzzzzzzzzz", "=", "'x", " x", "…", "\nTo connect, run:", "é"])(
	"a real ticket followed by %p",
	async (tail) => {
		expectError(await join((await deadTicket()) + tail), "ticket", /The ticket /);
	},
);

test("two tickets in a row", async () => {
	const ticket = await deadTicket();
	expectError(await join(ticket + ticket), "ticket", /The ticket /);
});
