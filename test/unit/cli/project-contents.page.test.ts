// docs/project-file.md: its example is read, and means what the page says.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatAddress } from "../../../src/base/address.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import type { CommandTable } from "../../../src/cli/definition.ts";
import { parse } from "../../../src/cli/parse-args.ts";
import { readProject } from "../../../src/cli/project-contents.ts";
import { readServiceArgs } from "../../../src/cli/service-args.ts";

const page = readFileSync(join(import.meta.dir, "../../../docs/project-file.md"), "utf8");
const TABLE: CommandTable = COMMANDS;
const read = (text: string) => readProject({ path: "hivemind.toml", text }, TABLE);

const [, example = ""] = /```toml\n([\s\S]*?)```/.exec(page) ?? [];
const [, command = ""] = /is the same as `hivemind-p2p (share [^`]+)`/.exec(page) ?? [];

test("the example is the command line that the page says", () => {
	const { name, services, options } = read(example);
	const line = parse(command.split(" "), COMMANDS);
	if (line.kind !== "run" || line.command !== "share") throw new Error(command);
	const typed = readServiceArgs(line.options.words);
	expect({ name, services: readServiceArgs(services).services }).toEqual({
		name: typed.name as string,
		services: typed.services,
	});
	const filled = parse(["share"], COMMANDS, () => options.share ?? new Map());
	expect(filled).toMatchObject({ ...line, options: { ...line.options, words: [] } });
	expect(options.join).toEqual(new Map([["bind", ["web=3001"]]]));
	const shown = typed.services.map((service) => `${service.name} (${formatAddress(service.address)})`).join(", ");
	expect(page).toContain(`Using hivemind.toml: ${shown}; --wormhole, --max-peers 5, --identity .hivemind/hub.key.`);
});

describe("each setting in the table of values", () => {
	const rows = [...page.matchAll(/^\| `(--\S+ ?.*?)` +\| (`.*?) +\|$/gm)];
	test("is there", () => expect(rows.length).toBe(6));

	for (const [, options = "", cell = ""] of rows) {
		const [setting = ""] = /(?<=`)[^`]+(?=`)/.exec(cell) ?? [];
		test(setting, () => {
			const owner = options.startsWith("--bind") ? "join" : "share";
			const values = read(`[${owner}]\n${setting}`).options[owner];
			const words = [...(values ?? [])].flatMap(([name, value]) =>
				typeof value === "number" ? [`--${name}`] : [value].flat().map((text) => `--${name} ${text}`),
			);
			expect(words.join(" ")).toBe(options);
		});
	}
});

test("each option that the page says is not for a file is refused", () => {
	const [, list = ""] = /Some options are not for a file:\n\n([\s\S]*?)\n\n/.exec(page) ?? [];
	const named = [...list.matchAll(/^- (.*?)(?: is | are | would )/gm)].flatMap(([, head = ""]) =>
		[...head.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name as string),
	);
	const refused = ["share", "join"].flatMap((command) =>
		Object.entries(TABLE[command]?.args ?? {}).flatMap(([name, definition]) =>
			"notInFile" in definition && definition.notInFile !== undefined ? [name] : [],
		),
	);
	expect(new Set(named)).toEqual(new Set(refused));
});
