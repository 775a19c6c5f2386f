// The command line, strictly: what is unknown, missing or too much is named, with the nearest name.
import { expect, test } from "bun:test";
import { read, TABLE } from "../../support/command-table.ts";
import { thrown } from "../../support/throws.ts";

test("options stand before and after the command", () => {
	const values = new Map<string, unknown>([
		["alpn", "hivemind"],
		["ticket", "T"],
		["no-relay", true],
	]);
	for (const argv of [
		["--alpn", "hivemind", "--ticket=T", "--no-relay", "join", "me"],
		["join", "me", "--alpn=hivemind", "--ticket", "T", "--no-relay"],
		["--no-relay", "join", "--alpn", "hivemind", "me", "--ticket", "T"],
	]) {
		const line = read(...argv);
		expect(line).toMatchObject({ command: "join", positionals: ["me"] });
		expect(new Map<string, unknown>([...line.values].sort())).toEqual(new Map([...values].sort()));
	}
});

test("-v counts, alone and together", () => {
	expect(read("demo", "-v").values.get("verbose")).toBe(1);
	expect(read("-vv", "demo", "-v", "--verbose").values.get("verbose")).toBe(4);
	expect(read("-vvh").values).toEqual(
		new Map<string, true | number>([
			["verbose", 2],
			["help", true],
		]),
	);
});

test("a repeatable option is a list, another one given twice is an error", () => {
	const line = read("demo", "--relay-url", "https://a", "--relay-url=https://b");
	expect(line.values.get("relay-url")).toEqual(["https://a", "https://b"]);
	expect(thrown("usage", () => read("join", "me", "--ticket", "a", "--ticket", "b")).message).toContain("given twice");
});

test("behind -- everything is an argument", () => {
	expect(read("join", "--", "--help").positionals).toEqual(["--help"]);
	expect(read("--", "join", "-v")).toMatchObject({ command: "join", positionals: ["-v"] });
});

test("a negative number and a lone dash are arguments", () => {
	expect(read("join", "-1").positionals).toEqual(["-1"]);
	expect(read("join", "-").positionals).toEqual(["-"]);
	expect(read("join", "me", "--ticket", "-").values.get("ticket")).toBe("-");
});

test("a value may contain = and be quoted white space", () => {
	expect(read("join", "me", "--ticket=a=b").values.get("ticket")).toBe("a=b");
	expect(read("join", "me", "--ticket", " a ").values.get("ticket")).toBe(" a ");
});

for (const [argv, message, hint] of [
	[["jion", "me"], "Unknown command 'jion'.", "Did you mean 'join'?"],
	[["constructor"], "Unknown command 'constructor'.", undefined],
	[["__proto__"], "Unknown command '__proto__'.", undefined],
	[["demo", "--no-rely"], "Unknown option '--no-rely'.", "Did you mean '--no-relay'?"],
	[["demo", "--constructor"], "Unknown option '--constructor'.", undefined],
	[["demo", "-x"], "Unknown option '-x'.", undefined],
	[["demo", "-vx"], "Unknown option '-x'.", undefined],
	[["demo", "---once"], "Unknown option '---once'.", "Did you mean '--once'?"],
	[["demo", "--"], undefined, undefined],
	[["demo", "--once=yes"], "Option '--once' takes no value.", undefined],
	[["demo", "--verbose=3"], "Option '--verbose' takes no value.", undefined],
	[["join", "me", "--ticket"], "Option '--ticket' needs a value.", undefined],
	[["join", "me", "--ticket="], "Option '--ticket' needs a value.", undefined],
	[["join", "--ticket", "--no-relay", "me"], "Option '--ticket' needs a value.", undefined],
	[
		["demo", "--alpn", "hivemnd"],
		"Option '--alpn' is one of hivemind, federated-hivemind, not 'hivemnd'.",
		"Did you mean 'hivemind'?",
	],
	[["join"], "'join' needs <NAME>.", "See 'join --help'."],
	[["share", "a:1"], "'share' needs <BACKEND> <NAME>.", "See 'share --help'."],
	[["join", "me", "you", "them"], "'join' takes no further argument: 'you' 'them'.", "See 'join --help'."],
	[["demo", "--ticket", "T"], "Option '--ticket' belongs to 'join', not to 'demo'.", undefined],
	[["-v"], "No command given.", "Commands: share, join, demo."],
] as const) {
	test(`${argv.join(" ")}: ${message ?? "is fine"}`, () => {
		if (message === undefined) return void read(...argv);
		const error = thrown("usage", () => read(...argv));
		expect(error.message).toBe(message);
		expect(error.hint).toBe(hint as string);
	});
}

test("help and version are given although the rest is incomplete", () => {
	expect(read("join", "--help").command).toBe("join");
	expect(read("--version").command).toBeUndefined();
	expect(read("-V").values.has("version")).toBe(true);
});

test("the table itself is not changed by reading", () => {
	const before = JSON.stringify(TABLE);
	read("join", "me", "--ticket", "T", "-vvv", "--relay-url", "https://a");
	expect(JSON.stringify(TABLE)).toBe(before);
});
