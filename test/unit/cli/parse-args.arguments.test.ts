// Arguments that may be left out, that take all words that are left, or that have only a few values.
import { expect, expectTypeOf, test } from "bun:test";
import { parse, type Table } from "../../../src/cli/parse-args.ts";
import { thrown, valueOr } from "../../support/throws.ts";

const TABLE = {
	help: { args: { topic: { type: "positional", optional: true, values: ["share", "join"], description: "" } } },
	copy: {
		args: {
			from: { type: "positional", description: "" },
			to: { type: "positional", optional: true, description: "" },
			quiet: { type: "boolean", description: "" },
		},
	},
	share: {
		implied: /^\d+$/,
		args: {
			first: { type: "positional", description: "" },
			words: { type: "positional", variadic: true, description: "" },
			quiet: { type: "boolean", description: "" },
		},
	},
} as const satisfies Table;

/** The options of the command that these words run. */
function options(...argv: string[]): object {
	const line = parse(argv, TABLE);
	if (line.kind !== "run") throw new Error("nothing runs");
	return line.options;
}

test("an optional argument that is left out is absent", () => {
	expect(options("help")).toEqual({});
	expect(options("copy", "a")).toEqual({ from: "a", quiet: false });
	expect(options("copy", "a", "--quiet", "b")).toEqual({ from: "a", to: "b", quiet: true });
});

test("a variadic argument takes all words that are left, also none", () => {
	expect(options("share", "a")).toEqual({ first: "a", words: [], quiet: false });
	expect(options("share", "a", "b", "--quiet", "c", "--", "--quiet")).toEqual({
		first: "a",
		words: ["b", "c", "--quiet"],
		quiet: true,
	});
});

test("the definitions determine the types", () => {
	const help = valueOr("usage", () => parse(["help"], TABLE));
	if ("kind" in help && help.kind === "run" && help.command === "help") {
		expectTypeOf(help.options.topic).toEqualTypeOf<"share" | "join" | undefined>();
	}
	const line = parse(["share", "a"], TABLE);
	if (line.kind === "run" && line.command === "share") {
		expectTypeOf(line.options.first).toEqualTypeOf<string>();
		expectTypeOf(line.options.words).toEqualTypeOf<readonly string[]>();
	}
	const copied = parse(["copy", "a"], TABLE);
	if (copied.kind === "run" && copied.command === "copy") {
		expectTypeOf(copied.options.to).toEqualTypeOf<string | undefined>();
	}
});

test.each([
	[["copy"], "'copy' needs <FROM>.", "See 'copy --help'."],
	[["copy", "a", "b", "c"], "'copy' takes no further argument: 'c'.", "See 'copy --help'."],
	[["copy", "a", "b", "quiet"], "'copy' takes no further argument: 'quiet'.", "Did you mean '--quiet'?"],
	[["copy", "a", "b", "from"], "'copy' takes no further argument: 'from'.", "See 'copy --help'."],
	[["share"], "'share' needs <FIRST>.", "See 'share --help'."],
	[["help", "shar"], "The argument of 'help' must be one of share, join, not 'shar'.", "Did you mean 'share'?"],
	[["help", "constructor"], "The argument of 'help' must be one of share, join, not 'constructor'.", undefined],
	[["help", "share", "join"], "'help' takes no further argument: 'join'.", "See 'help --help'."],
	[["3000"], "Unknown command '3000'.", "Did you mean 'share 3000'?"],
	[["3000", "a"], "Unknown command '3000'.", "Did you mean 'share 3000'?"],
	[["cpoy"], "Unknown command 'cpoy'.", "Did you mean 'copy'?"],
	// Two changes would make anything of two letters.
	[["xy"], "Unknown command 'xy'.", undefined],
])("%p: %s", (argv, message, hint) => {
	const error = thrown("usage", () => parse(argv, TABLE));
	expect(error.message).toBe(message);
	expect(error.hint).toBe(hint as string);
});
