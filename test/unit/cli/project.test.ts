// What of a project file counts for a command, and where an error says that a value comes from.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HivemindError } from "../../../src/base/errors.ts";
import type { Values } from "../../../src/cli/layers.ts";
import { projectLayer } from "../../../src/cli/project.ts";
import { PROJECT_TABLE } from "../../support/project-table.ts";

const before = process.cwd();
let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-layer-"));
	process.chdir(folder);
});
afterEach(() => {
	process.chdir(before);
	rmSync(folder, { recursive: true });
	delete process.env.TEST_MAILBOX;
});

const FILE = `name = "shop"
[services]
web = 3000
[share]
max-peers = 5
relay-url = "https://relay"
[join]
mailbox = "wss://file"
`;

function layer(command: keyof typeof PROJECT_TABLE, typed: Record<string, string | number> = {}, text = FILE) {
	writeFileSync("hivemind.toml", text);
	chmodSync("hivemind.toml", 0o644);
	const values: Values = new Map(Object.entries(typed));
	return projectLayer(command, values, PROJECT_TABLE);
}

test("the name, the services and the options of the command that is run", () => {
	const share = layer("share");
	expect(share).toMatchObject({ name: "shop", services: ["web=3000"] });
	expect(Object.fromEntries(share?.values ?? [])).toEqual({ "max-peers": "5", "relay-url": ["https://relay"] });
	expect(Object.fromEntries(layer("join")?.values ?? [])).toEqual({ mailbox: "wss://file" });
});

test("the command line and the environment come first", () => {
	process.env.TEST_MAILBOX = "wss://environment";
	expect(layer("join")?.values.size).toBe(0);
	expect(Object.keys(Object.fromEntries(layer("share", { "no-relay": 1 })?.values ?? []))).toEqual(["max-peers"]);
});

test("no file is read with --no-config, nor for a command that has no options in it, even if it has mistakes", () => {
	expect(layer("share", { "no-config": 1 }, "x")).toBeUndefined();
	expect(layer("demo", {}, "x")).toBeUndefined();
	expect(() => layer("share", { "no-config": 0 }, "x")).toThrow("hivemind.toml, line 1: ");
});

test("another file is read with --config", () => {
	writeFileSync("other.toml", "[services]\nmail = 8025\n");
	expect(layer("share", { config: "other.toml" })).toMatchObject({ name: undefined, services: ["mail=8025"] });
});

test("an error about an option from the file says where that is; any other one stays as it is", () => {
	const share = layer("share");
	const error = new HivemindError("usage", "--max-peers: '5' is not right.", { hint: "Write 6.", cause: "why" });
	const explained = share?.explain(error) as HivemindError;
	expect(explained).toMatchObject({ code: "usage", message: error.message, cause: "why" });
	expect(explained.hint).toBe("--max-peers is set in hivemind.toml, line 5. Write 6.");
	const both = share?.explain(new HivemindError("usage", "--max-peers and --relay-url do not fit.")) as HivemindError;
	expect(both.hint).toBe("--max-peers is set in hivemind.toml, line 5. --relay-url is set in hivemind.toml, line 6.");
	const value = share?.explain(new HivemindError("usage", "'https://relay' is no relay.")) as HivemindError;
	expect(value.hint).toBe("--relay-url is set in hivemind.toml, line 6.");
	for (const other of [
		new HivemindError("usage", "5 relays of https://relay-other and relay are wrong."),
		new HivemindError("usage", "--relay-url-other and --alpn do not fit."),
		new Error("--max-peers"),
		"--max-peers",
	]) {
		expect(share?.explain(other)).toBe(other);
	}
});
