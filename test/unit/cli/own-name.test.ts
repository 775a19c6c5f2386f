// The name that a machine goes by: whatever the host is called, the other side accepts it.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ownName } from "../../../src/cli/own-name.ts";
import { readName } from "../../../src/cli/read-name.ts";

test.each([
	["annas-laptop", "annas-laptop"],
	["Annas-MacBook-Pro.local", "Annas-MacBook-Pro"],
	["build7.corp.example.com", "build7"],
	["4f3a2b1c9d0e", "4f3a2b1c9d0e"],
	["192.168.1.10", "192.168.1.10"],
	["größe\u202e\n", "größe"],
	["x".repeat(70), "x".repeat(64)],
	["", "hub"],
	[".", "hub"],
	["localhost", "hub"],
	["localhost.localdomain", "hub"],
])("'%s' is called '%s'", (host, name) => {
	expect(ownName("hub", host)).toBe(name);
});

test("it is always a valid name", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary", maxLength: 100 }), (host) => {
			const name = ownName("peer", host);
			expect(readName(name)).toBe(name);
		}),
		{ numRuns: 500 },
	);
	expect(readName(ownName("peer"))).not.toBe("");
});
