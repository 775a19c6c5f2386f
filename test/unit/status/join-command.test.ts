// The command that is copied from the page.
import { expect, test } from "bun:test";
import { joinCommand } from "../../../src/status/join-command.ts";

test.each([
	[{}, undefined],
	[{ ticket: "endpointabc" }, "hivemind-p2p join --ticket endpointabc"],
	[{ ticket: "endpointabc", code: { code: "5-a-b" } }, "hivemind-p2p join 5-a-b"],
	[
		{ code: { code: "5-a-b", mailbox: "ws://127.0.0.1:14400/v1" } },
		"hivemind-p2p join 5-a-b --wormhole-relay ws://127.0.0.1:14400/v1",
	],
	// Brackets are a pattern to zsh.
	[
		{ code: { code: "5-a-b", mailbox: "ws://[::1]:14400/v1" } },
		'hivemind-p2p join 5-a-b --wormhole-relay "ws://[::1]:14400/v1"',
	],
])("%j", (invitation, command) => {
	expect(joinCommand(invitation)).toBe(command);
});
