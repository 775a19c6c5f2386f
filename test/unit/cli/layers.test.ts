// The command line beats the environment, and both beat the project file, without an error; within one layer there is one.
import { describe, expect, test } from "bun:test";
import { beneath, checkRelations, layered, type Values } from "../../../src/cli/layers.ts";
import { parse } from "../../../src/cli/parse-args.ts";
import { PROJECT_TABLE } from "../../support/project-table.ts";
import { thrown } from "../../support/throws.ts";

const { args } = PROJECT_TABLE.share;
const values = (given: Record<string, string | string[] | number>): Values => new Map(Object.entries(given));
const left = (file: Parameters<typeof values>[0], typed: Parameters<typeof values>[0], environment = {}) =>
	Object.fromEntries(beneath(values(file), values(typed), args, environment));

describe("of a file's values there count", () => {
	test("all that nothing above decides", () => {
		const file = { wormhole: 1, qr: 1, identity: "key", "relay-url": ["https://a"] };
		expect(left(file, {})).toEqual(file);
		expect(left(file, { verbose: 1 }, { TEST_MAILBOX: "wss://m" })).toEqual(file);
	});

	test("none that was typed, also if it was switched off", () => {
		expect(left({ identity: "key", wormhole: 1 }, { identity: "other", wormhole: 0 })).toEqual({});
		expect(left({ "relay-url": ["https://a"] }, { "relay-url": ["https://b"] })).toEqual({});
	});

	test("none that the environment sets; an empty variable sets nothing", () => {
		const file = { mailbox: "wss://file" };
		expect(left(file, {}, { TEST_MAILBOX: "wss://environment" })).toEqual({});
		expect(left(file, {}, { TEST_MAILBOX: "" })).toEqual(file);
	});

	test("none that is excluded by what was typed, in either direction", () => {
		expect(left({ "no-relay": 1 }, { "relay-url": ["https://a"] })).toEqual({});
		expect(left({ "relay-url": ["https://a"] }, { "no-relay": 1 })).toEqual({});
		expect(left({ "relay-url": ["https://a"] }, { "no-relay": 0 })).toEqual({ "relay-url": ["https://a"] });
	});

	test("none that needs what was switched off", () => {
		expect(left({ wormhole: 1, qr: 1, identity: "key" }, { wormhole: 0 })).toEqual({ identity: "key" });
		expect(left({ qr: 1 }, {})).toEqual({ qr: 1 });
	});
});

describe("of NAME=VALUE each name is decided by itself:", () => {
	const { args } = PROJECT_TABLE.join;
	const all = (file: Parameters<typeof values>[0], typed: Parameters<typeof values>[0]) =>
		Object.fromEntries(layered(beneath(values(file), values(typed), args, {}), values(typed), args));

	test("what is typed for one name leaves the file's others", () => {
		expect(all({ bind: ["web=1", "db=2"] }, { bind: ["web=3", "api=4"] })).toEqual({
			bind: ["db=2", "web=3", "api=4"],
		});
		expect(all({ bind: ["web=1"] }, { bind: ["web=3"] })).toEqual({ bind: ["web=3"] });
		expect(all({ bind: ["web=1"] }, {})).toEqual({ bind: ["web=1"] });
	});

	test("so does another option that stands for it, in either direction", () => {
		expect(all({ bind: ["web=1", "db=2"] }, { "web-addr": "a:1" })).toEqual({ bind: ["db=2"], "web-addr": "a:1" });
		expect(all({ "web-addr": "a:1" }, { bind: ["web=3"] })).toEqual({ bind: ["web=3"] });
		expect(all({ "web-addr": "a:1" }, { bind: ["db=3"] })).toEqual({ bind: ["db=3"], "web-addr": "a:1" });
		expect(all({ "web-addr": "a:1" }, { "web-addr": "b:1" })).toEqual({ "web-addr": "b:1" });
	});

	test("what is typed says which names count: others of the file are dropped, and typed ones added", () => {
		const file = { bind: ["web=1", "db=2", "api=3"], "web-addr": "a:1" };
		expect(all(file, { only: ["web, db"] })).toEqual({ only: ["web, db"], bind: ["web=1", "db=2"], "web-addr": "a:1" });
		expect(all(file, { only: ["db", "api"] })).toEqual({ only: ["db", "api"], bind: ["db=2", "api=3"] });
		expect(all({ only: ["web"] }, { bind: ["db=2"] })).toEqual({ only: ["web", "db"], bind: ["db=2"] });
		expect(all({ only: ["web"] }, { "web-addr": "a:1" })).toEqual({ only: ["web"], "web-addr": "a:1" });
		expect(all({ only: ["web"] }, { only: ["db"] })).toEqual({ only: ["db"] });
	});

	test("a list of anything else is one value", () => {
		expect(all({ "relay-url": ["https://a"] }, { "relay-url": ["https://b"] })).toEqual({ "relay-url": ["https://b"] });
	});
});

describe("in one layer", () => {
	const message = (given: Parameters<typeof values>[0]) =>
		thrown("usage", () => checkRelations(values(given), args)).message;

	test("options that exclude each other are an error, and one that does nothing without another", () => {
		expect(message({ "no-relay": 1, "relay-url": ["https://a"] })).toBe(
			"--relay-url and --no-relay exclude each other.",
		);
		expect(message({ qr: 1 })).toBe("--qr does nothing without --wormhole.");
		expect(message({ qr: 1, wormhole: 0 })).toBe("--qr does nothing without --wormhole.");
	});

	test("what is switched off is not there", () => {
		checkRelations(values({ "no-relay": 0, "relay-url": ["https://a"], qr: 0 }), args);
	});

	test("a command that does not have the other option is not asked for it", () => {
		const { wormhole, ...others } = args;
		expect(wormhole.type).toBe("boolean");
		checkRelations(values({ qr: 1 }), others);
	});
});

describe("the parser", () => {
	const file = values({ wormhole: 1, verbose: 2, alpn: "two", "max-peers": "5", "relay-url": ["https://a"] });
	const share = (...argv: string[]) => {
		const below = (_command: string, typed: Values) => beneath(file, typed, args, {});
		const line = parse(["share", "3000", ...argv], PROJECT_TABLE, below);
		return line.kind === "run" ? (line.options as Record<string, unknown>) : undefined;
	};

	test("fills in what is not given, before the defaults", () => {
		expect(share()).toMatchObject({
			words: "3000",
			wormhole: true,
			qr: false,
			verbose: 2,
			alpn: "two",
			"max-peers": "5",
			"relay-url": ["https://a"],
		});
	});

	test("takes what is given instead, and switches flags off", () => {
		const typed = share("--wormhole=false", "-v", "--alpn", "one", "--max-peers=6", "--no-relay");
		expect(typed).toMatchObject({
			wormhole: false,
			verbose: 1,
			alpn: "one",
			"max-peers": "6",
			"relay-url": [],
			"no-relay": true,
		});
	});

	test("the last one of several flags counts", () => {
		expect(share("--wormhole=false", "--wormhole")?.wormhole).toBe(true);
		expect(share("-vv", "--verbose=false")?.verbose).toBe(0);
	});

	test("asks for lower layers only when a command is run", () => {
		const never = () => {
			throw new Error("asked");
		};
		expect(thrown("usage", () => parse(["share"], PROJECT_TABLE, never)).message).toContain("needs <WORDS>");
		expect(() => parse(["share", "3000"], PROJECT_TABLE, never)).toThrow("asked");
	});
});
