// The command line: any words are a CommandLine or a usage error, and the place of an option does not matter.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HivemindError } from "../../src/base/errors.ts";
import { read, TABLE } from "../support/command-table.ts";
import { valueOr } from "../support/throws.ts";

const RUNS = { numRuns: 1000 };

const known = [
	...Object.keys(TABLE),
	...["--alpn", "--alpn=hivemind", "hivemind", "--relay-url", "--relay-url=https://a", "--no-relay", "--no-relay=x"],
	...[
		"--verbose",
		"-v",
		"-vvv",
		"-h",
		"-hV",
		"--help",
		"--version",
		"--ticket",
		"--ticket=",
		"--ws-addr=a:1",
		"--once",
	],
	...["--", "-", "---", "--=", "-=", "-1", "", " ", "name", "__proto__", "--__proto__", "--constructor=1", "toString"],
];
const word = fc.oneof(
	{ weight: 4, arbitrary: fc.constantFrom(...known) },
	fc.string({ unit: "grapheme", maxLength: 8 }),
);

test("any words are a command line or a usage error", () => {
	fc.assert(
		fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
			const result = valueOr("usage", () => read(...argv.map((text) => text.replaceAll("\n", ""))));
			if (result instanceof HivemindError) return;
			const incomplete = result.values.has("help") || result.values.has("version");
			if (result.command !== undefined) expect(Object.keys(TABLE)).toContain(result.command);
			else expect(incomplete).toBe(true);
			for (const [name, value] of result.values) {
				expect(Object.values(TABLE).some((command) => Object.hasOwn(command, name))).toBe(true);
				if (typeof value === "string") expect(value).not.toBe("");
			}
		}),
		RUNS,
	);
});

const value = fc.stringMatching(/^[a-z0-9:./]{1,8}$/);
/** One option with its value, in both spellings. */
const option = fc.oneof(
	fc.constantFrom([["--no-relay"]], [["-v"]], [["-vv"]], [["--verbose"]]),
	fc.tuple(fc.constantFrom("--relay-url", "--relay-url"), value).map(([name, it]) => [[name, it], [`${name}=${it}`]]),
	fc.constantFrom("hivemind", "federated-hivemind").map((it) => [["--alpn", it], [`--alpn=${it}`]]),
	value.map((it) => [["--ticket", it], [`--ticket=${it}`]]),
	value.map((it) => [["--ws-addr", it], [`--ws-addr=${it}`]]),
);

test("options mean the same before and after the command, between its arguments, and with = or a space", () => {
	const words = [["join"], ["me"]];
	const placed = fc.array(option, { maxLength: 5 }).chain((options) =>
		fc.record({
			options: fc.constant(options),
			spelling: fc.array(fc.nat(1), { minLength: 5, maxLength: 5 }),
			places: fc.array(fc.nat(words.length), { minLength: 5, maxLength: 5 }),
		}),
	);
	fc.assert(
		fc.property(placed, ({ options, spelling, places }) => {
			// The order among the options stays; only where the command and its argument stand among them changes.
			const sorted = places.slice(0, options.length).sort();
			const argv: string[] = [];
			for (const [i, ...rest] of [...words, []].entries()) {
				options.forEach((spellings, k) => {
					if (sorted[k] === i) argv.push(...(spellings[(spelling[k] as number) % spellings.length] as string[]));
				});
				argv.push(...rest.flat());
			}
			const behind = [...words.flat(), ...options.flatMap((spellings) => spellings[0] as string[])];
			const outcome = (line: string[]) => {
				const result = valueOr("usage", () => read(...line));
				return result instanceof HivemindError
					? result.message
					: [result.command, result.positionals, [...result.values].sort()];
			};
			expect(outcome(argv)).toEqual(outcome(behind));
		}),
		RUNS,
	);
});

test("a word with one slip of the fingers is answered with the right one", () => {
	const names = ["--no-relay", "--relay-url", "--verbose", "--ticket", "--version"];
	fc.assert(
		fc.property(fc.constantFrom(...names), fc.nat(), (name, at) => {
			const i = 3 + (at % (name.length - 3));
			const result = valueOr("usage", () => read("join", "me", name.slice(0, i) + name.slice(i + 1)));
			expect(result).toBeInstanceOf(HivemindError);
			expect((result as HivemindError).hint).toBe(`Did you mean '${name}'?`);
		}),
	);
});
