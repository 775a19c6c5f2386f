// Addresses: a valid one is printed as it was read, and anything else is a usage error.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../src/base/address.ts";
import { HivemindError } from "../../src/base/errors.ts";
import { valueOr } from "../support/throws.ts";

const RUNS = { numRuns: 1000 };

const port = fc.integer({ min: 0, max: 65_535 });
const name = fc.domain();
const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().map((address) => `[${address}]`);
const address = fc.tuple(fc.oneof(name, ipv4, ipv6), port).map(([host, port]) => `${host}:${port}`);

/** Text that is nearly an address. */
const nearly = fc
	.array(fc.constantFrom("1", "255", "256", "a", "-", "_", ".", ":", "[", "]", "::", "%", " ", "\n", "é", "65536"), {
		maxLength: 10,
	})
	.map((parts) => parts.join(""));

test("every name, IPv4 or IPv6 address with a port is parsed, and printed unchanged", () => {
	fc.assert(
		fc.property(address, (text) => {
			expect(formatAddress(parseAddress(text, "--x"))).toBe(text);
		}),
		RUNS,
	);
});

test("any text is an address that survives printing and parsing, or a usage error that names it", () => {
	fc.assert(
		fc.property(fc.oneof(fc.string({ unit: "binary" }), nearly, address), (text) => {
			const result = valueOr("usage", () => parseAddress(text.replaceAll("\n", "↵"), "--x"));
			if (result instanceof HivemindError) {
				expect(result.message).toStartWith("--x: '");
				return;
			}
			expect(parseAddress(formatAddress(result), "--x")).toEqual(result);
			expect(result.port).toBeGreaterThanOrEqual(0);
			expect(result.port).toBeLessThanOrEqual(65_535);
			expect(result.host).toMatch(/^[^\s[\]]+$/);
		}),
		RUNS,
	);
});

test("a line break never gets into an address", () => {
	fc.assert(
		fc.property(address, fc.nat(), (text, at) => {
			const broken = `${text.slice(0, at % (text.length + 1))}\n${text.slice(at % (text.length + 1))}`;
			let error: unknown;
			try {
				parseAddress(broken, "--x");
			} catch (caught) {
				error = caught;
			}
			expect(error).toBeInstanceOf(HivemindError);
		}),
		RUNS,
	);
});
