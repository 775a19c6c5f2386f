// Text that others chose, made safe to print.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { printable } from "../../../src/base/printable.ts";

test("a remote's text cannot move the cursor, forge lines or reverse the text", () => {
	expect(printable("bye", 10)).toBe("bye");
	expect(printable("a\r\nerror: forged\u2028b\u2029c", 99)).toBe("a error: forged b c");
	expect(printable("\u001b[2J\u009b31mred\u0007", 99)).toBe("[2J 31mred");
	expect(printable("\u202eevil\u200b\ufeff", 99)).toBe("evil");
	expect(printable("\ud800 lone", 99)).toBe("lone");
	expect(printable("naïve 日本 👋", 99)).toBe("naïve 日本 👋");
});

test("a remote's text is bounded, and cut between characters", () => {
	expect(printable("x".repeat(5000), 200)).toBe(`${"x".repeat(200)}…`);
	expect(printable(`${"x".repeat(9)}👋👋`, 10).isWellFormed()).toBe(true);
});

test("whatever a remote sends is one bounded line without control characters", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (text, max) => {
			const shown = printable(text, max);
			expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
			expect(shown.length).toBeLessThanOrEqual(max + 1);
			expect(shown.isWellFormed()).toBe(true);
		}),
		{ numRuns: 500 },
	);
});
