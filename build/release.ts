// What the release workflow checks before it builds. `check TAG`: are the repository, the tag, package.json, CHANGELOG.md
// and what is pinned in order? `notes TAG` prints the changelog's section for it, `version` the version.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { type Checksums, committedChecksums, MISSING } from "./checksums.ts";
import { repositoryOf } from "./formula.ts";
import { checkPins, IMAGE_FILES } from "./pin-images.ts";

/** The owner in package.json and the README until there is a real one (RELEASING.md, "Once"). */
export const PLACEHOLDER_OWNER = "your-org";

/** The changelog's section for a version, without its heading. @throws Error if it is missing, empty or undated */
export function changelogSection(changelog: string, version: string): string {
	const sections = changelog.split(/^## /m).slice(1);
	const section = sections.find((text) => text.startsWith(`${version} `) || text.startsWith(`${version}\n`));
	if (section === undefined) throw new Error(`CHANGELOG.md has no section '## ${version} – date'`);
	const [heading = "", ...body] = section.split("\n");
	if (!/\d{4}-\d{2}-\d{2}/.test(heading)) throw new Error(`CHANGELOG.md: '## ${heading}' has no date`);
	const text = body.join("\n").trim();
	if (text === "") throw new Error(`CHANGELOG.md: the section of ${version} is empty`);
	return text;
}

/** @throws Error unless the tag belongs to the version */
export function checkTag(tag: string, version: string): void {
	if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, but package.json has version ${version}`);
}

/**
 * `repository` is package.json's; `actual` is the one that the workflow runs in (GITHUB_REPOSITORY), if any.
 * @throws Error if it is the placeholder, or another repository
 */
export function checkRepository(repository: string, actual: string | undefined): void {
	if (repository.startsWith(`${PLACEHOLDER_OWNER}/`)) {
		throw new Error(`package.json's repository is the placeholder ${repository}: see RELEASING.md, "Once"`);
	}
	if (actual && actual !== repository) {
		throw new Error(`package.json's repository is ${repository}, but this is ${actual}`);
	}
}

/** @throws Error that names the packages without a hash: their targets cannot be built, and a release has all of them */
export function checkChecksums(checksums: Checksums): void {
	const missing = [...checksums].flatMap(([id, hash]) => (hash === MISSING ? [id] : []));
	if (missing.length > 0) throw new Error(`no hash in build/checksums: ${missing.join(", ")} (RELEASING.md, "Once")`);
}

const read = (path: string) => readFileSync(join(import.meta.dir, "..", path), "utf8");

if (import.meta.main) {
	const [command, tag = ""] = process.argv.slice(2);
	try {
		if (command === "version") console.log(manifest.version);
		else if (command === "check" || command === "notes") {
			checkTag(tag, manifest.version);
			checkRepository(repositoryOf(manifest.repository), process.env.GITHUB_REPOSITORY);
			const notes = changelogSection(read("CHANGELOG.md"), manifest.version);
			checkChecksums(committedChecksums());
			checkPins(Object.fromEntries(IMAGE_FILES.map((path) => [path, read(path)])));
			if (command === "notes") console.log(notes);
		} else throw new Error("usage: release.ts version | check TAG | notes TAG");
	} catch (error) {
		console.error(error instanceof Error ? error.message : String(error));
		process.exit(1);
	}
}
