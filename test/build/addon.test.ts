// `build.ts --addon`: another build of the add-on is embedded if it is made from the same iroh, and what lists the
// contents says so. The other build is a copy of the packaged file: the build knows it only by where it is.
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkCrates, checkExports, cratesOf, packagedAddon } from "../../build/addon.ts";
import { addonPackage } from "../../build/packages.ts";
import { thirdParty } from "../../build/sbom.ts";
import { hostTarget, targetOf } from "../../build/targets.ts";
import manifest from "../../package.json" with { type: "json" };
import { buildIn, copyProject, removeCopies } from "../support/project-copy.ts";

const target = targetOf(hostTarget());
const packaged = packagedAddon(await addonPackage(target.addon));
const elsewhere = mkdtempSync(join(tmpdir(), "hivemind-addon-"));
const other = join(elsewhere, "other.node");
copyFileSync(packaged.file, other);

afterAll(() => {
	removeCopies();
	rmSync(elsewhere, { recursive: true });
});

describe("what an add-on is made from", () => {
	test("is read from the messages of panics: iroh and its QUIC library, with their versions", () => {
		const names = cratesOf(readFileSync(packaged.file)).map((crate) => crate.replace(/-\d+\.\d+\.\d+$/, ""));
		expect(names).toEqual(expect.arrayContaining(["iroh", "iroh-relay", "noq", "noq-proto"]));
		expect(cratesOf(Buffer.from("/x/iroh-1.0.3/src/a.rs \\noq-proto-2.0.0-rc.1\\src\\b.rs /iroh-js/src/c.rs"))).toEqual(
			["iroh-1.0.3", "noq-proto-2.0.0-rc.1"],
		);
	});

	test("must be what the package is made from", () => {
		const check = (given: string[]) => checkCrates("a@1", ["iroh-1.0.2", "noq-1.0.1"], "x.node", given);
		expect(() => check(["iroh-1.0.2", "noq-1.0.1"])).not.toThrow();
		expect(() => check(["iroh-1.0.3", "noq-1.0.1"])).toThrow(
			"x.node is not a build of a@1: it contains iroh-1.0.3, and the package contains iroh-1.0.2",
		);
		expect(() => check(["iroh-1.0.2"])).toThrow("it contains nothing else, and the package contains noq-1.0.1");
		expect(() => check([])).toThrow("x.node does not say which iroh it is made from");
	});

	test("must have every export of the binding", () => {
		expect(() => checkExports("x.node", [])).not.toThrow();
		expect(() => checkExports("x.node", ["Endpoint", "RelayMap"])).toThrow("x.node has no Endpoint, RelayMap");
	});
});

test("THIRD_PARTY.md says that the add-on is another build, and which", () => {
	const given = { ...packaged.package, integrity: "sha512-abc", given: true };
	const runtime = { name: target.runtime, version: Bun.version, integrity: undefined };
	const contents = { program: manifest, target: hostTarget(), packages: [given], runtime, runtimeLicence: "none" };
	expect(thirdParty(contents)).toContain(`| ${target.addon} | ${given.version}, another build |`);
	expect(thirdParty(contents)).toContain("Not the registry's file, but another build of it: `sha512-abc`.");
	expect(thirdParty({ ...contents, packages: [packaged.package] })).not.toContain("another build");
});

test("the executable has the given file in the place of the packaged one", async () => {
	const place = copyProject();
	const given = Buffer.concat([readFileSync(packaged.file), Buffer.from("another build")]);
	writeFileSync(other, given);
	expect(await buildIn(place, ["--addon", other])).toMatchObject({ status: 0, stderr: "" });
	const executable = readFileSync(join(place, "dist", target.executable));
	expect(executable.includes(given)).toBe(true);
	expect(readFileSync(join(place, "dist", hostTarget(), "THIRD_PARTY.md"), "utf8")).toContain(", another build |");
	const ran = Bun.spawnSync([join(place, "dist", target.executable), "--version"]);
	expect(ran.stdout.toString()).toBe(`hivemind-p2p ${manifest.version}\n`);
}, 60_000);

describe("is refused", () => {
	const text = join(elsewhere, "text.node");
	const place = copyProject();

	test.each([
		["a file of another kind", [`${elsewhere}/other.so`], 1, "other.so is not a .node file"],
		["a file that is not there", [`${elsewhere}/none.node`], 1, "ENOENT"],
		["a build of something else", [text], 1, "text.node is not a build of @number0/iroh-"],
		["a target that is not built", ["windows-x64=x.node"], 2, "an add-on for windows-x64, which is not built"],
		["a target that does not exist", ["amiga=x.node"], 2, "there is no target 'amiga'"],
		[
			"a file without its target, where all are built",
			["x.node", "--all"],
			2,
			"so say which one it is for, as NAME=FILE",
		],
	])("%s", async (_, args, status, message) => {
		writeFileSync(text, "/iroh-0.1.0/");
		const built = await buildIn(place, ["--addon", ...args]);
		expect(built.stderr).toContain(message);
		expect(built.status).toBe(status);
	});

	test("a file that has the right names in it, but cannot be loaded", async () => {
		writeFileSync(
			text,
			cratesOf(readFileSync(packaged.file))
				.map((crate) => `/${crate}/`)
				.join(" "),
		);
		const built = await buildIn(place, ["--addon", text]);
		expect(built.stderr).toContain("text.node cannot be loaded: ");
		expect(built.status).toBe(1);
	});
});
