// The arguments of `join`: which of them is the name and which the invitation.
import { describe, expect, test } from "bun:test";
import { readJoinWords } from "../../../src/cli/join-words.ts";
import { thrown } from "../../support/throws.ts";

const TICKET = `endpoint${"a2b".repeat(40)}.abcdefghijklmnopqrstuvwxyz`;

describe("without another invitation", () => {
	test.each([
		"5-hamburger-endorse",
		"5-hamburger-endorse.",
		"'5-hamburger-endorse'",
		"5–hamburger–endorse",
		"5 hamburger endorse",
		"5_hamburger_endorse",
		"Join code: 5-hamburger-endorse",
		"5-hamburgr",
		"5-größe-endorse",
		"5-",
	])("'%s' is a code, alone, behind a name and before it", (code) => {
		const invitation = { kind: "code", text: code } as const;
		expect(readJoinWords([code], undefined)).toEqual({ name: undefined, invitation });
		expect(readJoinWords(["my-peer", code], undefined)).toEqual({ name: "my-peer", invitation });
		expect(readJoinWords([code, "my-peer"], undefined)).toEqual({ name: "my-peer", invitation });
	});

	test("a ticket is one, with what a mail puts around it", () => {
		for (const text of [TICKET, TICKET.toUpperCase(), `"${TICKET}".`, `Ticket: ${TICKET}`]) {
			const invitation = { kind: "ticket", text } as const;
			expect(readJoinWords([text, "my-peer"], undefined)).toEqual({ name: "my-peer", invitation });
		}
	});

	test("an alias is a saved hub", () => {
		const invitation = { kind: "saved", text: "work" } as const;
		expect(readJoinWords(["@work"], undefined)).toEqual({ name: undefined, invitation });
		expect(readJoinWords(["my-peer", "@work"], undefined)).toEqual({ name: "my-peer", invitation });
	});

	test("the hub's whole command in quotes is an invitation, too", () => {
		const text = "hivemind-p2p join 5-hamburger-endorse --wormhole-relay ws://m/v1";
		expect(readJoinWords([text], undefined).invitation).toEqual({ kind: "code", text });
	});

	test.each(["my-peer", "hamburger-endorse", "5", "-", "", "@", "peer5-a", "Anna’s laptop", "join"])(
		"'%s' is a name",
		(name) => {
			expect(readJoinWords([name], undefined)).toEqual({ name, invitation: undefined });
		},
	);

	test("nothing is nothing", () => {
		expect(readJoinWords([], undefined)).toEqual({ name: undefined, invitation: undefined });
	});
});

describe("beside another invitation", () => {
	test.each(["5-hamburger-endorse", TICKET, "@work", "my-peer"])(
		"of an option, a single '%s' is the name, as in the original program",
		(name) => {
			expect(readJoinWords([name], "--ticket")).toEqual({ name, invitation: undefined });
		},
	);

	test("two are an error", () => {
		const { message, hint } = thrown("usage", () => readJoinWords(["my-peer", "5-a-b"], "--ticket"));
		expect(message).toBe("'join' takes one invitation, and --ticket already gives one.");
		expect(hint).toContain("--name");
		for (const words of [
			["5-a-b", "6-c-d"],
			["5-a-b", "@work"],
			[TICKET, "5-a-b"],
		]) {
			const error = thrown("usage", () => readJoinWords(words, undefined));
			expect(error.message).toBe("'join' takes one invitation, not two.");
			expect(error.message).not.toContain("endpoint");
		}
	});
});

test("a service and its port are not silently a name", () => {
	for (const words of [["web=3000", "5-a-b"], ["5-a-b", "web=3000"], ["web=3000"]]) {
		const { message, hint } = thrown("usage", () => readJoinWords(words, undefined));
		expect(message).toBe("'web=3000' is not taken for this peer's name.");
		expect(hint).toBe(
			"To choose the port of a service, write --bind web=3000. If it is the name, write --name web=3000.",
		);
	}
	expect(readJoinWords(["web=3000"], "--ticket").name).toBe("web=3000");
	expect(readJoinWords(["a=b"], undefined).name).toBe("a=b");
});

describe("several names are an error that says how to write", () => {
	test.each([
		[["my", "peer"], 'Put a name of several words in quotes: "my peer".'],
		[["my", "5-a-b", "peer"], 'Put a name of several words in quotes: "my peer".'],
		[["5", "hamburger", "endorse"], "Write a join code with hyphens: 5-hamburger-endorse."],
	])("%p", (words, hint) => {
		const error = thrown("usage", () => readJoinWords(words, undefined));
		expect(error.message).toStartWith("'join' takes one name, not ");
		expect(error.hint).toStartWith(hint);
	});
});
