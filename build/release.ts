// What the release workflow asks before it builds: `check TAG` (the tag, package.json and CHANGELOG.md agree), `notes TAG`
// (that section of the changelog), `version`. Called by .github/workflows/release.yml.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

/** The changelog's section of a version, without its heading. @throws Error without one, or when it is unreleased */
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

/** @throws Error unless the tag names the version */
export function checkTag(tag: string, version: string): void {
	if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, but package.json has version ${version}`);
}

if (import.meta.main) {
	const [command, tag = ""] = process.argv.slice(2);
	const changelog = readFileSync(join(import.meta.dir, "../CHANGELOG.md"), "utf8");
	try {
		if (command === "version") console.log(manifest.version);
		else if (command === "check" || command === "notes") {
			checkTag(tag, manifest.version);
			const notes = changelogSection(changelog, manifest.version);
			if (command === "notes") console.log(notes);
		} else throw new Error("usage: release.ts version | check TAG | notes TAG");
	} catch (error) {
		console.error(error instanceof Error ? error.message : String(error));
		process.exit(1);
	}
}
