// A hub's events about its join codes, for offers that the test fakes. The codes themselves: test/e2e/wormhole.test.ts.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { HivemindError } from "../../../src/base/errors.ts";
import { ONCE_WAIT_MS } from "../../../src/invite/limits.ts";
import { type OfferEvent, type OfferOptions, offerJoinCodes } from "../../../src/invite/offer-codes.ts";
import * as wormhole from "../../../src/wormhole/client/offer.ts";

let offering: Mock<typeof wormhole.offerCodes>;
/** Settles when the offer is stopped or fails. */
let over: PromiseWithResolvers<void>;
let events: OfferEvent[];

beforeEach(() => {
	over = Promise.withResolvers();
	offering = spyOn(wormhole, "offerCodes").mockImplementation(() => over.promise);
	events = [];
});

afterEach(() => offering.mockRestore());

function offer(options: OfferOptions = {}) {
	const done = offerJoinCodes("ticket", options, (event) => events.push(event), new AbortController().signal);
	const [offered] = offering.mock.calls[0] as [wormhole.OfferOptions];
	return { done, offered };
}

test("whatever happens to a code is an event", async () => {
	const { done, offered } = offer({ mailbox: "ws://m/v1", words: 3 });
	expect(offered).toMatchObject({ ticket: "ticket", url: "ws://m/v1", words: 3, afterTakenMs: 0 });
	offered.onCode("1-a-b-c");
	offered.onWrongCode(4000);
	offered.onWrongCode(0, "it broke off");
	offered.onSpoiled?.("it was cancelled", 1500);
	offered.onUnreachable({ url: "ws://m/v1", why: "no answer", proxy: "http://p (HTTP_PROXY)", hint: "Wait." });
	offered.onMotd?.("be kind");
	offered.onTaken();
	offered.onTaken("no answer");
	offered.onCode("2-d-e-f");
	over.resolve();
	await done;
	expect(events).toEqual([
		{ type: "code", code: "1-a-b-c", mailbox: "ws://m/v1", unused: false },
		{ type: "wrong_code", waitMs: 4000 },
		{ type: "wrong_code", waitMs: 0, reason: "it broke off" },
		{ type: "code_spoiled", reason: "it was cancelled", waitMs: 1500 },
		{
			type: "mailbox_unreachable",
			url: "ws://m/v1",
			reason: "no answer",
			proxy: "http://p (HTTP_PROXY)",
			hint: "Wait.",
		},
		{ type: "mailbox_says", text: "be kind" },
		{ type: "code_taken" },
		{ type: "code_taken", doubt: "no answer" },
		{ type: "code", code: "2-d-e-f", mailbox: "ws://m/v1", unused: false },
	]);
});

test("with --once the next code waits for the peer, and its event says that the last one was of no use", () => {
	const { offered } = offer({ once: true });
	expect(offered.afterTakenMs).toBe(ONCE_WAIT_MS);
	offered.onCode("1-a-b");
	offered.onTaken();
	offered.onCode("2-c-d");
	expect(events.map((event) => event.type === "code" && event.unused)).toEqual([false, false, true]);
});

test("a mailbox server that refuses the hub ends the codes, and nothing else", async () => {
	const { done } = offer();
	over.reject(new HivemindError("mailbox", "The mailbox refuses us.", { hint: "Use another." }));
	await done;
	expect(events).toEqual([{ type: "codes_ended", reason: "The mailbox refuses us.", hint: "Use another." }]);
});

test("a bad URL and a bug are thrown", async () => {
	for (const error of [new HivemindError("usage", "bad URL"), new TypeError("a bug")]) {
		over = Promise.withResolvers();
		const { done } = offer();
		over.reject(error);
		expect(await done.catch((thrown) => thrown)).toBe(error);
	}
	expect(events).toEqual([]);
});
