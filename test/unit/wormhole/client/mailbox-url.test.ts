import { expect, test } from "bun:test";
import { mailboxUrl } from "../../../../src/wormhole/client/mailbox-url.ts";

test.each([
	["ws://127.0.0.1:4000/v1", "ws://127.0.0.1:4000/v1"],
	["wss://relay.example.org/v1", "wss://relay.example.org/v1"],
	["http://127.0.0.1:4000", "ws://127.0.0.1:4000/v1"],
	["http://127.0.0.1:4000/", "ws://127.0.0.1:4000/v1"],
	["https://relay.example.org", "wss://relay.example.org/v1"],
	["HTTPS://relay.example.org/other?x=1#y", "wss://relay.example.org/other?x=1"],
	["ws://[::1]:4000", "ws://[::1]:4000/v1"],
])("the mailbox server %s is normalised to %s", (text, url) => {
	expect(mailboxUrl(text)).toBe(url);
});

test.each(["", "relay.example.org", "relay:4000", "ftp://x/", "ws://", "//x"])("the URL %p is refused", (text) => {
	expect(() => mailboxUrl(text)).toThrow("is not the URL of a mailbox server");
});
