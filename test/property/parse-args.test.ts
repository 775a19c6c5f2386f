// The command line: any words are a line or a usage error, an option's place does not matter, and a mistake is named.
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
		"--keep",
		"--keep=",
		"--keep=shop",
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
			if (result.kind === "version") return;
			const commands = [undefined, ...Object.keys(TABLE)];
			if (result.kind === "help") return void expect(commands).toContain(result.command);
			expect(commands).toContain(result.command);
			expect(Object.keys(TABLE[result.command].args)).toEqual(expect.arrayContaining(Object.keys(result.options)));
			// An argument may be empty; an option's value may not.
			const { frontend, backend, name, ...options } = result.options as Record<string, unknown>;
			expect(Object.values(options)).not.toContain("");
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
	fc.stringMatching(/^[a-z]{9}$/).map((it) => [["--keep", it], [`--keep=${it}`]]),
);

test("an option means the same before, after and between the command and its arguments, with = or a space", () => {
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
			// The options keep their order; only the places of the command and its argument among them change.
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
				return result instanceof HivemindError ? result.message : result;
			};
			expect(outcome(argv)).toEqual(outcome(behind));
		}),
		RUNS,
	);
});

test("an option with a letter missing gets the right one as a suggestion", () => {
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

test("a single mistake in a line is named, wherever it is", () => {
	const mistake = fc.oneof(
		fc
			.constantFrom("--no-relay", "--verbose", "--help", "--version")
			.chain((name) => value.map((it) => [[`${name}=${it}`], `Option '${name}' takes no value.`] as const)),
		fc
			.constantFrom("--ticket", "--ws-addr", "--alpn", "--relay-url")
			.chain((name) =>
				fc
					.constantFrom([`${name}=`], [name, ""], [name, "-v"], [name, "--"], [name, "--no-relay"])
					.map((words) => [words, `Option '${name}' needs a value.`] as const),
			),
		fc
			.tuple(fc.constantFrom("--ticket", "--ws-addr"), value, value)
			.map(([name, one, two]) => [[name, one, `${name}=${two}`], `Option '${name}' is given twice.`] as const),
		fc.constantFrom("x", "z", "=", "3", "é", "😀").map((it) => [[`-vv${it}`], `Unknown option '-${it}'.`] as const),
		fc
			.stringMatching(/^zq[a-z-]{0,9}$/)
			.chain((it) =>
				fc.constantFrom("", "=", "=a=b").map((rest) => [[`--${it}${rest}`], `Unknown option '--${it}'.`] as const),
			),
		value
			.filter((it) => it !== "hivemind")
			.map(
				(it) => [["--alpn", it], `Option '--alpn' must be one of hivemind, federated-hivemind, not '${it}'.`] as const,
			),
		fc.constant([["--once"], "Option '--once' belongs to 'demo', not to 'join'."] as const),
		value.map((it) => [["--", it], `'join' takes no further argument: '${it}'.`] as const),
	);
	fc.assert(
		fc.property(mistake, fc.nat(2), ([words, message], place) => {
			const parts = [["join"], ["me"]];
			// After -- there are only arguments, so it goes to the end.
			const at = words[0] === "--" ? parts.length : place;
			const argv = parts.toSpliced(at, 0, [...words]).flat();
			const result = valueOr("usage", () => read(...argv));
			expect(result).toBeInstanceOf(HivemindError);
			expect((result as HivemindError).message).toBe(message);
		}),
		RUNS,
	);
});
