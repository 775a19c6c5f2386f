// Numbers as the panel and the summary show them.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bytesText, durationText, rttText } from "../../../src/status/units.ts";

test.each([
	[0, "0 B"],
	[999, "999 B"],
	[1000, "1.0 kB"],
	[9949, "9.9 kB"],
	[9951, "10 kB"],
	[14_000, "14 kB"],
	[999_499, "999 kB"],
	[999_500, "1.0 MB"],
	[1_200_000, "1.2 MB"],
	[5e15, "5000 TB"],
])("%p bytes are %p", (bytes, text) => {
	expect(bytesText(bytes)).toBe(text);
});

test("no amount below a petabyte takes more than seven characters", () => {
	fc.assert(fc.property(fc.double({ min: 0, max: 9e14, noNaN: true }), (bytes) => bytesText(bytes).length <= 7));
});

describe("times:", () => {
	test.each([
		[-5, "0 s"],
		[59_999, "59 s"],
		[60_000, "1 min"],
		[3_600_000, "1 h"],
		[172_800_000, "2 d"],
	])("%p ms have lasted %p", (ms, text) => {
		expect(durationText(ms)).toBe(text);
	});

	test("a round trip of less than a millisecond is not called none", () => {
		expect([0, 0.4, 1, 23.4].map(rttText)).toEqual(["<1 ms", "<1 ms", "1 ms", "23 ms"]);
	});
});
