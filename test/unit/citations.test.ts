// What comments and pages cite exists: files, headings, links, and the messages that docs/troubleshooting.md explains.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { anchorsOf, brokenCitations, headingsOf } from "../support/citations.ts";

const ROOT = join(import.meta.dir, "../..");
/** By folder and not by `git ls-files`: git refuses to work in another user's checkout, which CI may have. */
const FOLDERS = ["src", "test", "build", "docs", ".ci", ".github"];
const TEXT = /\.(md|ts|mjs|sh|yml|json|toml)$|(^|\/)(Dockerfile|run)$/;

const paths = [
	...readdirSync(ROOT, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
	...FOLDERS.flatMap((folder) =>
		readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).flatMap((entry) =>
			entry.isFile()
				? [
						join(entry.parentPath, entry.name)
							.slice(ROOT.length + 1)
							.replaceAll("\\", "/"),
					]
				: [],
		),
	),
];
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
// This file's own examples cite things that do not exist.
const cites = (path: string) => TEXT.test(path) && path !== "test/unit/citations.test.ts";

test("every page, heading, link and source file that is cited exists", () => {
	const texts = new Map(paths.filter(cites).map((path) => [path, read(path)]));
	expect(texts.size).toBeGreaterThan(150);
	expect(
		brokenCitations(
			texts,
			paths.filter((path) => !cites(path)),
		),
	).toEqual([]);
});

test("every message in docs/troubleshooting.md is one that the program, its installer or its build prints", () => {
	const said = paths
		.filter((path) => /^(src|build)\/.*\.(ts|html)$|^install\.sh$/.test(path))
		.map(read)
		.join("\n")
		// Joins a text that is split over two lines.
		.replace(/["`] \+\s*["`]/g, "");
	const rows = [...read("docs/troubleshooting.md").matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = ""]) => cell);
	expect(rows.length).toBeGreaterThan(30);
	const messages = rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = ""]) => message));
	// Names and numbers vary, and what follows a colon is another text.
	const pieces = messages.flatMap((message) => message.split(/…|\d+|: /).map((piece) => piece.trim()));
	// A sentence may be composed of two texts.
	const isSaid = (piece: string) =>
		[...piece].some((_, i) => said.includes(piece.slice(0, i)) && said.includes(piece.slice(i)));
	expect(pieces.filter((piece) => piece.length > 5 && !isSaid(piece))).toEqual([]);
});

describe("citations of what does not exist are found", () => {
	const PAGE =
		"# Title\n\n## One `word`\n\n```\n## Not a heading\n```\n\n## Two, and three\n\n## One word\n\n### 4. Numbered\n";
	const TREE = { "docs/page.md": PAGE, "src/hub/hub.ts": "", "test/run.ts": "" };

	/** What is wrong with a file that has this text, in the tree above. */
	const wrong = (path: string, text: string) =>
		brokenCitations(new Map(Object.entries({ ...TREE, [path]: text })), ["docs/picture.svg"]);

	test("headings are the lines with # outside code blocks, without Markdown marks", () => {
		expect(headingsOf(PAGE)).toEqual(["Title", "One word", "Two, and three", "One word", "4. Numbered"]);
		expect(anchorsOf(PAGE)).toEqual(["title", "one-word", "two-and-three", "one-word-1", "4-numbered"]);
	});

	test.each([
		["a link to a page", "[x](docs/page.md) and [y](docs/)"],
		["a link to a heading", "[x](docs/page.md#two-and-three) [y](docs/page.md#one-word-1) [z](#own)\n\n## Own"],
		["a picture", '![p](docs/picture.svg) <img src="docs/picture.svg">'],
		["an address", "[x](https://example.org/none.md#none) https://example.org/none.ts"],
		["a file by its name, its folder or its path", "`hub.ts`, `hub/hub.ts`, src/hub/hub.ts"],
		["a pattern", "`test/unit/<folder>/<file>.test.ts`, `*.ts`, `**/*.test.ts`"],
	])("%s in a page is resolved", (_what, text) => {
		expect(wrong("README.md", text)).toEqual([]);
	});

	test.each([
		["[x](docs/none.md)", "README.md:1: the link docs/none.md leads to no file"],
		["[x](page.md)", "README.md:1: the link page.md leads to no file"],
		["a\n\n[x](docs/page.md#none)", "README.md:3: docs/page.md has no heading for #none"],
		["[x](#none)", "README.md:1: README.md has no heading for #none"],
		['<img src="docs/none.svg">', "README.md:1: the link docs/none.svg leads to no file"],
		["see `none.ts`", "README.md:1: there is no none.ts"],
		["see peer/hub.ts", "README.md:1: there is no peer/hub.ts"],
		["see RUNTIME.md", "README.md:1: there is no RUNTIME.md"],
		['docs/page.md, "None"', 'README.md:1: docs/page.md has no heading "None"'],
	])("a page with %p is wrong", (text, message) => {
		expect(wrong("README.md", text)).toContain(message);
	});

	test.each([
		'// As measured (docs/page.md, "One word").',
		'// As measured (docs/page.md,\n// "Two, and three" and "One word").',
		'/**\n * As measured (docs/page.md,\n * "One word").\n */',
		'// "One word" and "Two, and three" in docs/page.md; docs/page.md: "One word"; docs/page.md section 4',
		"// page.md: it says so.",
		'const address = "https://example.org/none.ts"; const file = "none.ts"; // hub.ts',
	])("a comment like %p is correct", (text) => {
		expect(wrong("test/a.ts", text)).toEqual([]);
	});

	test.each([
		['// As measured (docs/page.md, "Not a heading").', '1: docs/page.md has no heading "Not a heading"'],
		['x;\n\t// Measured (docs/page.md,\n\t// "None").', '2: docs/page.md has no heading "None"'],
		['/**\n * Measured (docs/page.md, "One word", "None").\n */', '2: docs/page.md has no heading "None"'],
		['// "None" in docs/page.md', '1: docs/page.md has no heading "None"'],
		['// docs/page.md: "None"', '1: docs/page.md has no heading "None"'],
		["// docs/page.md section 3", "1: docs/page.md has no section 3"],
		['// docs/none.md, "None"', "1: there is no docs/none.md"],
		["const a = 1; // RUNTIME.md section 3", "1: there is no RUNTIME.md"],
		["/* Called by none.ts. */", "1: there is no none.ts"],
	])("a comment like %p is wrong", (text, message) => {
		expect(wrong("test/a.ts", text)).toContain(`test/a.ts:${message}`);
	});

	test("a bare file name in a source does not refer to a test helper", () => {
		expect(wrong("src/a.ts", "// run.ts, test/run.ts, hub.ts")).toEqual(["src/a.ts:1: there is no run.ts"]);
	});

	test("messages in sources are checked, too, and so are the comments of scripts and workflows", () => {
		expect(wrong("src/a.ts", 'throw new Error("see docs/none.md");')).toEqual(["src/a.ts:1: there is no docs/none.md"]);
		expect(wrong(".github/workflows/a.yml", "on: push # none.sh")).toEqual([
			".github/workflows/a.yml:1: there is no none.sh",
		]);
		expect(wrong("install.sh", "rm none.sh a#none.sh # run.ts")).toEqual([]);
	});
});
