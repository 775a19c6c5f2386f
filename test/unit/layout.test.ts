// The direction of imports between folders, and the only file that may do each dangerous thing.
// Reads the sources as text; a failed rule names the file and the line.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const SRC = join(ROOT, "src");
const LINES_MAX = 250;
const COMMAND_LINES_MAX = 120;

/**
 * A folder imports only from folders in later rows, never from one in its own row. `main` is src/main.ts. This array is
 * the only place that defines the order; docs/architecture.md draws it.
 */
const ORDER = [
	["main"],
	["cli"],
	["demo"],
	["hub", "peer", "doctor"],
	["invite", "status"],
	["transport"],
	["forward", "protocol", "wormhole"],
	["base"],
] as const;

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const texts = new Map(files.map((path) => [path.slice(0, -3), readFileSync(join(SRC, path), "utf8")]));
/** Without comments, but with the same line numbers. Good enough for sources that biome has formatted. */
const codes = new Map([...texts].map(([name, text]) => [name, withoutComments(text)]));
const imports = new Map([...codes].map(([name, code]) => [name, importsOf(name, code)]));

function withoutComments(text: string): string {
	return text
		.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
		.replace(/(^|[\s;{}(),])\/\/.*$/gm, "$1");
}

/** The files of this repository that a file imports. Type imports count, too. */
function importsOf(name: string, code: string): string[] {
	const found = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)\.ts"/g)];
	return found.map(([, path = ""]) => join(name, "..", path));
}

/** `file:line` of each match outside comments, in the files for which `where` holds. */
function places(pattern: RegExp, where: (name: string) => boolean = () => true): string[] {
	return [...codes]
		.filter(([name]) => where(name))
		.flatMap(([name, code]) =>
			code.split("\n").flatMap((line, i) => (pattern.test(line) ? [`${name}.ts:${i + 1}`] : [])),
		);
}

const filesOf = (found: string[]) => [...new Set(found.map((place) => place.split(".ts:")[0]))];
const folderOf = (name: string) => name.split("/")[0] as string;
const rowOf = (folder: string) => ORDER.findIndex((row) => (row as readonly string[]).includes(folder));

/** Everything that a file imports, directly or indirectly. */
function reach(name: string, seen = new Set<string>()): Set<string> {
	for (const next of imports.get(name) ?? []) {
		if (seen.has(next)) continue;
		seen.add(next);
		reach(next, seen);
	}
	return seen;
}

test("the sources are found, and so are their imports", () => {
	expect(files.length).toBeGreaterThan(20);
	for (const [name, list] of imports) {
		for (const other of list) expect(codes.has(other), `${name}.ts imports ${other}`).toBe(true);
	}
});

test("each folder is in the order, and the order has no other folders", () => {
	expect(new Set([...codes.keys()].map(folderOf))).toEqual(new Set(ORDER.flat()));
});

test("a folder imports only from folders in later rows", () => {
	const wrong = [...imports].flatMap(([name, list]) =>
		list
			.filter((other) => folderOf(other) !== folderOf(name) && rowOf(folderOf(other)) <= rowOf(folderOf(name)))
			.map((other) => `${name}.ts imports ${other}.ts`),
	);
	expect(wrong).toEqual([]);
});

test("no file imports itself through others", () => {
	for (const name of codes.keys()) expect([...reach(name)], `${name}.ts is in a cycle`).not.toContain(name);
});

test("the bridge knows neither QUIC nor TCP", () => {
	for (const name of ["forward/bridge", "forward/transfers", "forward/duplex"])
		for (const side of ["transport/iroh", "forward/tcp", "forward/tcp-duplex"])
			expect(reach(name).has(side), `${name} → ${side}`).toBe(false);
});

test("pure code imports neither the network nor the output", () => {
	const pure = [
		"cli/parse-args",
		"hub/admission",
		"hub/peer-state",
		"transport/chunk-size",
		"base/address",
		"base/errors",
	];
	pure.push(...[...codes.keys()].filter((name) => ["protocol"].includes(folderOf(name))));
	for (const name of pure) {
		expect(codes.has(name), `${name}.ts is gone: adapt this list`).toBe(true);
		for (const other of ["transport/iroh", "forward/tcp", "base/output"])
			expect(reach(name).has(other), `${name} → ${other}`).toBe(false);
	}
});

test("a start that only prints loads nothing that a command needs when it runs", () => {
	const loaded = new Set<string>();
	const statically = /^(?:import|export)\b(?! type\b)(?:[^;"=]* from)? "([^"]+)"/gm;
	const load = (name: string): void => {
		if (loaded.has(name)) return;
		loaded.add(name);
		for (const [, from = ""] of (codes.get(name) ?? "").matchAll(statically)) {
			if (from.startsWith(".")) load(join(name, "..", from.replace(/\.ts$/, "")));
			else loaded.add(from);
		}
	};
	load("main");
	expect(loaded.has("cli/parse-args") && loaded.has("node:fs"), "the imports are read").toBe(true);
	const light = ["base", "cli", "main"];
	const limits = /^(hub|invite|protocol|status|transport|wormhole)\/((client|server)\/)?limits$/;
	const heavy = [...loaded].filter((name) => codes.has(name) && !light.includes(folderOf(name)) && !limits.test(name));
	// What the options of the commands say, and what looks for the project file.
	expect(heavy.sort()).toEqual([
		"invite/pasted",
		"invite/saved-hub",
		"invite/secret",
		"invite/trusted-file",
		"protocol/services",
		"protocol/stream-header",
		"status/access",
	]);
	// node:net takes 10 ms, node:crypto 12, and a package has to be read.
	const others = [...loaded].filter((name) => !codes.has(name) && !name.endsWith("package.json"));
	expect(others.sort()).toEqual(["bun:ffi", "consola/core", "leven", "node:fs", "node:os", "node:path", "node:util"]);
});

test("no file is longer than it may be", () => {
	for (const [name, text] of texts) {
		const most = folderOf(name) === "cli" ? COMMAND_LINES_MAX : LINES_MAX;
		// Longer than a command may be: one writes three shells' scripts, the other is the parser.
		const limit = name === "cli/completion-scripts" || name === "cli/parse-args" ? LINES_MAX : most;
		expect(text.split("\n").length - 1, `${name}.ts`).toBeLessThanOrEqual(limit);
	}
});

test("the unit tests mirror the folders of the sources", () => {
	const tests = readdirSync(join(ROOT, "test/unit"), { recursive: true, encoding: "utf8" });
	// These check the tree as a whole.
	const whole = ["layout", "limits", "repository", "citations"];
	const homeless = tests
		.filter((path) => path.endsWith(".test.ts"))
		.filter((path) => !existsSync(join(SRC, path, "..", `${basename(path).split(".")[0]}.ts`)))
		.filter((path) => !whole.includes(path.slice(0, -".test.ts".length)));
	expect(homeless).toEqual([]);
});

for (const [thing, pattern, home] of [
	["the process ends", /\bprocess\s*\.\s*(exit|abort|kill|reallyExit)\b/, ["main"]],
	["TCP is spoken", /\bBun\s*\.\s*(listen|connect)\b|\bnode:(net|tls|dgram)"/, ["forward/tcp"]],
	["the binding is loaded", /@number0\/iroh/, ["transport/iroh"]],
	["something is printed", /\bconsole\s*\.|"consola\b/, ["base/output"]],
	["the command line is parsed", /\bparseArgs\b|"node:util"/, ["cli/parse-args"]],
] as const) {
	test(`${thing} in ${home}.ts only`, () => {
		// address.ts imports isIPv4 and isIPv6 from node:net, which only parse.
		const found = places(pattern, (name) => !(thing === "TCP is spoken" && name === "base/address"));
		expect(filesOf(found), found.join(", ")).toEqual([...home]);
	});
}

test("no file on a byte's way copies with Array.from or a spread", () => {
	const way = [
		"forward/tcp",
		"forward/tcp-duplex",
		"forward/bridge",
		"transport/stream",
		"transport/send",
		"transport/receive",
		"transport/iroh",
	];
	for (const name of way) expect(codes.has(name), `${name}.ts is gone: adapt this list`).toBe(true);
	expect(places(/\bArray\s*\.\s*(from|of)\b|\[\s*\.\.\.|\.push\(\s*\.\.\./, (name) => way.includes(name))).toEqual([]);
});

test("calls that abort the process or lose bytes are never made", () => {
	expect(places(/\.\s*watch(Addr|HomeRelay|NetworkChange|Paths|PathEvents)\b|\bsetLogLevel\b/)).toEqual([]);
	expect(places(/#socket\??\s*\.\s*(end|close)\b/)).toEqual([]);
});

test("process.stdin, process.stdout and process.stderr are left alone: they change descriptors that others share", () => {
	const found = places(/\bprocess\s*\.\s*std(in|out|err)\b/);
	// Once, of a terminal, to ask for its width.
	expect(found.map((place) => place.replace(/:.*/, ""))).toEqual(["base/stdio.ts"]);
});

test("no default exports, no barrels, and imports name their file", () => {
	expect(places(/\bexport\s+default\b|\bexport\s+\*/)).toEqual([]);
	expect(places(/\bfrom\s+"\.[^"]*(?<!\.ts|\.json|\.html)"/)).toEqual([]);
	expect([...codes.keys()].every((name) => name === name.toLowerCase() && basename(name) !== "index")).toBe(true);
});
