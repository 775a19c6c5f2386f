// Another build of the native add-on than the registry's, as `--addon FILE` gives it: no hash vouches for it, so it is
// looked at instead. It must be made from the same iroh, and have everything that the program imports.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { Package } from "./packages.ts";
import { hostTarget } from "./targets.ts";

/** An add-on package, and the file of it that is embedded. */
export interface Addon {
	readonly package: Package;
	readonly file: string;
}

/** The package's own file. */
export const packagedAddon = (of: Package): Addon => ({
	package: of,
	file: join(of.directory, of.manifest.main ?? ""),
});

/** `path` in the place of the package's file. `target` is what it is for. @throws Error that says why it cannot be */
export function givenAddon(of: Package, path: string, target: string): Addon {
	const file = resolve(path);
	if (!file.endsWith(".node")) throw new Error(`${path} is not a .node file`);
	const data = readFileSync(file);
	const { name, version } = of;
	checkCrates(`${name}@${version}`, cratesOf(readFileSync(packagedAddon(of).file)), path, cratesOf(data));
	if (target === hostTarget()) checkExports(path, missingFrom(file));
	const sha512 = createHash("sha512").update(data).digest("base64");
	return { package: { ...of, integrity: `sha512-${sha512}`, given: true }, file };
}

/** The crates of iroh and of its QUIC library in an add-on, as "name-version": the messages of panics name their files. */
export function cratesOf(addon: Buffer): string[] {
	const paths = addon.toString("latin1").matchAll(/[/\\]((?:iroh|noq)(?:-[a-z]+)*-\d+\.\d+\.\d+[\w.+-]*)[/\\]/g);
	return [...new Set([...paths].map(([, crate]) => crate as string))].sort();
}

/** @throws Error unless the given add-on contains the packaged one's crates */
export function checkCrates(id: string, packaged: readonly string[], path: string, given: readonly string[]): void {
	if (given.length === 0) throw new Error(`${path} does not say which iroh it is made from`);
	if (packaged.join() === given.join()) return;
	const difference = (some: readonly string[], others: readonly string[]) =>
		some.filter((crate) => !others.includes(crate)).join(", ") || "nothing else";
	throw new Error(
		`${path} is not a build of ${id}: it contains ${difference(given, packaged)}, ` +
			`and the package contains ${difference(packaged, given)}`,
	);
}

/** @throws Error if anything is missing */
export function checkExports(path: string, missing: readonly string[]): void {
	if (missing.length > 0) throw new Error(`${path} has no ${missing.join(", ")}`);
}

/** What the binding exports; `require` is the project's. */
export const exportNames = (require: NodeJS.Require): string[] =>
	Object.keys(require("@number0/iroh")).filter((name) => /^[A-Za-z]\w*$/.test(name));

// --- internal ---

const require = createRequire(join(import.meta.dir, "../package.json"));

/** What an add-on for this machine lacks of the binding's exports. It is loaded in a process of its own. */
function missingFrom(file: string): string[] {
	const code =
		"const m = { exports: {} }; process.dlopen(m, process.argv[1]); console.log(Object.keys(m.exports).join());";
	const child = Bun.spawnSync([process.execPath, "-e", code, file], { stdin: "ignore" });
	if (child.exitCode !== 0) throw new Error(`${file} cannot be loaded: ${child.stderr.toString().trim()}`);
	const found = new Set(child.stdout.toString().trim().split(","));
	return exportNames(require).filter((name) => !found.has(name));
}
