// Finds the citations in this repository's texts (of pages, their headings, and source files) that lead nowhere.
// Pure: files come in as a map from path to text, so that a test can make up wrong ones (test/unit/citations.test.ts).
import { posix } from "node:path";

/** Path from the root, with forward slashes → text. */
export type Texts = ReadonlyMap<string, string>;

/** Made by the build, so citations are valid although the tree has no such file. */
const MADE = ["THIRD_PARTY.md"];

/**
 * One line, `path:line: what`, for each citation of something that is not there. `others` are the paths of files that
 * exist but cite nothing, such as pictures.
 */
export function brokenCitations(texts: Texts, others: readonly string[] = []): string[] {
	const tree: Tree = { texts, paths: [...texts.keys(), ...others] };
	return [...texts].flatMap(([path, text]) => {
		const prose = proseOf(path, text);
		const found = [...links(tree, path, prose), ...headings(tree, path, prose), ...files(tree, path, prose)];
		return found
			.sort((a, b) => a.at - b.at)
			.map(({ at, what }) => `${path}:${text.slice(0, at).split("\n").length}: ${what}`);
	});
}

/**
 * The part of a file that is written for people, with everything else blanked out: its comments, or all of a page, of
 * settings and of src/, whose messages may name a page. It has the length of the text and is all on one line, so that a
 * citation may be wrapped.
 */
export function proseOf(path: string, text: string): string {
	const blank = (part: string) => " ".repeat(part.length);
	const unmarked = (comment: string) =>
		comment.replace(/^[\t ]*(?:\/\*+|\*+\/|\*|\/\/+|#+)|\*+\/$/gm, blank).replace(/\s/g, " ");
	if (/\.(md|json|toml)$/.test(path)) return text.replace(/\s/g, " ");
	if (path.startsWith("src/") && path.endsWith(".ts")) return unmarked(text);
	const comment = /\.m?ts$/.test(path) ? /(?<=^|[\s;{}(),])\/\/.*|(?<=^|\s)\/\*[\s\S]*?\*\//gm : /(?<=^|\s)#.*/gm;
	let prose = "";
	for (const { 0: found, index } of text.matchAll(comment))
		prose += blank(text.slice(prose.length, index)) + unmarked(found);
	return prose + blank(text.slice(prose.length));
}

/** The headings of a page, as they are cited: without marks, in order. */
export function headingsOf(page: string): string[] {
	const outside = page.replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
	return [...outside.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = ""]) =>
		heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, ""),
	);
}

/** The anchors that GitHub gives the headings: lower case, no punctuation, hyphens; a repeated one is numbered. */
export function anchorsOf(page: string): string[] {
	const seen = new Map<string, number>();
	return headingsOf(page).map((heading) => {
		const anchor = heading
			.toLowerCase()
			.replace(/[^\p{L}\p{N}\s_-]/gu, "")
			.replace(/\s/g, "-");
		const before = seen.get(anchor) ?? 0;
		seen.set(anchor, before + 1);
		return before === 0 ? anchor : `${anchor}-${before}`;
	});
}

// --- internal ---

interface Tree {
	texts: Texts;
	paths: readonly string[];
}

interface Broken {
	/** Where in the text. */
	at: number;
	what: string;
}

/** `[words](path#anchor)` and `src="path"` of a page, relative to it. */
function links(tree: Tree, path: string, prose: string): Broken[] {
	if (!path.endsWith(".md")) return [];
	const found = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)|\b(?:src|srcset|href)="([^"]+)"/g)];
	return found.flatMap(({ 1: link, 2: attribute, index: at }) => {
		const target = link ?? attribute ?? "";
		if (/^[a-z]+:/.test(target)) return [];
		const [file = "", anchor] = target.split("#");
		const to = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file)).replace(/\/$/, "");
		if (!tree.paths.some((other) => other === to || other.startsWith(`${to}/`)))
			return [{ at, what: `the link ${target} leads to no file` }];
		const page = tree.texts.get(to) ?? "";
		if (anchor === undefined || anchorsOf(page).includes(anchor)) return [];
		return [{ at, what: `${to} has no heading for #${anchor}` }];
	});
}

const PAGE = String.raw`((?:[\w.-]+\/)*[\w-]+\.md)`;
const QUOTED = `"[^"]+"(?:(?:,| and|, and) +"[^"]+")*`;
/** PAGE, "Heading" · PAGE: "Heading" · "Heading" in PAGE, each also with several headings · PAGE section 3 */
const CITATION = new RegExp(
	`${PAGE}\`?\\)?[,:] +(${QUOTED})|(${QUOTED}) +in +\`?${PAGE}|${PAGE}\`?,? +section +(\\d+(?:\\.\\d+)*)`,
	"g",
);

/** Headings that are named together with their page. That the page exists is checked with the other files. */
function headings(tree: Tree, path: string, prose: string): Broken[] {
	return [...prose.matchAll(CITATION)].flatMap(
		({ 1: a, 2: afterPage, 3: beforePage, 4: b, 5: c, 6: number, index: at }) => {
			const page = resolve(tree, path, a ?? b ?? c ?? "");
			const known = headingsOf(tree.texts.get(page ?? "") ?? "");
			if (page === undefined) return [];
			if (number !== undefined) {
				const numbered = known.some((heading) => heading.startsWith(`${number}. `) || heading.startsWith(`${number} `));
				return numbered ? [] : [{ at, what: `${page} has no section ${number}` }];
			}
			const cited = [...(afterPage ?? beforePage ?? "").matchAll(/"([^"]+)"/g)].map(([, heading = ""]) =>
				heading.trim(),
			);
			return cited
				.map((heading) => heading.replace(/ +/g, " "))
				.filter((heading) => !known.includes(heading))
				.map((heading) => ({ at, what: `${page} has no heading "${heading}"` }));
		},
	);
}

/** Names of files: pages, sources, scripts and workflows, but not patterns (`*.ts`) or addresses. */
const FILE = /(?<![\w*>}./@$-])((?:[\w.-]+\/)*[\w-][\w.-]*\.(?:md|ts|mjs|sh|yml))\b(?![-\w/(])/g;

function files(tree: Tree, path: string, prose: string): Broken[] {
	const blank = (part: string) => " ".repeat(part.length);
	// Where links lead has been checked already.
	const local = prose.replace(/\b[a-z]+:\/\/[^\s)>"'`]+/g, blank).replace(/(?<=\])\([^)]*\)/g, blank);
	return [...local.matchAll(FILE)].flatMap(({ 1: name = "", index: at }) =>
		MADE.includes(name) || resolve(tree, path, name) !== undefined ? [] : [{ at, what: `there is no ${name}` }],
	);
}

/**
 * The path of the file that a name refers to: relative to the file that names it, from the root, or the end of any path.
 * A name without a folder in a source refers to another source; a test helper of that name must not hide that it is gone.
 */
function resolve({ paths }: Tree, from: string, name: string): string | undefined {
	const beside = posix.normalize(posix.join(posix.dirname(from), name));
	const plain = name.replace(/^(\.{1,2}\/)+/, "");
	const near = from.startsWith("src/") && !name.includes("/") ? paths.filter((path) => path.startsWith("src/")) : paths;
	return [beside, plain].find((path) => paths.includes(path)) ?? near.find((path) => path.endsWith(`/${plain}`));
}
