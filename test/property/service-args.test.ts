// The arguments of `share`: a command line of the original program means what it meant, a list of services is read as it
// was written, and any other words are read or are an error that says how to write them.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../src/base/address.ts";
import { HivemindError } from "../../src/base/errors.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { parse } from "../../src/cli/parse-args.ts";
import { readGivenName, readName } from "../../src/cli/read-name.ts";
import { readServiceArgs } from "../../src/cli/service-args.ts";
import { ORIGINAL_SERVICES, SCHEMES, SERVICE_NAME } from "../../src/protocol/services.ts";
import { cases } from "../support/cases.ts";
import { valueOr } from "../support/throws.ts";

const RUNS = { numRuns: cases(2000) };

const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.constantFrom("localhost", "db_1", "my-host", "frontend"));
const address = fc.record({ host, port });
const original = address.map(formatAddress);
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);

/** What may stand where a service or a name is expected, right or wrong. */
const word = fc.oneof(
	fc.string({ unit: "grapheme", maxLength: 12 }),
	original,
	port.map(String),
	name,
	fc.tuple(name, fc.oneof(original, port.map(String), fc.string({ maxLength: 6 }))).map(([key, at]) => `${key}=${at}`),
	fc.tuple(fc.constantFrom(...SCHEMES, "htp", "wss", "", "a.b"), original).map(([scheme, at]) => `${scheme}://${at}`),
	fc.constantFrom(
		"",
		" ",
		"=",
		":",
		"-",
		"a=",
		"=1",
		"A=1",
		"1=a",
		"0",
		"1:2",
		":1",
		"1:a",
		"1,2",
		"1/tcp",
		"__proto__=1",
	),
);

/** What 1.0 made of its four arguments, as the original program does. */
function before(words: readonly string[]) {
	const services = ORIGINAL_SERVICES.map(({ portId, name, scheme }, i) => {
		return { portId, name, scheme, address: parseAddress(words[i] as string, `The ${name}`, false) };
	});
	return { services, name: readName(words[3] as string) };
}

function now(words: readonly string[], option?: string) {
	const { services, name } = readServiceArgs(words);
	return { services, name: readGivenName(option, name) };
}

test("host:port three times and a name mean what they meant to the original program, whatever the name", () => {
	const lines = fc.tuple(original, original, original, word).filter(([, , , last]) => {
		// A complete service is one: that is new.
		const [, key = "", target = ""] = /^([^=]*)=(.*)$/s.exec(last) ?? [];
		return !(SERVICE_NAME.test(key) && /\d$|\/$/.test(target));
	});
	fc.assert(
		fc.property(lines, (words) => {
			const then = valueOr("usage", () => before(words));
			const result = valueOr("usage", () => now(words));
			if (then instanceof HivemindError) expect((result as HivemindError).message).toBe(then.message);
			else expect(result).toEqual(then);
		}),
		RUNS,
	);
});

test("any four words that were a command line are the same one, unless the fourth is a service", () => {
	fc.assert(
		fc.property(fc.tuple(word, word, word, word), (words) => {
			const then = valueOr("usage", () => before(words));
			if (then instanceof HivemindError) return;
			const result = now(words);
			if (result.services.length === 4) expect(words[3]).toMatch(/^[a-z][a-z0-9-]*=/);
			else expect(result).toEqual(then);
		}),
		RUNS,
	);
});

test("with all the options of the original program, in any place, it is the same command line", () => {
	const option = fc.oneof(
		fc.constantFrom(["--no-relay"], ["-v"], ["-vv"], ["--verbose"], ["--wormhole"], ["--qr"]),
		fc.constantFrom("hivemind", "federated-hivemind").map((alpn) => ["--alpn", alpn]),
		original.map((at) => ["--ipv4-addr", at]),
		original.map((at) => [`--ipv6-addr=${at}`]),
		fc.webUrl().map((url) => ["--relay-url", url]),
		fc.webUrl().map((url) => ["--wormhole-relay", url]),
	);
	const line = fc.record({
		words: fc.tuple(original, original, original, name),
		options: fc.uniqueArray(option, { selector: ([first = ""]) => first.split("=")[0], maxLength: 6 }),
		places: fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }),
	});
	fc.assert(
		fc.property(line, ({ words, options, places }) => {
			const argv = ["share", ...words].flatMap((text, i) => [
				...options.filter((_, k) => places[k] === i).flat(),
				text,
			]);
			argv.push(...options.filter((_, k) => places[k] === 5).flat());
			const parsed = valueOr("usage", () => parse(argv, COMMANDS));
			// These were errors then, too.
			if (parsed instanceof HivemindError) {
				return void expect(parsed.message).toMatch(
					/^--\S+ (and --\S+ exclude each other|does nothing without --\S+)\.$/,
				);
			}
			if (parsed.kind !== "run" || parsed.command !== "share") throw new Error("another command");
			expect(now(parsed.options.words, parsed.options.name)).toEqual(before(words));
			expect(parsed.options["no-relay"]).toBe(options.some(([first]) => first === "--no-relay"));
		}),
		RUNS,
	);
});

test("services are read as they were written, in their order, with the hub's name behind them", () => {
	const service = fc.record({
		name,
		scheme: fc.constantFrom(...SCHEMES),
		address,
		bare: fc.boolean(),
	});
	const hub = fc.option(fc.stringMatching(/^[a-zA-Z][\w .'-]{0,30}$/), { nil: undefined });
	fc.assert(
		fc.property(fc.uniqueArray(service, { selector: (one) => one.name, maxLength: 32 }), hub, (services, last) => {
			const words = services.map(({ name, scheme, address, bare }) => {
				return `${name}=${scheme}://${formatAddress(address)}${bare ? "" : "/"}`;
			});
			const result = readServiceArgs(last === undefined ? words : [...words, last]);
			expect(result.name).toBe(last);
			expect(result.services.map(({ name, scheme, address }) => ({ name, scheme, address }))).toEqual(
				services.map(({ name, scheme, address }) => ({ name, scheme, address })),
			);
			expect(new Set(result.services.map(({ portId }) => portId)).size).toBe(services.length);
		}),
		RUNS,
	);
});

test("a scheme changes nothing but how the address is shown", () => {
	fc.assert(
		fc.property(name, address, fc.constantFrom(...SCHEMES), (key, at, scheme) => {
			const [plain] = readServiceArgs([`${key}=${formatAddress(at)}`]).services;
			const [shown] = readServiceArgs([`${key}=${scheme}://${formatAddress(at)}`]).services;
			expect({ ...shown, scheme: undefined }).toEqual({ ...plain, scheme: undefined } as never);
		}),
		RUNS,
	);
});

test("any words are services and a name, or an error with a hint, and nothing is lost", () => {
	fc.assert(
		fc.property(fc.array(word, { maxLength: 40 }), (words) => {
			const result = valueOr("usage", () => readServiceArgs(words.map((text) => text.replaceAll("\n", ""))));
			if (result instanceof HivemindError) return void expect(result.hint).not.toBe("");
			const { services, name } = result;
			expect(services.length + (name === undefined ? 0 : 1)).toBe(words.length);
			expect(services.length).toBeLessThanOrEqual(32);
			expect(new Set(services.map((one) => one.name)).size).toBe(services.length);
			for (const one of services) {
				expect(one.name).toMatch(SERVICE_NAME);
				expect(one.address.port).toBeGreaterThan(0);
			}
		}),
		RUNS,
	);
});
