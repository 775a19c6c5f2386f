// The help begins with examples, and each of them is a command line that the parser accepts.
import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import type { CommandTable } from "../../../src/cli/definition.ts";
import { help } from "../../../src/cli/help.ts";
import { TOPICS } from "../../../src/cli/help-topics.ts";
import { readJoinWords } from "../../../src/cli/join-words.ts";
import { parse } from "../../../src/cli/parse-args.ts";
import { readServiceArgs } from "../../../src/cli/service-args.ts";

const TABLE: CommandTable = COMMANDS;

/** What runs of an example: without what the shell does around it. */
const argvOf = (line: string) => (/hivemind-p2p ([^|)]*)/.exec(line)?.[1] ?? "").trim().split(/\s+/);

describe.each(Object.entries(TABLE))("%s", (name, { examples }) => {
	test("the help begins with three examples", async () => {
		const lines = (await help(name, TABLE)).split("\n");
		expect(lines[2]).toBe("EXAMPLES");
		const shown = examples.flatMap(([line, meaning]) => [`  ${meaning}:`, `    ${line}`, ""]);
		expect(lines.slice(4, 4 + shown.length)).toEqual(shown);
		expect(new Set(examples.map(([line]) => line)).size).toBe(3);
	});

	test.each(examples)("%s", (line, meaning) => {
		const parsed = parse(argvOf(line), COMMANDS);
		expect(parsed).toMatchObject({ kind: "run", command: name });
		if (parsed.kind === "run" && parsed.command === "share") readServiceArgs(parsed.options.words);
		if (parsed.kind === "run" && parsed.command === "join") readJoinWords(parsed.options.words, parsed.options.ticket);
		expect(meaning).toMatch(/^[A-Z].*[^.:]$/);
	});
});

test("each command is shown with its arguments, the optional ones in brackets", async () => {
	const usage = async (command: string) => /^USAGE (.*)$/m.exec(await help(command, TABLE))?.[1];
	expect(await usage("share")).toBe("hivemind-p2p share [OPTIONS] [SERVICE...] [NAME]");
	expect(await usage("join")).toBe("hivemind-p2p join [OPTIONS] [NAME] [CODE|TICKET|@ALIAS]");
	expect(await usage("identity")).toBe("hivemind-p2p identity [OPTIONS] <FILE>");
	expect(await usage("demo")).toBe("hivemind-p2p demo [OPTIONS]");
	expect(await usage("help")).toBe("hivemind-p2p help [OPTIONS] [TOPIC]");
});

test("the program's help lists the topics, and each topic is explained", async () => {
	const whole = await help(undefined, TABLE);
	for (const topic of Object.keys(TOPICS)) {
		expect(whole).toContain(`hivemind-p2p help ${topic}`);
		expect((await help(topic, TABLE)).length).toBeGreaterThan(200);
	}
});

test("what somebody types without the command leads to it", () => {
	const hint = (word: string) => {
		try {
			parse([word], COMMANDS);
		} catch (error) {
			return (error as { hint?: string }).hint;
		}
		return "no error";
	};
	expect(hint("3000")).toBe("Did you mean 'share 3000'?");
	expect(hint("localhost:3000")).toBe("Did you mean 'share localhost:3000'?");
	expect(hint("web=3000")).toBe("Did you mean 'share web=3000'?");
	expect(hint("5-hamburger-endorse")).toBe("Did you mean 'join 5-hamburger-endorse'?");
	expect(hint("@work")).toBe("Did you mean 'join @work'?");
	expect(hint("exit-statuses")).toBe("Did you mean 'help exit-statuses'?");
	expect(hint("shrae")).toBe("Did you mean 'share'?");
	expect(hint("frobnicate")).toBeUndefined();
});
