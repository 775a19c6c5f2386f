// The question for another port: its words, and what counts as an answer. On a real terminal: test/cli/ports.test.ts.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { BAD_PORTS_MAX } from "../../../src/cli/limits.ts";
import { askForPort } from "../../../src/cli/port-question.ts";
import type { Input } from "../../../src/cli/terminal-input.ts";
import type { PortQuestion } from "../../../src/peer/port-choices.ts";

const OWNER = { address: { host: "::1", port: 5432 }, pid: 4711, program: "postgres" };
const QUESTION: PortQuestion = { service: "db", taken: 5432, why: "busy", owner: OWNER, proposed: 5433 };

let printed: Mock<typeof process.stderr.write>;
beforeEach(() => {
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => printed.mockRestore());

/** Asks; resolves with the questions that were shown, and the port. */
async function ask(question: PortQuestion, ...answers: (string | undefined)[]) {
	const shown: string[] = [];
	const input = {
		ask: async (text: string) => {
			shown.push(text);
			return answers[shown.length - 1];
		},
	} as Input;
	return { port: await askForPort(question, input), shown };
}

test("the question says who has the port, where the system tells, and which port is proposed", async () => {
	const words = async (question: Partial<PortQuestion>) => (await ask({ ...QUESTION, ...question }, "")).shown;
	expect(await words({})).toEqual(["5432 is in use here by postgres (pid 4711). Another port for db [5433]: "]);
	expect(await words({ owner: undefined })).toEqual(["5432 is in use here. Another port for db [5433]: "]);
	expect(await words({ owner: { ...OWNER, pid: process.pid } })).toEqual([
		"5432 is taken by another service of this hub. Another port for db [5433]: ",
	]);
	expect(await words({ why: "denied", taken: 80, owner: undefined })).toEqual([
		"80 may not be opened by this user. Another port for db [5433]: ",
	]);
});

test.each([
	["5434", 5434],
	["0", 0],
	["65535", 65_535],
	["", undefined],
	[undefined, undefined],
])("the answer %p is %p", async (answer, port) => {
	expect(await ask(QUESTION, answer)).toMatchObject({ port });
});

test.each(["x", "65536", "-1", "3.5", "0x10", "localhost:1", "5433 please"])("'%s' is asked again", async (bad) => {
	const { port, shown } = await ask(QUESTION, bad, "7");
	expect(port).toBe(7);
	expect(shown).toHaveLength(2);
	expect(printed.mock.calls.join("")).toContain("That is not a port number from 0 to 65535.");
});

test("it is not asked forever: then the proposed port is taken", async () => {
	const { port, shown } = await ask(QUESTION, ...new Array(100).fill("x"));
	expect(port).toBeUndefined();
	expect(shown).toHaveLength(BAD_PORTS_MAX);
});
