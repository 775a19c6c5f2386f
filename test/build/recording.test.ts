// The README's recording: the committed SVG loads nothing, is well-formed, and shows this version and its messages; and
// how a terminal is drawn.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DESCRIPTION, MILESTONES, RECORDING } from "../../build/record.ts";
import { Screen, terminalSvg } from "../../build/terminal-svg.ts";

/** Its texts, in order. @throws Error unless it is well-formed, as far as our own SVGs go: no comments, no CDATA */
function textsOf(svg: string): string[] {
	const open: string[] = [];
	const texts: string[] = [];
	const end = svg.replace(/([^<]*)<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/gy, (...groups) => {
		const [, text, closing, name, attributes, empty] = groups as unknown as string[];
		if (/&(?!(amp|lt|gt|quot);)/.test(`${text}${attributes}`)) throw new Error(`a bare & at ${text}${attributes}`);
		const names = [...(attributes ?? "").matchAll(/([\w:-]+)=/g)].map(([, one]) => one);
		if (new Set(names).size !== names.length) throw new Error(`an attribute twice in <${name}${attributes}>`);
		if (text?.trim()) texts.push(text);
		if (closing) {
			const opened = open.pop();
			if (opened !== name) throw new Error(`</${name}> closes <${opened}>`);
		} else if (!empty) open.push(name as string);
		return "";
	});
	if (open.length > 0) throw new Error(`<${open.pop()}> is not closed`);
	if (end.trim() !== "") throw new Error(`not XML: ${end.slice(0, 80)}`);
	return texts;
}

/** @throws Error when the SVG would load something, or run something */
function checkSelfContained(svg: string): void {
	const outside = /<(image|script|foreignObject|use|a)\b|\bhref=|\bsrc=|@import|@font-face|url\((?!#)|\bon\w+=|<!|<\?/i;
	const found = outside.exec(svg.replace(/>[^<]*</g, (text) => (text.includes("{") ? text : "><")));
	if (found) throw new Error(`not self-contained: ${found[0]}`);
}

describe("docs/recording.svg", () => {
	const svg = readFileSync(RECORDING, "utf8");
	const text = textsOf(svg).join("");
	const stale = "run `bun build/record.ts` (on Linux, as root)";

	test("is well-formed, self-contained and small", () => {
		expect(text.length).toBeGreaterThan(500);
		expect(() => checkSelfContained(svg)).not.toThrow();
		expect(svg.length).toBeLessThan(60_000);
		expect(svg).toContain("prefers-color-scheme:dark");
		expect(svg).toContain("prefers-reduced-motion");
	});

	test("shows this version and what it prints", () => {
		expect(text, stale).toContain(DESCRIPTION);
		const folder = join(import.meta.dir, "../../src");
		const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
			.filter((path) => path.endsWith(".ts"))
			.map((path) => readFileSync(join(folder, path), "utf8"))
			.join("\n");
		for (const said of Object.values(MILESTONES)) {
			expect(text, stale).toContain(said);
			expect(sources, `build/record.ts waits for "${said}"`).toContain(said);
		}
	});

	test("shows one code at both ends, and no whole ticket", () => {
		const [, code = ""] = /Join code: (\d+-[a-z]+-[a-z]+)/.exec(text) ?? [];
		expect(code).not.toBe("");
		expect(text).toMatch(new RegExp(`hivemind-p2p join ${code}[^]*hivemind-p2p join ${code}`));
		expect(text).toContain("…");
		expect(text).not.toMatch(/endpoint[a-z2-7]+\.[a-z2-7]{26}/);
	});
});

describe("a terminal", () => {
	const draw = (output: string, marked = /\bmarked\b/) => {
		const screen = new Screen();
		screen.print(output, 1_000);
		return terminalSvg([{ title: "a & b", column: 0, rows: screen.rows }], marked, "<d>");
	};

	test("is well-formed whatever is printed", () => {
		const texts = textsOf(draw('<b attr="x">&amp;\r\n\r\n  marked text\r\n'));
		expect(texts.join("|")).toContain("&lt;b attr=&quot;x&quot;&gt;&amp;amp;|marked| text");
		expect(texts).toContain("a &amp; b");
		expect(texts).toContain("&lt;d&gt;");
	});

	test("draws boxes as strokes, and the text inside them as text", () => {
		const svg = draw("╔══╗\r\n║ hi ║\r\n└──┘\r\n");
		expect(svg).not.toMatch(/[╔═╗║└─┘]/);
		expect(textsOf(svg)).toContain("hi");
		// Two corners and two lines; two sides; two corners and one line.
		expect([...svg.matchAll(/class="row box" [^>]*d="([^"]+)"/g)].map(([, d]) => d?.match(/M/g)?.length)).toEqual([
			6, 4, 3,
		]);
	});

	test("shows a row when its line has ended, and what is left of a spinner", () => {
		const screen = new Screen();
		screen.print("half ", 100);
		expect(screen.rows).toEqual([]);
		screen.print("a line\r\n\r⠋ Waiting …\r⠙ Waiting …\r\x1b[K", 200);
		screen.print("done\r\n", 300);
		expect(screen.rows).toEqual([
			{ text: "half a line", at: 200 },
			{ text: "done", at: 300 },
		]);
	});

	test("refuses what it cannot draw", () => {
		expect(() => draw("\x1b[2J\r\n")).toThrow("cannot draw");
		expect(() => draw("\ttab\r\n")).toThrow("cannot draw");
	});

	test("types a command, and shows the prompt of the first one from the start", () => {
		const screen = new Screen();
		screen.type("$ ls", 500, 80);
		screen.type("$ ", 900, 0);
		const svg = terminalSvg([{ title: "", column: 0, rows: screen.rows }], /never/, "");
		expect(screen.rows.map(({ at }) => at)).toEqual([0, 900]);
		expect(textsOf(svg).filter((text) => !text.includes("{"))).toEqual(["$ ", "ls", "$"]);
		expect(svg).toContain("steps(2) 0.5s both");
	});
});

describe("the checks of this file notice", () => {
	test.each(["<a>", "<a></b>", '<a x="1" x="2"/>', "<a>&</a>", "<a b=c/>", "text"])("%s is not well-formed", (svg) => {
		expect(() => textsOf(svg)).toThrow();
	});

	test.each([
		'<image href="x"/>',
		"<script>1</script>",
		'<g onclick="x"/>',
		"<style>@import{}</style>",
		'<g style="fill:url(http://x)"/>',
		"<!DOCTYPE svg>",
	])("%s is not self-contained", (svg) => {
		expect(() => checkSelfContained(svg)).toThrow();
	});
});
