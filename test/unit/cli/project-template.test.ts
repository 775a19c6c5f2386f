// The file that `init` writes: our own parser reads from it what was proposed, also where its comments are taken at
// their word.
import { expect, test } from "bun:test";
import { readProject } from "../../../src/cli/project-contents.ts";
import { projectText } from "../../../src/cli/project-template.ts";
import { proposeServices } from "../../../src/cli/proposals.ts";
import { PROJECT_TABLE } from "../../support/project-table.ts";

const read = (text: string) => readProject({ path: "hivemind.toml", text }, PROJECT_TABLE);
const owner = (port: number, program: string | undefined, host = "127.0.0.1") => ({
	address: { host, port },
	pid: 1,
	program,
});
const FOUND = proposeServices([owner(3000, "node"), owner(5432, undefined, "fd00::1"), owner(8000, "a\nb\u001b[31m")]);

test("is read back as what was proposed", () => {
	const text = projectText("shop", FOUND);
	expect(text).toContain("[services]\nweb = 3000             # node\n");
	const project = read(text);
	expect(project.name).toBe("shop");
	expect(project.services).toEqual(["web=3000", "api=8000", "db=[fd00::1]:5432"]);
	expect(project.options.share?.size).toBe(0);
	expect(project.options.join?.size).toBe(0);
});

test("without services it has examples that are comments", () => {
	expect(read(projectText("shop", [])).services).toEqual([]);
});

test.each([[FOUND], [[]]])("what is commented out is valid, too", (found) => {
	const settings = projectText("", found).replace(/^# (?=[a-z-]+ = )/gm, "");
	const project = read(settings);
	expect(project.name).toBe("my-project");
	expect(project.options.share).toEqual(
		new Map<string, string | number>([
			["wormhole", 1],
			["identity", ".hivemind.key"],
		]),
	);
	expect(project.options.join?.get("bind")).toEqual(["web=3100"]);
	expect(project.services.length).toBe(found.length || 2);
});

test.each([
	["my shop", "my shop"],
	['a "quoted" \\ name', 'a "quoted" \\ name'],
	[" spaces ", "spaces"],
	["line\nbreak\u0000", "linebreak"],
	["é🦊", "é🦊"],
	["x".repeat(100), "x".repeat(64)],
	[`${"x".repeat(63)}🦊`, "x".repeat(63)],
	["", undefined],
	[" \n", undefined],
])("a folder called %j names the hub %j", (folder, name) => {
	expect(read(projectText(folder, [])).name).toBe(name as string);
});
