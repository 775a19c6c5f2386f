// What a user sees: the box's width and the log levels.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { arrow, box, log, setVerbosity, waitingFor } from "../../../src/base/output.ts";
import * as descriptors from "../../../src/base/stdio.ts";

const { LC_ALL } = process.env;
let isTerminal: Mock<typeof descriptors.isTerminal>;

function terminal(tty: boolean, locale: string): void {
	isTerminal.mockImplementation((fd) => fd === descriptors.STDOUT && tty);
	process.env.LC_ALL = locale;
}

beforeEach(() => {
	isTerminal = spyOn(descriptors, "isTerminal");
	terminal(true, "en_US.UTF-8");
});

afterEach(() => {
	isTerminal.mockRestore();
	if (LC_ALL === undefined) delete process.env.LC_ALL;
	else process.env.LC_ALL = LC_ALL;
});

for (const title of [
	"Hub 'my-hub' is running",
	"Hub '日本語のハブ' is running",
	"Hub '👋🏽 hi' is running",
	"Hub 'e\u0301te\u0301' is running",
	"",
]) {
	test(`the box around "${title}" is 80 columns wide on every line`, () => {
		const lines = box(title).split("\n");
		expect(lines.map((line) => Bun.stringWidth(line))).toEqual([80, 80, 80]);
		expect(lines[1]).toContain(title);
	});
}

test("the box grows to fit a title that is too wide", () => {
	const lines = box("日".repeat(60)).split("\n");
	expect(lines.map((line) => Bun.stringWidth(line))).toEqual([124, 124, 124]);
});

test("the box has double lines and a space on each side of the title", () => {
	expect(box("Hub 'my-hub' is running")).toBe(
		[`╔${"═".repeat(78)}╗`, `║ Hub 'my-hub' is running${" ".repeat(54)}║`, `╚${"═".repeat(78)}╝`].join("\n"),
	);
});

test("no box where stdout is not a terminal, or the terminal does not know the characters", () => {
	terminal(false, "en_US.UTF-8");
	expect(box("title")).toBe("title");
	if (process.platform !== "linux") return;
	terminal(true, "C");
	expect(box("title")).toBe("title");
});

test("the arrow has two characters where there is no box", () => {
	expect(arrow()).toBe("→");
	terminal(false, "en_US.UTF-8");
	expect(arrow()).toBe("->");
});

test("each -v shows one more level, and more than four change nothing", () => {
	const written: string[] = [];
	const write = spyOn(process.stderr, "write").mockImplementation((text: unknown) => written.push(String(text)) > 0);
	try {
		const shown = (verbosity: number) => {
			setVerbosity(verbosity);
			written.length = 0;
			for (const level of ["error", "warn", "info", "debug", "trace"] as const) log[level](`it is ${level}`);
			return written.length;
		};
		expect([0, 1, 2, 3, 4, 9].map(shown)).toEqual([1, 2, 3, 4, 5, 5]);
		setVerbosity(0);
		log.error("a", 1);
		expect(written.at(-1)).toContain("error: a 1\n");
	} finally {
		write.mockRestore();
		setVerbosity(0);
	}
});

test("a line that is logged ten times is printed ten times, each time at once: callers limit what may repeat", () => {
	const write = spyOn(process.stderr, "write").mockImplementation(() => true);
	try {
		for (let i = 0; i < 10; i++) log.error("the same");
		expect(write).toHaveBeenCalledTimes(10);
	} finally {
		write.mockRestore();
	}
});

test("a short wait prints nothing, in one step or in several", () => {
	const write = spyOn(process.stderr, "write").mockImplementation(() => true);
	try {
		waitingFor("nothing").end();
		const wait = waitingFor("nothing");
		wait.change("nothing else");
		wait.end();
		expect(write).not.toHaveBeenCalled();
	} finally {
		write.mockRestore();
	}
});
