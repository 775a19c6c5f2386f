// The command line, parsed strictly: whatever is unknown, missing or too much is named, with the nearest valid name.
import { expect, expectTypeOf, test } from "bun:test";
import { optionsOf, read, TABLE } from "../../support/command-table.ts";
import { thrown } from "../../support/throws.ts";

const join = (...argv: string[]) => optionsOf("join", argv);
const demo = (...argv: string[]) => optionsOf("demo", argv);

test("options may be given before and after the command", () => {
	for (const argv of [
		["--alpn", "hivemind", "--ticket=T", "--no-relay", "join", "me"],
		["join", "me", "--alpn=hivemind", "--ticket", "T", "--no-relay"],
		["--no-relay", "join", "--alpn", "hivemind", "me", "--ticket", "T"],
	]) {
		expect(read(...argv)).toEqual({
			kind: "run",
			command: "join",
			options: {
				name: "me",
				alpn: "hivemind",
				ticket: "T",
				"no-relay": true,
				"ws-addr": "127.0.0.1:4000",
				"relay-url": [],
				verbose: 0,
				help: false,
				version: false,
			},
		});
	}
});

test("an option that is not given has its default, or is absent without one", () => {
	const options = join("join", "me");
	expect(options["ws-addr"]).toBe("127.0.0.1:4000");
	expect(Object.keys(options)).not.toContain("ticket");
	expect(join("join", "me", "--ws-addr", "a:1")["ws-addr"]).toBe("a:1");
});

test("the definitions determine the types", () => {
	const options = join("join", "me");
	expectTypeOf(options.name).toEqualTypeOf<string>();
	expectTypeOf(options.alpn).toEqualTypeOf<"hivemind" | "federated-hivemind" | undefined>();
	expectTypeOf(options.ticket).toEqualTypeOf<string | undefined>();
	expectTypeOf(options["ws-addr"]).toEqualTypeOf<string>();
	expectTypeOf(options.keep).toEqualTypeOf<string | true | undefined>();
	expectTypeOf(optionsOf("hubs", ["hubs"]).words).toEqualTypeOf<readonly string[]>();
	expectTypeOf(options["relay-url"]).toEqualTypeOf<readonly string[]>();
	expectTypeOf(options["no-relay"]).toEqualTypeOf<boolean>();
	expectTypeOf(options.verbose).toEqualTypeOf<number>();
});

test("-v is counted, given separately or together", () => {
	expect(demo("demo", "-v").verbose).toBe(1);
	expect(demo("-vv", "demo", "-v", "--verbose").verbose).toBe(4);
	expect(read("-vvh")).toEqual({ kind: "help", command: undefined });
});

test("a repeatable option is a list; any other one given twice is an error", () => {
	const options = demo("demo", "--relay-url", "https://a", "--relay-url=https://b");
	expect(options["relay-url"]).toEqual(["https://a", "https://b"]);
	expect(thrown("usage", () => read("join", "me", "--ticket", "a", "--ticket", "b")).message).toContain("given twice");
	expect(thrown("usage", () => read("demo", "--alpn", "hivemind", "--alpn", "hivemind")).message).toBe(
		"Option '--alpn' is given twice.",
	);
});

test("an option whose value may be left out takes the next word only if that may be one", () => {
	for (const [argv, keep] of [
		[["join", "me"], undefined],
		[["join", "me", "--keep"], true],
		[["join", "--keep", "--ticket", "T", "me"], true],
		[["join", "me", "--keep", "shop"], "shop"],
		[["join", "--keep", "shop", "me"], "shop"],
		[["join", "me", "--keep", "--ticket", "T"], true],
		[["join", "me", "--keep=shop"], "shop"],
		[["join", "me", "--keep=--shop"], "--shop"],
		[["join", "me", "--keep=join"], "join"],
		[["join", "me", "--keep", "demo"], "demo"],
		[["join", "--keep", "5-hamburger-endorse"], true],
		[["join", "--keep", "--", "me"], true],
		[["join", "me", "-v", "--keep", "-v"], true],
		[["--keep", "join", "me"], true],
		[["--keep", "shop", "join", "me"], "shop"],
	] as const) {
		expect(join(...argv).keep, argv.join(" ")).toBe(keep as string);
		expect(join(...argv).name).toBe(argv.includes("5-hamburger-endorse" as never) ? "5-hamburger-endorse" : "me");
	}
});

test("an argument may take all words that are left, also none", () => {
	expect(optionsOf("hubs", ["hubs"]).words).toEqual([]);
	expect(optionsOf("hubs", ["hubs", "remove", "-v", "a", "b"]).words).toEqual(["remove", "a", "b"]);
});

test("after -- everything is an argument", () => {
	expect(join("join", "--", "--help").name).toBe("--help");
	expect(join("--", "join", "-v").name).toBe("-v");
});

test("a negative number and a lone dash are arguments", () => {
	expect(join("join", "-1").name).toBe("-1");
	expect(join("join", "-12v").name).toBe("-12v");
	expect(join("join", "-").name).toBe("-");
	expect(join("join", "me", "--ticket", "-").ticket).toBe("-");
});

test("a value may contain =, white space around it, or, after =, look like an option", () => {
	expect(join("join", "me", "--ticket=a=b").ticket).toBe("a=b");
	expect(join("join", "me", "--ticket", " a ").ticket).toBe(" a ");
	expect(join("join", "me", "--ticket=--no-relay").ticket).toBe("--no-relay");
});

for (const [argv, message, hint] of [
	[["jion", "me"], "Unknown command 'jion'.", "Did you mean 'join'?"],
	[["constructor"], "Unknown command 'constructor'.", undefined],
	[["__proto__"], "Unknown command '__proto__'.", undefined],
	[["demo", "--no-rely"], "Unknown option '--no-rely'.", "Did you mean '--no-relay'?"],
	[["demo", "--constructor"], "Unknown option '--constructor'.", undefined],
	[["demo", "-x"], "Unknown option '-x'.", undefined],
	[["demo", "-vx"], "Unknown option '-x'.", undefined],
	[["demo", "-v=3"], "Unknown option '-='.", undefined],
	[["demo", "-v😀"], "Unknown option '-😀'.", undefined],
	[["demo", "---once"], "Unknown option '---once'.", "Did you mean '--once'?"],
	[["demo", "--nce=yes=no"], "Unknown option '--nce'.", "Did you mean '--once'?"],
	[["demo", "--=x"], "Unknown option '--'.", undefined],
	[["join", "--name", "me"], "Unknown option '--name'.", undefined],
	[["demo", "--"], undefined, undefined],
	[["demo", "--once=yes"], "Option '--once' takes no value.", "Write --once, or --once=false to switch it off."],
	[
		["demo", "--verbose=3"],
		"Option '--verbose' takes no value.",
		"Write --verbose, or --verbose=false to switch it off.",
	],
	[["join", "me", "--ticket"], "Option '--ticket' needs a value.", undefined],
	[["join", "me", "--keep="], "Option '--keep' needs a value.", undefined],
	[["join", "me", "--keep", "a", "--keep=b"], "Option '--keep' is given twice.", undefined],
	[["join", "me", "--keep", "--keep"], "Option '--keep' is given twice.", undefined],
	[["demo", "--keep", "a"], "Option '--keep' belongs to 'join', not to 'demo'.", undefined],
	[["join", "me", "--ticket="], "Option '--ticket' needs a value.", undefined],
	[["join", "me", "--ticket", ""], "Option '--ticket' needs a value.", undefined],
	[["join", "--ticket", "--no-relay", "me"], "Option '--ticket' needs a value.", undefined],
	[["join", "--ticket", "--", "me"], "Option '--ticket' needs a value.", undefined],
	[
		["demo", "--alpn", "hivemnd"],
		"Option '--alpn' must be one of hivemind, federated-hivemind, not 'hivemnd'.",
		"Did you mean 'hivemind'?",
	],
	[["join"], "'join' needs <NAME>.", "See 'join --help'."],
	[["share", "a:1"], "'share' needs <BACKEND> <NAME>.", "See 'share --help'."],
	[["join", "me", "you", "them"], "'join' takes no further argument: 'you' 'them'.", "See 'join --help'."],
	[["demo", "--ticket", "T"], "Option '--ticket' belongs to 'join', not to 'demo'.", undefined],
	[["-v"], "No command given.", "Commands: share, join, hubs, demo."],
] as const) {
	test(`${argv.join(" ")}: ${message ?? "is fine"}`, () => {
		if (message === undefined) return void read(...argv);
		const error = thrown("usage", () => read(...argv));
		expect(error.message).toBe(message);
		expect(error.hint).toBe(hint as string);
	});
}

test("help and version work even if the rest is incomplete", () => {
	expect(read("join", "--help")).toEqual({ kind: "help", command: "join" });
	expect(read("--version")).toEqual({ kind: "version" });
	expect(read("-V").kind).toBe("version");
	expect(read("demo", "--ticket", "T", "-hV")).toEqual({ kind: "help", command: "demo" });
});

test("parsing does not change the table", () => {
	const before = JSON.stringify(TABLE);
	read("join", "me", "--ticket", "T", "-vvv", "--relay-url", "https://a");
	expect(JSON.stringify(TABLE)).toBe(before);
});
