// The pictures of the status page: both are there, alike, and shown where the page is explained.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { PICTURES, SCALE, WIDTH } from "../../build/status-page.ts";

const ROOT = join(import.meta.dir, "../..");

test("a light and a dark picture of the same size, small enough for a README", () => {
	const sizes = Object.values(PICTURES).map((path) => {
		const picture = readFileSync(join(ROOT, path));
		expect(picture.length).toBeLessThan(400_000);
		// The header of a PNG (ISO/IEC 15948): after 16 bytes come width and height.
		expect(picture.subarray(1, 4).toString()).toBe("PNG");
		return [picture.readUInt32BE(16), picture.readUInt32BE(20)];
	});
	expect(sizes[0]).toEqual(sizes[1] as number[]);
	expect(sizes[0]?.[0]).toBe(WIDTH * SCALE);
});

test.each([
	["README.md", "docs/"],
	["docs/observability.md", ""],
])("%s shows the one that suits the reader's colours", (page, folder) => {
	const text = readFileSync(join(ROOT, page), "utf8");
	expect(text).toContain(`<img src="${folder}${basename(PICTURES.light)}" alt="`);
	expect(text).toContain(`media="(prefers-color-scheme: dark)" srcset="${folder}${basename(PICTURES.dark)}"`);
});
