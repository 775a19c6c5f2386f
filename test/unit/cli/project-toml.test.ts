// Bun's TOML parser tells no positions. The lines that are told here are those of the mistake, and of the key.
import { describe, expect, test } from "bun:test";
import { lineOf, parseToml } from "../../../src/cli/project-toml.ts";
import { thrown } from "../../support/throws.ts";

describe("a mistake in the syntax is told with its line:", () => {
	test.each([
		["a value without quotes", "a = 1\n\nb = yes\nc = 2\n", 'line 3: Strings must be quoted: "yes".'],
		["in the middle of a list", "a = [\n 1,\n yes,\n 2\n]\n", 'line 3: Strings must be quoted: "yes".'],
		[
			"a value that is missing",
			"a = 1\nb =\nc = 2",
			"line 2: Missing value after '='; values must be on the same line.",
		],
		["at the end of the file", "a = 1\nb =", "line 2: Missing value after '='."],
		["a text that does not end on its line", 'a = "x\nb = 2', "line 1: Unterminated string; newlines must be escaped"],
		["a long text that does not end", 'a = """\nx"""\nb = """\ny\n\n', "line 3: Unterminated string."],
		[
			"a table that is not closed",
			"\n\n[x\n\n",
			"line 3: Expected ']' to close a table header but found the end of the line.",
		],
		["a list that is not closed", "b = [1,\n2\n\n\n", "line 2: Expected ',' or ']' in an array but found end of file."],
		["a key given twice", "a = 1\na = 2\n", "line 2: Cannot redefine key 'a'."],
		["a table given twice", "[a]\nx = 1\n[b]\n[a]\n", "line 4: Cannot redefine table 'a'."],
		["an umlaut in a key", "a = 1\nü = 1", "line 2: Expected a key but found a character outside ASCII."],
		["typographic quotes", "a = “x”", "line 1: Expected a value but found a character outside ASCII."],
		[
			"with the line ends of Windows, behind a byte order mark",
			"\ufeffa = 1\r\nb =\r\n",
			"line 2: Missing value after '='",
		],
	])("%s", (_what, text, message) => {
		const error = thrown("usage", () => parseToml(text, "hivemind.toml"));
		expect(error.message).toStartWith(`hivemind.toml, ${message}`);
		expect(error.message).toEndWith(".");
		expect(error.hint).toContain("TOML");
	});

	test("but no line is searched for in a file of very many lines", () => {
		const error = thrown("usage", () => parseToml(`${"\n".repeat(1_000)}a =`, "f"));
		expect(error.message).toBe("f: Missing value after '='.");
	});
});

const FILE = `# a comment with web = 1
name = "x"   # name

[services]
web = 3000
"a.b" = 1
text = """
[services]
web = 1
"""

list = [
  1, # web = 2
  2,
]
inline = {
  one = 1,
  two = 2 }
after = 1
[share] # empty
[join.bind]
web = 3001
[[many]]
x = 1
dotted.key = 2
`;

test.each([
	[["name"], 2],
	[["services"], 4],
	[["services", "web"], 5],
	[["services", "a.b"], 6],
	[["services", "text"], 7],
	[["services", "list"], 12],
	[["services", "inline", "two"], 16],
	[["services", "after"], 19],
	[["share"], 20],
	[["join"], 21],
	[["join", "bind", "web"], 22],
	[["many"], 23],
	[["services", "none"], undefined],
	[["none"], undefined],
	[["__proto__"], undefined],
	[["name", "length"], undefined],
])("the line of %p is %p", (keys, line) => {
	expect(lineOf(FILE, keys)).toBe(line as number);
	expect(lineOf(FILE.replaceAll("\n", "\r\n"), keys)).toBe(line as number);
});

test("the keys of objects are keys like others", () => {
	const text = "a = 1\n__proto__ = 2\n[constructor]\ntoString = 3";
	expect(lineOf(text, ["__proto__"])).toBe(2);
	expect(lineOf(text, ["constructor", "toString"])).toBe(4);
	expect(Object.keys(parseToml(text, "f"))).toEqual(["a", "__proto__", "constructor"]);
});
