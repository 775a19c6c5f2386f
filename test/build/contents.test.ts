// The SBOM, THIRD_PARTY.md, SHA256SUMS and the Homebrew formula list what there is, no more and no less.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checksums } from "../../build/archive.ts";
import { formula, installer, repositoryOf } from "../../build/formula.ts";
import { archiveName, TARGETS } from "../../build/targets.ts";
import { addonFile, BUILT, DIST, hasGivenAddon, ROOT } from "../support/built.ts";

const manifest = await Bun.file(join(ROOT, "package.json")).json();

describe.each(BUILT.map((built) => [built.name, built] as const))("%s", (name, built) => {
	const sbom = JSON.parse(readFileSync(join(DIST, `hivemind-p2p-${name}.cdx.json`), "utf8"));
	const components = sbom.components as {
		name: string;
		version: string;
		purl: string;
		hashes?: { content: string }[];
	}[];

	test("the SBOM lists Bun, the add-on and the program's dependencies, each with version and SHA-512", () => {
		expect(sbom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 });
		expect(sbom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
		expect(sbom.metadata.component).toMatchObject({ name: "hivemind-p2p", version: manifest.version });
		// The binding's own JavaScript is not in there: the build replaces it by the add-on.
		const wanted = [built.target.runtime, built.target.addon, ...Object.keys(manifest.dependencies)];
		expect(components.map((one) => one.name).sort()).toEqual(wanted.filter((one) => one !== "@number0/iroh").sort());
		for (const { name, version, purl, hashes } of components) {
			const kind = name === built.target.addon && hasGivenAddon(built) ? "generic" : "npm";
			expect(purl).toBe(`pkg:${kind}/${name.replace("@", "%40")}@${version}`);
			expect(hashes?.[0]?.content, name).toMatch(/^[0-9a-f]{128}$/);
		}
		expect(sbom.dependencies[0].dependsOn).toEqual(components.map((one) => one.purl));
	});

	test("the code of each package is in the executable", () => {
		const executable = readFileSync(built.executable);
		expect(executable.includes(readFileSync(addonFile(built)))).toBe(true);
		// One word of each package that minifying keeps.
		const words: Record<string, string> = { citty: "subCommands", consola: "consola", leven: "maxDistance" };
		for (const name of Object.keys(manifest.dependencies)) {
			const word = words[name];
			if (word) expect(executable.includes(word), name).toBe(true);
		}
	});

	test("THIRD_PARTY.md names each with its licence, and has the licences of Bun and of JavaScriptCore", () => {
		const text = readFileSync(join(DIST, name, "THIRD_PARTY.md"), "utf8");
		for (const { name, version } of components)
			expect(text.includes(`${name}) | ${version} |`) || text.includes(`${name} | ${version}`), name).toBe(true);
		expect(text.includes(", another build |")).toBe(hasGivenAddon(built));
		for (const name of ["citty", "consola", "leven"])
			expect(text).toMatch(new RegExp(`^## ${name} [\\d.]+\n\n\`\`\`\n.*`, "m"));
		expect(text).toContain("Permission is hereby granted, free of charge");
		expect(text).toContain("MIT. Copyright N0, INC.");
		expect(text).toContain("JavaScriptCore (and WebKit), which is LGPL-2 licensed");
		expect(text).not.toMatch(/^title:|\| (unknown|undefined) \|/m);
	});
});

test.skipIf(BUILT.length === 0)(
	"SHA256SUMS lists archives, SBOMs, executables and install.sh, with the right checksums",
	() => {
		const sums = readFileSync(join(DIST, "SHA256SUMS"), "utf8");
		const names = sums
			.trim()
			.split("\n")
			.map((line) => line.slice(66));
		expect(names).toContain("install.sh");
		for (const { name, target } of BUILT) {
			expect(names).toEqual(
				expect.arrayContaining([archiveName(name), `hivemind-p2p-${name}.cdx.json`, `${name}/${target.executable}`]),
			);
		}
		expect(checksums(names.map((name) => ({ name, data: readFileSync(join(DIST, name)) })))).toBe(sums);
	},
);

describe("the formula", () => {
	const project = { version: "1.2.3", repository: "some/thing" };
	const sums = (targets: string[]) =>
		checksums(targets.map((target) => ({ name: archiveName(target), data: Buffer.from(target) })));

	test("has every platform that Homebrew supports, with URL and checksum", () => {
		const { text, missing } = formula(project, sums(Object.keys(TARGETS)));
		expect(missing).toEqual([]);
		for (const target of ["darwin-arm64", "linux-x64", "linux-arm64"]) {
			const url = `https://github.com/some/thing/releases/download/v1.2.3/${archiveName(target)}`;
			const sha256 = new Bun.CryptoHasher("sha256").update(target).digest("hex");
			expect(text).toContain(`      url "${url}"\n      sha256 "${sha256}"\n`);
		}
		expect(text).toContain("    depends_on arch: :arm64\n");
		expect(text).not.toMatch(/musl|windows/);
		// As many `end` as openings. Ruby would notice, but is not installed everywhere.
		expect(text.match(/^ *end$/gm)?.length).toBe(text.match(/ do$|^class |^ +def /gm)?.length);
	});

	test("says what is missing, and fails if everything is", () => {
		const { text, missing } = formula(project, sums(["darwin-arm64", "linux-x64-musl"]));
		expect(missing).toEqual(["linux-x64", "linux-arm64"]);
		expect(text).not.toContain("on_linux");
		expect(() => formula(project, sums(["windows-x64"]))).toThrow("no archive that Homebrew could install");
	});

	const ruby = Bun.which("ruby");
	if (!ruby) console.log("Skipped: parsing the formula, because Ruby is not installed.");
	test.skipIf(!ruby)("is valid Ruby", () => {
		const { text } = formula(project, sums(Object.keys(TARGETS)));
		const ran = Bun.spawnSync(["ruby", "-c"], { stdin: Buffer.from(text) });
		expect(ran.stderr.toString()).toBe("");
	});
});

test("the repository must be written in one form, and install.sh must have one place for it", () => {
	expect(repositoryOf("github:a/b")).toBe("a/b");
	for (const field of [undefined, "a/b", "https://github.com/a/b", "github:a/b/c", "github:a b/c"]) {
		expect(() => repositoryOf(field)).toThrow("not 'github:owner/name'");
	}
	expect(() => installer("nothing", { version: "1", repository: "a/b" })).toThrow("exactly once");
	expect(() => installer("@REPOSITORY@ @REPOSITORY@", { version: "1", repository: "a/b" })).toThrow("exactly once");
});
