// docs/limits.md is made from the sources, lists every bound, and refuses a bound without a reason.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PAGES } from "../../build/docs.ts";
import { limitsPage, limitsSources } from "../../build/limits-page.ts";

const ROOT = join(import.meta.dir, "../..");

const page = (text: string) => limitsPage(new Map([["src/x/limits.ts", text]]));
/** Its rows, without their padding. */
const rows = (text: string) =>
	page(text)
		.split("\n")
		.filter((line) => line.startsWith("| `"))
		.map((line) => line.replace(/ +/g, " "));

test("docs/limits.md is what the sources make of it: run `bun build/docs.ts`", () => {
	expect(PAGES["docs/limits.md"]?.()).toBe(readFileSync(join(ROOT, "docs/limits.md"), "utf8"));
});

test("every bound of every folder is a row", async () => {
	const text = limitsPage(limitsSources());
	const names = await Promise.all(
		[...limitsSources().keys()].map(async (path) => Object.keys(await import(`${ROOT}/${path}`))),
	);
	expect(names.flat().length).toBeGreaterThan(80);
	for (const name of names.flat()) expect(text).toContain(`| \`${name}\` `);
});

test("a row has the name, the value as it is written, and the reason as one line", () => {
	expect(rows("// A header.\n\n/** Why. */\nexport const A_MS = 10_000;\n")).toEqual(["| `A_MS` | `10_000` | Why. |"]);
	expect(rows("/**\n * One line\n * and {@link B} | another.\n */\nexport const A = 2 * B;\n")).toEqual([
		"| `A` | `2 * B` | One line and `B` \\| another. |",
	]);
});

test("a bound right below another one shares its reason", () => {
	expect(
		rows("/** Why. */\nexport const A = 1;\nexport const B = 2;\n\n/** Because. */\nexport const C = 3;\n"),
	).toEqual(["| `A` | `1` | Why. |", "| `B` | `2` | As above. |", "| `C` | `3` | Because. |"]);
});

test("a bound without a reason is an error", () => {
	expect(() => page("export const A = 1;\n")).toThrow("src/x/limits.ts: A has no reason");
	expect(() => page("/** Why. */\nexport const A = 1;\n\nexport const B = 2;\n")).toThrow("B has no reason");
	expect(() => page("/** */\nexport const A = 1;\n")).toThrow("A has no reason");
	expect(() => page("// Why.\nexport const A = 1;\n")).toThrow("A has no reason");
});

test("anything that is not a bound on one line is an error", () => {
	expect(() => page("/** Why. */\nexport const A =\n\t1;\n")).toThrow("not a bound on one line");
	expect(() => page("/** Why. */\nexport function a() {}\n")).toThrow("not a bound on one line");
});
