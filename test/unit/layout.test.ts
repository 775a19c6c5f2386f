// The way of a byte is the layout: import directions, sizes, and the one home of each dangerous thing.
// Reads the sources as text; a rule that fails names the file and the line.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const SRC = join(import.meta.dir, "../../src");
const LINES_MAX = 300;

/** Each step knows the step below it, and none above. */
const WAY = ["main", "cli", "demo", "share", "endpoint", "connection", "stream", "send", "iroh", "limits"];

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

/** Type imports count too: they are knowledge. */
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

/** Everything that a file knows, directly or through others. */
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
	expect(imports.get("main")).toContain("cli");
	expect(imports.get("stream")).toEqual(expect.arrayContaining(["duplex", "handshake", "iroh", "send", "receive"]));
	for (const [name, list] of imports) {
		for (const other of list) expect(codes.has(other), `${name}.ts imports ${other}`).toBe(true);
	}
});

test("no import leads back to where it came from", () => {
	for (const name of codes.keys()) expect([...reach(name)], `${name}.ts is in a cycle`).not.toContain(name);
});

test("each step on the way of a byte knows the next one, and none before it", () => {
	for (const [i, name] of WAY.entries()) {
		const known = reach(name);
		for (const below of WAY.slice(i + 1)) expect(known.has(below), `${name} → ${below}`).toBe(true);
		for (const above of WAY.slice(0, i)) expect(known.has(above), `${name} → ${above}`).toBe(false);
	}
});

test("share and join do not know each other, nor who calls them", () => {
	for (const [one, other] of [
		["share", "join"],
		["join", "share"],
	] as const) {
		for (const stranger of [other, "cli", "demo", "main", "argv"]) expect(reach(one).has(stranger)).toBe(false);
	}
});

test("the bridge knows neither QUIC nor TCP, and TCP knows no QUIC", () => {
	for (const name of ["bridge", "drain", "duplex"]) {
		for (const side of ["iroh", "socket", "stream"]) expect(reach(name).has(side), `${name} → ${side}`).toBe(false);
	}
	for (const name of ["iroh", "stream", "bridge"]) expect(reach("socket").has(name), `socket → ${name}`).toBe(false);
	expect(reach("stream").has("socket")).toBe(false);
});

test("what is pure knows nothing of the network", () => {
	for (const name of ["handshake", "address", "argv", "services", "errors", "limits", "fairness"]) {
		for (const other of ["iroh", "socket", "output"]) expect(reach(name).has(other), `${name} → ${other}`).toBe(false);
	}
});

test(`no file is longer than ${LINES_MAX} lines`, () => {
	for (const [name, text] of texts) expect(text.split("\n").length - 1, `${name}.ts`).toBeLessThanOrEqual(LINES_MAX);
});

test("every file begins by saying what it is", () => {
	for (const [name, text] of texts) {
		const first = text.replace(/^#!.*\n/, "").split("\n", 1)[0];
		expect(first, `${name}.ts`).toMatch(/^\/\/ \S.{20,}/);
	}
});

for (const [thing, pattern, home] of [
	["the process ends", /\bprocess\s*\.\s*(exit|abort|kill|reallyExit)\b/, ["main"]],
	["TCP is spoken", /\bBun\s*\.\s*(listen|connect)\b|\bnode:(net|tls|dgram)"/, ["socket"]],
	["the binding is loaded", /@number0\/iroh/, ["iroh"]],
	["something is printed", /\bconsole\s*\.|\bprocess\s*\.\s*std(out|err)\s*\.\s*write\b|"consola"/, ["output"]],
] as const) {
	test(`${thing} in ${home}.ts only`, () => {
		// address.ts takes isIPv4 and isIPv6 from node:net: parsing, not talking.
		const found = places(pattern, (name) => !(thing === "TCP is spoken" && name === "address"));
		expect(filesOf(found), found.join(", ")).toEqual([...home]);
	});
}

test("no byte is copied one by one with Array.from or a spread on its way", () => {
	const way = ["socket", "bridge", "stream", "send", "receive", "iroh"];
	for (const name of way) expect(codes.has(name), `${name}.ts is gone: adapt this list`).toBe(true);
	expect(places(/\bArray\s*\.\s*(from|of)\b|\[\s*\.\.\.|\.push\(\s*\.\.\./, (name) => way.includes(name))).toEqual([]);
});

test("the calls of the binding that abort the process, or lose bytes, are never made", () => {
	expect(places(/\.\s*watch(Addr|HomeRelay|NetworkChange|Paths|PathEvents)\b|\bsetLogLevel\b/)).toEqual([]);
	expect(places(/#socket\??\s*\.\s*(end|close)\b/)).toEqual([]);
});

test("no default exports, no barrels, and imports name their file", () => {
	expect(places(/\bexport\s+default\b|\bexport\s+\*/)).toEqual([]);
	expect(places(/\bfrom\s+"\.[^"]*(?<!\.ts|\.json|\.html)"/)).toEqual([]);
	expect(codes.has("index")).toBe(false);
	expect([...codes.keys()].every((name) => basename(name) === basename(name).toLowerCase())).toBe(true);
});
