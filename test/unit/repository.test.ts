// The repository as a whole: its links, its name, and claims in its pages that would go stale unnoticed. That the pages'
// links lead somewhere is checked with all other citations (citations.test.ts).
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { repositoryOf } from "../../build/formula.ts";
import { PLACEHOLDER_OWNER } from "../../build/release.ts";
import { TARGETS } from "../../build/targets.ts";
import manifest from "../../package.json" with { type: "json" };

const ROOT = join(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** The pages, and other files that a user or GitHub reads: path and text. */
const PAGES = [
	...readdirSync(ROOT).filter((file) => file.endsWith(".md")),
	...readdirSync(join(ROOT, "docs")).flatMap((file) => (file.endsWith(".md") ? [`docs/${file}`] : [])),
	...["Dockerfile", ".github/workflows/ci.yml", ".github/workflows/release.yml"],
].map((path) => [path, read(path)] as const);

/** Runs git, even in another user's checkout, which CI may have and git would refuse. */
function git(...args: string[]): string | undefined {
	if (!Bun.which("git") || !existsSync(join(ROOT, ".git"))) return undefined;
	const ran = Bun.spawnSync(["git", "-c", "safe.directory=*", ...args], { cwd: ROOT });
	return ran.success ? ran.stdout.toString() : undefined;
}

/** A line of `git ls-files -s -z`. */
interface Entry {
	mode: string;
	hash: string;
	path: string;
}

const parseEntries = (listing: string): Entry[] =>
	listing.split("\0").flatMap((line) => {
		const [, mode, hash, path] = /^(\d{6}) ([0-9a-f]+) \d\t(.+)$/s.exec(line) ?? [];
		return mode && hash && path ? [{ mode, hash, path }] : [];
	});

/** The symbolic links that are absolute or lead out of the tree, as `path -> target`. */
function badLinks(entries: readonly Entry[], targetOf: (entry: Entry) => string): string[] {
	return entries
		.filter(({ mode }) => mode === "120000")
		.map((entry) => ({ path: entry.path, target: targetOf(entry) }))
		.filter(({ path, target }) => {
			const to = posix.normalize(posix.join(posix.dirname(path), target));
			return /^(\/|\\|[a-z]:)/i.test(target) || to === ".." || to.startsWith("../");
		})
		.map(({ path, target }) => `${path} -> ${target}`);
}

describe("tracked links", () => {
	const listing = git("ls-files", "-s", "-z");
	if (listing === undefined) console.log("Skipped: the tracked links; this is not a git checkout, or git is missing.");

	test.skipIf(listing === undefined)("are relative and stay in the tree", () => {
		const entries = parseEntries(listing ?? "");
		expect(entries.length).toBeGreaterThan(100);
		expect(badLinks(entries, ({ hash }) => git("cat-file", "blob", hash) ?? "/unreadable")).toEqual([]);
	});

	test.each([
		["bun", "/usr/local/bin/bun", false],
		["bun", "C:\\bun.exe", false],
		["bun", "../bun", false],
		["bun", "..", false],
		["docs/page.md", "../../page.md", false],
		["docs/page.md", "a/../../../page.md", false],
		["docs/page.md", "../README.md", true],
		["docs/page.md", "other.md", true],
		["docs/page.md", "../..page.md", true],
	])("%s -> %s", (path, target, allowed) => {
		const listing = `100644 ${"a".repeat(40)} 0\tREADME.md\x00120000 ${"b".repeat(40)} 0\t${path}\x00`;
		const found = badLinks(parseEntries(listing), () => target);
		expect(found).toEqual(allowed ? [] : [`${path} -> ${target}`]);
	});

	test("are told from files by their mode, whatever the file contains", () => {
		expect(badLinks(parseEntries(`100755 ${"a".repeat(40)} 0\tbun\x00`), () => "/bin/sh")).toEqual([]);
	});
});

describe("the repository's name", () => {
	const repository = repositoryOf(manifest.repository);
	const [owner = "", name = ""] = repository.split("/");
	test("is package.json's wherever it is spelled out; other pages say OWNER", () => {
		const found = PAGES.flatMap(([path, text]) => [
			...[...text.matchAll(/(?:github\.com\/|ghcr\.io\/|--repo )([\w.-]+)\/hivemind-p2p\b/g)].map(([, one]) => [
				path,
				one,
			]),
			...[...text.matchAll(/(?<![\w$.-])([\w.-]+)\/tap\b/g)].map(([, one]) => [path, one]),
		]);
		expect(found.filter(([path]) => path === "README.md").length).toBeGreaterThan(3);
		expect(name).toBe(manifest.name);
		for (const [path, one] of found) expect([owner, "OWNER"], `${path} names ${one}`).toContain(one as string);
		for (const [path, one] of found) if (path === "README.md") expect(one).toBe(owner);
	});

	test("is not in install.sh, into which the build writes it", () => {
		expect(read("install.sh")).not.toContain(repository);
	});

	test("is a placeholder everywhere or nowhere, and the README says so", () => {
		const placeholders = PAGES.filter(([, text]) => text.includes(PLACEHOLDER_OWNER)).map(([path]) => path);
		// The changelog and RELEASING.md are about the placeholder.
		expect(placeholders.filter((path) => !/^(CHANGELOG|RELEASING)\.md$/.test(path))).toEqual(
			owner === PLACEHOLDER_OWNER ? ["README.md"] : [],
		);
		expect(read("README.md").includes("No release has been published yet")).toBe(owner === PLACEHOLDER_OWNER);
		expect(read("RELEASING.md")).toContain(PLACEHOLDER_OWNER);
	});
});

test("the pages name the version of Bun that package.json pins", () => {
	const found = PAGES.flatMap(([path, text]) =>
		[...text.matchAll(/\bbun@\d[\w.]*/g)].map(([version]) => [path, version]),
	);
	expect(found.length).toBeGreaterThan(3);
	expect(found.filter(([, version]) => version !== manifest.packageManager)).toEqual([]);
});

describe("the README", () => {
	const readme = read("README.md");

	test("has at most 1,000 words, code blocks and tables included", () => {
		const words = readme.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
		expect(words.length).toBeGreaterThan(300);
		expect(words.length).toBeLessThanOrEqual(1000);
	});

	test("shows the recording and the two commands, for trying and for testing", () => {
		expect(readme).toContain("](docs/recording.svg)");
		for (const command of ["demo", "test"])
			expect(readme).toContain(`npx -y ${manifest.packageManager} run ${command} `);
	});

	test.each(["README.md", "RELEASING.md"])("%s names the targets that the committed lockfile can build", (path) => {
		const lock = read("bun.lock");
		const locked = Object.entries(TARGETS).flatMap(([name, { addon }]) => (lock.includes(`"${addon}@`) ? [name] : []));
		const all = Object.keys(TARGETS).length;
		const claim = /(?:lockfile as committed: |It covers )(`.+?`)[ ;.](?!and|`)/.exec(read(path))?.[1] ?? "";
		// Once the lockfile has all of them, the sentence has to go.
		expect([...claim.matchAll(/`([a-z0-9-]+)`/g)].map(([, target]) => target)).toEqual(
			locked.length === all ? [] : locked,
		);
	});
});

test("CONTRIBUTING.md justifies each dependency, and lists no others", () => {
	const table = read("CONTRIBUTING.md").split("## Dependencies")[1] ?? "";
	const rows = [...table.matchAll(/^\| (`.+?) +\| (.*?) +\|$/gm)];
	const explained = rows.flatMap(([, names = ""]) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
	const { dependencies, devDependencies } = manifest;
	expect(explained.sort()).toEqual([...Object.keys(dependencies), ...Object.keys(devDependencies)].sort());
	for (const [, names, why = ""] of rows) expect(why.length, names).toBeGreaterThan(4);
});
