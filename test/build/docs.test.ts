// The pages that are made from the sources are as the sources make them.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PAGES } from "../../build/docs.ts";
import { COMMANDS } from "../../src/cli/commands.ts";

const read = (path: string) => readFileSync(join(import.meta.dir, "../..", path), "utf8");

test.each(Object.keys(PAGES))("%s is what bun build/docs.ts writes", (path) => {
	expect(read(path)).toBe(PAGES[path]?.() ?? "");
});

test("docs/cli.md has each option of a command in its section, or says where it is", () => {
	const sections = new Map(
		read("docs/cli.md")
			.split(/^## /m)
			.map((text) => [text.split("\n", 1)[0] as string, text]),
	);
	for (const [name, { args }] of Object.entries(COMMANDS)) {
		const own = sections.get(name) ?? "";
		const linked = ["Connection options", "Options of every command"]
			.filter((title) => own.includes(`(#${title.toLowerCase().replaceAll(" ", "-")})`))
			.map((title) => sections.get(title));
		const text = [own, ...linked].join("\n");
		for (const [option, { type }] of Object.entries(args)) {
			if (type !== "positional") expect(text, name).toMatch(new RegExp(`\`--${option}[ \`]`));
		}
	}
	expect(sections.get("mailbox")).not.toContain("#connection-options");
});
