import { expect, test } from "bun:test";
import { mailboxUrl } from "../../../../src/wormhole/client/driver.ts";
import { retryAfter, TIMING } from "../../../../src/wormhole/client/timing.ts";

test.each([
	["ws://127.0.0.1:4000/v1", "ws://127.0.0.1:4000/v1"],
	["wss://relay.example.org/v1", "wss://relay.example.org/v1"],
	["http://127.0.0.1:4000", "ws://127.0.0.1:4000/v1"],
	["http://127.0.0.1:4000/", "ws://127.0.0.1:4000/v1"],
	["https://relay.example.org", "wss://relay.example.org/v1"],
	["HTTPS://relay.example.org/other?x=1#y", "wss://relay.example.org/other?x=1"],
	["ws://[::1]:4000", "ws://[::1]:4000/v1"],
])("the mailbox server %s is %s", (text, url) => {
	expect(mailboxUrl(text)).toBe(url);
});

test.each(["", "relay.example.org", "relay:4000", "ftp://x/", "ws://", "//x"])("the URL %p is refused", (text) => {
	expect(() => mailboxUrl(text)).toThrow("is not the URL of a mailbox server");
});

test("waits between attempts grow by half, with jitter, to a minute at most", () => {
	for (let count = 0; count < 100; count++) {
		const nominal = Math.min(1000 * 1.5 ** count, 50_000);
		const wait = retryAfter(count, TIMING);
		expect(wait).toBeGreaterThanOrEqual(0.8 * nominal);
		expect(wait).toBeLessThanOrEqual(1.2 * nominal);
		expect(wait).toBeLessThanOrEqual(60_000);
	}
});

test("a server that is back after 5 s is found within 10 s, whatever the jitter", () => {
	// The attempts of the luckless: at the latest moments, and at the earliest.
	for (const jitter of [0.8, 1, 1.2]) {
		let at = 0;
		for (let count = 0; at < 5000; count++) at += 1000 * 1.5 ** count * jitter;
		expect(at).toBeLessThan(15_000);
	}
});
