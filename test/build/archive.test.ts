// Archives: the usual tools can read them, and the same members make the same bytes.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksums, type Member, sourceDate, tarGz, zip } from "../../build/archive.ts";
import { BUILT } from "../support/built.ts";

const MEMBERS: Member[] = [
	{ name: "program", data: Buffer.from("\x7fELF".repeat(1000)), executable: true },
	{ name: "EMPTY", data: Buffer.alloc(0) },
	{ name: "LICENSE", data: Buffer.from("MIT\n") },
	{ name: "block", data: Buffer.alloc(512, "x") },
];
const DATE = Date.UTC(2026, 1, 3, 4, 5, 6) / 1000;

function unpacked(file: string, data: Uint8Array, command: (path: string) => string[]): string {
	const folder = mkdtempSync(join(tmpdir(), "hivemind-archive-"));
	try {
		writeFileSync(join(folder, file), data);
		const ran = Bun.spawnSync(command(file), { cwd: folder, env: { ...process.env, TZ: "UTC" } });
		expect(ran.stderr.toString()).toBe("");
		expect(ran.exitCode).toBe(0);
		for (const member of MEMBERS) {
			expect(readFileSync(join(folder, member.name)).equals(member.data), member.name).toBe(true);
			expect(statSync(join(folder, member.name)).mode & 0o111).toBe(member.executable ? 0o111 : 0);
			expect(statSync(join(folder, member.name)).mtimeMs / 1000).toBe(DATE);
		}
		return ran.stdout.toString();
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

const TOOLS: [tool: string, file: string, make: typeof tarGz, command: (path: string) => string[]][] = [
	["tar", "a.tar.gz", tarGz, (path) => ["tar", "-xzpf", path]],
	["busybox", "a.tar.gz", tarGz, (path) => ["busybox", "tar", "-xzpf", path]],
	["unzip", "a.zip", zip, (path) => ["unzip", "-q", path]],
];

for (const [tool, file, make, command] of TOOLS) {
	if (!Bun.which(tool)) console.log(`Skipped: ${tool} is not installed.`);
	test.skipIf(!Bun.which(tool))(`${tool} reads ${file}: content, mode and date`, () => {
		unpacked(file, make(MEMBERS, DATE), command);
	});
}

test("owner and group are 0, members are sorted, and their order does not matter", () => {
	const tar = Buffer.from(Bun.gunzipSync(Buffer.from(tarGz(MEMBERS, DATE))));
	expect(tar.toString("latin1", 108, 124)).toBe("0000000\0".repeat(2));
	const names = ["EMPTY", "LICENSE", "block", "program"];
	expect([0, 512, 1536, 2560].map((at) => tar.toString("latin1", at, tar.indexOf(0, at)))).toEqual(names);
	for (const make of [tarGz, zip]) {
		expect(Buffer.from(make([...MEMBERS].reverse(), DATE)).equals(make(MEMBERS, DATE))).toBe(true);
		expect(Buffer.from(make(MEMBERS, DATE + 86_400)).equals(make(MEMBERS, DATE))).toBe(false);
	}
});

test("checksums are what sha256sum writes, sorted by name", () => {
	const sums = checksums([
		{ name: "b", data: Buffer.from("b\n") },
		{ name: "a", data: Buffer.from("a\n") },
	]);
	expect(sums).toBe(
		"87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  a\n" +
			"0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f  b\n",
	);
});

test("SOURCE_DATE_EPOCH is the date; anything but a number is an error", () => {
	const before = process.env.SOURCE_DATE_EPOCH;
	try {
		for (const [given, date] of [
			["", 315_532_800],
			["0", 315_532_800],
			[String(DATE), DATE],
		] as const) {
			process.env.SOURCE_DATE_EPOCH = given;
			expect(sourceDate()).toBe(date);
		}
		process.env.SOURCE_DATE_EPOCH = "yesterday";
		expect(() => sourceDate()).toThrow("SOURCE_DATE_EPOCH is 'yesterday'");
	} finally {
		if (before === undefined) delete process.env.SOURCE_DATE_EPOCH;
		else process.env.SOURCE_DATE_EPOCH = before;
	}
});

describe.each(BUILT.map((built) => [built.name, built] as const))("%s", (_name, { archive, target }) => {
	test("is not too large, and contains the program, its licence and those of others", () => {
		expect(statSync(archive).size).toBeLessThanOrEqual(65e6);
		if (target.archive !== "tar.gz") return;
		const listed = Bun.spawnSync(["tar", "-tzf", archive]).stdout.toString();
		expect(listed).toBe(`LICENSE\nTHIRD_PARTY.md\n${target.executable}\n`);
	});
});
