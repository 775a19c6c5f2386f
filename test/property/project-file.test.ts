// The project file: any text is a project or an error with one line, and a file means what the same command line means.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HivemindError } from "../../src/base/errors.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import type { CommandTable } from "../../src/cli/definition.ts";
import { beneath, isPair, type Values } from "../../src/cli/layers.ts";
import { parse } from "../../src/cli/parse-args.ts";
import { readProject } from "../../src/cli/project-contents.ts";
import { optionOf } from "../../src/cli/project-options.ts";
import type { Option } from "../../src/cli/project-values.ts";
import { readServiceArgs } from "../../src/cli/service-args.ts";
import { SERVICE_NAME } from "../../src/protocol/services.ts";
import { cases } from "../support/cases.ts";
import { valueOr } from "../support/throws.ts";

const TABLE: CommandTable = COMMANDS;
const RUNS = { numRuns: cases(1000) };
const read = (text: string) => readProject({ path: "hivemind.toml", text }, TABLE);

const piece = fc.oneof(
	fc.constantFrom(
		...["name", "services", "share", "join", "bind", "wormhole", "relay-url", "__proto__", "a.b", '"x y"', "'z'"],
		...[" = ", "=", "\n", "\r\n", "\r", " ", "# ", "[", "]", "[[", "]]", "{", "}", ",", ".", '"', "'", '"""', "'''"],
		...[
			"true",
			"3000",
			"-1",
			"1e9",
			"inf",
			"0x1F",
			"2026-01-01",
			"07:32:00",
			'"localhost:1"',
			"\\u0000",
			"\\",
			"\ufeff",
		],
	),
	fc.string({ unit: "grapheme", maxLength: 6 }),
);
const line = fc.oneof(
	fc.constantFrom(
		'name = "x"',
		"[services]",
		"web = 3000",
		"[share]",
		"[join]",
		"wormhole = true",
		"bind = { web = 1 }",
	),
	fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
);

test("any text is a project, or an error of one line that names a line of the file", () => {
	fc.assert(
		fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
			const text = lines.join("\n");
			const result = valueOr("usage", () => read(text));
			if (!(result instanceof HivemindError)) return;
			const [, number] = /^hivemind\.toml, line (\d+): \S/.exec(result.message) ?? [];
			expect(Number(number)).toBeGreaterThan(0);
			expect(Number(number)).toBeLessThanOrEqual(text.split("\n").length);
		}),
		RUNS,
	);
});

/** As TOML. JSON has the same strings, but for one character. */
const quoted = (text: string) => JSON.stringify(text).replaceAll("\x7f", "\\u007f");
const list = (texts: readonly string[]) => `[${texts.map(quoted).join(", ")}]`;

const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) => !text.includes("\0"));
const pair = fc.tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/), fc.nat(9999));

/** A setting, as the value in a file and as words of a command line. */
function setting(name: string, definition: Option): fc.Arbitrary<{ value: string; words: string[] }> {
	const typed = (text: string) => `--${name}=${text}`;
	if (definition.type === "boolean") {
		const flag = fc.boolean().map((on) => ({ value: String(on), words: on ? [`--${name}`] : [] }));
		const count = fc.integer({ min: 1, max: 4 });
		return definition.counted
			? count.map((times) => ({ value: String(times), words: Array<string>(times).fill(`--${name}`) }))
			: flag;
	}
	if (definition.type === "enum") {
		return fc.constantFrom(...definition.options).map((one) => ({ value: quoted(one), words: [typed(one)] }));
	}
	const number = fc.nat(99_999).map((one) => ({ value: String(one), words: [typed(String(one))] }));
	const text = word.map((one) => ({ value: quoted(one), words: [typed(one)] }));
	if (!definition.repeatable) return fc.oneof(text, number);
	const several = fc.array(word, { maxLength: 3 }).map((texts) => ({ value: list(texts), words: texts.map(typed) }));
	if (!definition.valueHint.includes("=")) return fc.oneof(text, number, several);
	const pairs = fc.uniqueArray(pair, { maxLength: 3, selector: ([key]) => key }).map((entries) => ({
		value: `{ ${entries.map(([key, port]) => `${key} = ${port}`).join(", ")} }`,
		words: entries.map(([key, port]) => typed(`${key}=${port}`)),
	}));
	return fc.oneof(text, several, pairs);
}

const readers = ["share", "join"] as const;
const settable = (command: string) =>
	Object.keys(TABLE[command]?.args ?? {}).flatMap((name) => {
		const definition = optionOf(TABLE, command, name);
		return definition && definition.notInFile === undefined ? [[name, definition] as const] : [];
	});

/** Some options of a command, in both notations. */
const settings = fc.constantFrom(...readers).chain((command) =>
	fc
		.uniqueArray(fc.constantFrom(...settable(command)), { maxLength: 6, selector: ([name]) => name })
		.chain((options) =>
			fc.tuple(...options.map(([name, definition]) => setting(name, definition).map((one) => ({ name, ...one })))),
		)
		.map((chosen) => ({ command, chosen })),
);

const outcome = (argv: readonly string[], below?: (command: string, typed: Values) => Values) => {
	const result = valueOr("usage", () => parse(argv, COMMANDS, below));
	return result instanceof HivemindError ? result.message : result;
};

const underTyped = (text: string) => (command: string, typed: Values) =>
	beneath(read(text).options[command] ?? new Map(), typed, TABLE[command]?.args ?? {}, {});

test("each option that a file may set is one that the test sets", () => {
	expect(settable("share").length).toBeGreaterThan(12);
	expect(settable("join").length).toBeGreaterThan(8);
});

test("options in a file mean the same as on the command line", () => {
	fc.assert(
		fc.property(settings, ({ command, chosen }) => {
			const text = [`[${command}]`, ...chosen.map(({ name, value }) => `${name} = ${value}`)].join("\n");
			const argv = [command, "word", ...chosen.flatMap(({ words }) => words)];
			expect(outcome([command, "word"], underTyped(text))).toEqual(outcome(argv));
		}),
		RUNS,
	);
});

test("what is typed counts, whatever the file says, and never is an error because of the file", () => {
	const both = settings.chain(({ command, chosen }) =>
		fc
			.subarray(settable(command).map(([name]) => name))
			.chain((names) =>
				fc.tuple(
					...names.map((name) => setting(name, optionOf(TABLE, command, name) as Option).map(({ words }) => words)),
				),
			)
			.map((typed) => ({ command, chosen, argv: [command, "word", ...typed.flat()] })),
	);
	fc.assert(
		fc.property(both, ({ command, chosen, argv }) => {
			const text = [`[${command}]`, ...chosen.map(({ name, value }) => `${name} = ${value}`)].join("\n");
			const alone = outcome(argv);
			// What the file alone is an error for, it may be an error for with a command line as well.
			fc.pre(typeof alone !== "string" && typeof outcome([command, "word"], underTyped(text)) !== "string");
			const together = outcome(argv, underTyped(text));
			expect(typeof together).not.toBe("string");
			const given = new Set(argv.slice(2).map((word) => word.slice(2).split("=")[0] as string));
			const options = (line: unknown) => (line as { options: Record<string, unknown> }).options;
			for (const name of given) {
				const value = options(alone)[name];
				// The file may have pairs of other names.
				const pairs = isPair(TABLE[command]?.args[name]);
				expect(options(together)[name]).toEqual(pairs ? expect.arrayContaining(value as string[]) : value);
			}
		}),
		RUNS,
	);
});

test("services in a file are what share takes as words, in their order", () => {
	const service = fc.tuple(
		fc.stringMatching(SERVICE_NAME).filter((name) => name.length <= 64),
		fc.oneof(
			fc.integer({ min: 1, max: 65_535 }).map((port) => [String(port), String(port)] as const),
			fc
				.tuple(
					fc.constantFrom("localhost", "10.0.0.1", "[::1]", "http://db", "tcp://db.local"),
					fc.integer({ min: 1, max: 65_535 }),
				)
				.map(([host, port]) => [quoted(`${host}:${port}`), `${host}:${port}`] as const),
		),
	);
	fc.assert(
		fc.property(fc.uniqueArray(service, { maxLength: 32, selector: ([name]) => name }), (services) => {
			const text = ["[services]", ...services.map(([name, [value]]) => `${name} = ${value}`)].join("\n");
			const words = services.map(([name, [, target]]) => `${name}=${target}`);
			expect(read(text).services).toEqual(words);
			expect(readServiceArgs(read(text).services)).toEqual(readServiceArgs(words));
		}),
		RUNS,
	);
});
