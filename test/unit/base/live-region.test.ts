// Lines below everything else: what is written to erase them, in a window that may have another width by now.
import { expect, test } from "bun:test";
import { LiveRegion } from "../../../src/base/live-region.ts";

test("lines are erased as often as they were drawn", () => {
	const region = new LiveRegion();
	expect(region.erase(80)).toBe("");
	expect(region.draw(["one", "two"])).toBe("one\ntwo\n");
	expect(region.erase(80)).toBe("\r\x1b[2A\x1b[J");
	expect(region.erase(80)).toBe("");
});

test("in a window that was made narrower, the rows are erased into which a line has wrapped", () => {
	const region = new LiveRegion();
	region.draw(["x".repeat(79), "", "short"]);
	expect(region.erase(40)).toBe("\r\x1b[4A\x1b[J");
});

test("colours take no room", () => {
	const region = new LiveRegion();
	region.draw([`\x1b[31m${"x".repeat(40)}\x1b[0m`]);
	expect(region.erase(40)).toBe("\r\x1b[1A\x1b[J");
});

test("the same lines need not be drawn again", () => {
	const region = new LiveRegion();
	region.draw(["one"]);
	expect(region.shows(["one"])).toBe(true);
	expect(region.shows(["one", "two"])).toBe(false);
	expect(region.shows(["other"])).toBe(false);
});
