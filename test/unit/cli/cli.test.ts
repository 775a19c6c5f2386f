// From strings to typed options: each bad value is reported before anything is bound or connected.
import { expect, test } from "bun:test";
import { HivemindError } from "../../../src/base/errors.ts";
import { run } from "../../../src/cli/cli.ts";
import { NAME_MAX } from "../../../src/protocol/limits.ts";
import { resultOr } from "../../support/throws.ts";

const SHARE = ["share", "localhost:1", "localhost:2", "localhost:3"];

for (const [argv, message] of [
	[["join", "me"], "'join' needs a ticket or a join code."],
	[["join", "--name", "me"], "'join' needs a ticket or a join code."],
	[["join"], "'join' needs a ticket or a join code."],
	[["join", "@work"], "No hub is saved as '@work'."],
	[["join", "5-hamburgr-endorse"], "'hamburgr' is not a word of a join code."],
	[["share"], "'share' needs a service."],
	[["share", "my-hub"], "'share' needs a service."],
	[["share", "--name", "my-hub"], "'share' needs a service."],
	[["share", "3000", "my-hub", "--name", "x"], "There are two names: 'my-hub' and --name 'x'."],
	[["share", "3000", "--name", "a\nb"], "The name contains control characters."],
	[[...SHARE, ""], "The name is empty."],
	[[...SHARE, "  "], "The name is empty."],
	[[...SHARE, "a\nb"], "The name contains control characters."],
	[[...SHARE, "a\u202eb"], "The name contains control characters."],
	[[...SHARE, "x".repeat(NAME_MAX + 1)], `The name is longer than ${NAME_MAX} characters.`],
	[
		["share", "localhost", "localhost:2", "localhost:3", "hub"],
		"'localhost' is not a service, and only the last argument can be the hub's name.",
	],
	[
		["share", "localhost:1", "localhost:0", "localhost:3", "hub"],
		"The backend: 'localhost:0' has port 0, which no service listens on.",
	],
	[
		["join", "me", "--ticket", "T", "--ws-addr", "::1"],
		"--ws-addr: '::1' has no port (an IPv6 address goes in brackets).",
	],
	[[...SHARE, "hub", "--ipv4-addr", "[::1]:0"], "--ipv4-addr: '[::1]:0' is not an IPv4 address."],
	[[...SHARE, "hub", "--ipv6-addr", "127.0.0.1:0"], "--ipv6-addr: '127.0.0.1:0' is not an IPv6 address."],
	[[...SHARE, "hub", "--ipv4-addr", "example.org:0"], "--ipv4-addr: 'example.org:0' is not an IPv4 address."],
	[
		[...SHARE, "hub", "--no-relay", "--relay-url", "https://a.example"],
		"--relay-url and --no-relay exclude each other.",
	],
	[[...SHARE, "hub", "--rotate"], "--rotate does nothing without --identity."],
	[[...SHARE, "hub", "--code-words", "3"], "--code-words does nothing without --wormhole."],
	[["share", "3000", "--config", "a.toml", "--no-config"], "--config and --no-config exclude each other."],
	[["share", "3000", "--config", "/none.toml"], "--config: /none.toml does not exist."],
	[[...SHARE, "hub", "--relay-url", "a.example"], "--relay-url: 'a.example' is not an http or https URL."],
	[[...SHARE, "hub", "--relay-url", "ftp://a.example"], "--relay-url: 'ftp://a.example' is not an http or https URL."],
] as const) {
	test(`${argv.join(" ").slice(0, 60).replaceAll("\n", "↵")}: ${message}`, async () => {
		const code = message.includes("is not a word") ? "code" : "usage";
		const error = await resultOr(code, run(argv, AbortSignal.abort(), AbortSignal.abort()));
		expect(error).toBeInstanceOf(HivemindError);
		expect((error as HivemindError).message).toBe(message);
	});
}
