// Builds the single-file executables: `bun build.ts [--target NAME | --all] [--archive] [--addon [NAME=]FILE]`. Each
// target's files go into dist/<target>/, and this machine's executable to dist/ as well. FILE is another build of a
// target's native add-on. `bun build.ts --formula` prints the Homebrew formula for the archives of the last build.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { givenAddon, packagedAddon } from "./build/addon.ts";
import { checksums, type Member, sourceDate, tarGz, zip } from "./build/archive.ts";
import { bundle } from "./build/bundle.ts";
import { formula, installer, repositoryOf } from "./build/formula.ts";
import { checkExecutable } from "./build/gate.ts";
import { addonPackage, fetchPackage, installed, type Package } from "./build/packages.ts";
import { type Contents, cycloneDx, thirdParty } from "./build/sbom.ts";
import { archiveName, hostTarget, TARGETS, targetOf } from "./build/targets.ts";
import manifest from "./package.json" with { type: "json" };

/** The largest archive, in bytes. Bun makes up 40 MB of it and the add-on 10; if it grows beyond this, find out why. */
const ARCHIVE_MAX = 65e6;

const root = import.meta.dir;
const dist = join(root, "dist");
const project = { version: manifest.version, repository: repositoryOf(manifest.repository) };

/** A file that users download or verify, under its name in SHA256SUMS. */
interface Artefact {
	name: string;
	data: Buffer;
}

/**
 * Builds one target into dist/<name>/. With `archive`, returns the files for SHA256SUMS. `given` is the file of another
 * build of its add-on. @throws Error
 */
async function build(name: string, archive: boolean, given: string | undefined): Promise<Artefact[]> {
	const target = targetOf(name);
	const packaged = await addonPackage(target.addon);
	const addon = given === undefined ? packagedAddon(packaged) : givenAddon(packaged, given, name);
	// For a local build this machine's Bun will do. A release uses the registry's, so that every build is the same.
	const runtime = !archive && name === hostTarget() ? undefined : await fetchPackage(target.runtime, Bun.version);
	const directory = join(dist, name);
	rmSync(directory, { recursive: true, force: true });
	mkdirSync(directory, { recursive: true });
	const outfile = join(directory, target.executable);
	const directories = await bundle({
		root,
		target,
		addon: addon.file,
		runtime: runtime && join(runtime.directory, "bin", target.archive === "zip" ? "bun.exe" : "bun"),
		outfile,
	});
	const executable = readFileSync(outfile);
	checkExecutable(target, executable, readFileSync(addon.file));
	if (name === hostTarget()) {
		// By renaming, because the old one may be running.
		copyFileSync(outfile, join(dist, `.${target.executable}`));
		renameSync(join(dist, `.${target.executable}`), join(dist, target.executable));
	}
	print(name, relative(root, outfile), executable.length);
	const contents = contentsOf(name, directories, addon.package, runtime);
	const notice = thirdParty(contents);
	await Bun.write(join(directory, "THIRD_PARTY.md"), notice);
	if (!archive) return [];

	const members: Member[] = [
		{ name: target.executable, data: executable, executable: true },
		{ name: "LICENSE", data: readFileSync(join(root, "LICENSE")) },
		{ name: "THIRD_PARTY.md", data: Buffer.from(notice) },
	];
	const date = sourceDate();
	const packed = Buffer.from((target.archive === "zip" ? zip : tarGz)(members, date));
	print(name, `dist/${archiveName(name)}`, packed.length);
	if (packed.length > ARCHIVE_MAX) throw new Error(`the archive is larger than ${ARCHIVE_MAX / 1e6} MB`);
	const published = [
		{ name: archiveName(name), data: packed },
		{ name: `hivemind-p2p-${name}.cdx.json`, data: Buffer.from(cycloneDx(contents, date)) },
	];
	for (const { name, data } of published) await Bun.write(join(dist, name), data);
	// The executable's checksum, too, so that install.sh can tell without a download whether it is installed already.
	return [...published, { name: `${name}/${target.executable}`, data: executable }];
}

function contentsOf(name: string, directories: string[], addon: Package, runtime: Package | undefined): Contents {
	const others = directories.map((directory) => {
		const found = installed(directory.replaceAll("\\", "/").replace(/^.*node_modules\//, ""));
		if (found?.directory !== directory)
			throw new Error(`${directory} is bundled, but is not a package in the lockfile`);
		return found;
	});
	const bun = installed("bun-types");
	if (bun?.version !== Bun.version) throw new Error(`bun-types is ${bun?.version}, but Bun is ${Bun.version}`);
	return {
		program: manifest,
		target: name,
		packages: [addon, ...others].sort((a, b) => (a.name < b.name ? -1 : 1)),
		runtime: runtime ?? { name: targetOf(name).runtime, version: Bun.version, integrity: undefined },
		runtimeLicence: readFileSync(join(bun.directory, "docs/project/license.mdx"), "utf8"),
	};
}

const print = (name: string, file: string, size: number) =>
	console.log(`${name.padEnd(17)} ${file.padEnd(42)} ${(size / 1e6).toFixed(1).padStart(6)} MB`);

/** `NAME=FILE`, or `FILE` where one target is built. */
function addonOption(text: string, names: readonly string[]): [name: string, file: string] {
	const [, name, file] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
	if (name && file) return [name, resolve(file)];
	const [only = "", ...others] = names;
	if (others.length > 0) stop(`--addon ${text}: several targets are built, so say which one it is for, as NAME=FILE`);
	return [only, resolve(text)];
}

function stop(message: string): never {
	console.error(`build.ts: ${message}`);
	process.exit(2);
}

const { values } = parseArgs({
	options: {
		target: { type: "string" },
		all: { type: "boolean", default: false },
		archive: { type: "boolean", default: false },
		addon: { type: "string", multiple: true, default: [] },
		formula: { type: "boolean", default: false },
	},
});

if (values.formula) {
	if (!existsSync(join(dist, "SHA256SUMS"))) stop("dist/SHA256SUMS is missing; build with --archive first");
	const { text, missing } = formula(project, readFileSync(join(dist, "SHA256SUMS"), "utf8"));
	for (const name of missing) console.error(`${name} is not in SHA256SUMS, so the formula has no entry for it`);
	process.stdout.write(text);
	process.exit(0);
}
if (manifest.packageManager !== `bun@${Bun.version}`) {
	stop(`this is Bun ${Bun.version}, but package.json pins ${manifest.packageManager}`);
}
const names = values.all ? Object.keys(TARGETS) : [values.target ?? hostTarget()];
const given = new Map(values.addon.map((text) => addonOption(text, names)));
const unknown = [...names, ...given.keys()].find((name) => !Object.hasOwn(TARGETS, name));
if (unknown) stop(`there is no target '${unknown}': the targets are ${Object.keys(TARGETS).join(", ")}`);
const unused = [...given.keys()].find((name) => !names.includes(name));
if (unused) stop(`--addon gives an add-on for ${unused}, which is not built`);
// Where the build is started does not change what it makes.
process.chdir(root);
const artefacts: Artefact[] = [];
const failed: string[] = [];
for (const name of names) {
	try {
		artefacts.push(...(await build(name, values.archive, given.get(name))));
	} catch (error) {
		failed.push(name);
		// Leave nothing that could be mistaken for the result, not even from an earlier build.
		for (const made of [name, archiveName(name), `hivemind-p2p-${name}.cdx.json`]) {
			rmSync(join(dist, made), { recursive: true, force: true });
		}
		console.error(`${name.padEnd(17)} FAILED: ${error instanceof Error ? error.message : String(error)}`);
	}
}
if (values.archive && artefacts.length > 0) {
	const script = Buffer.from(installer(readFileSync(join(root, "install.sh"), "utf8"), project));
	await Bun.write(join(dist, "install.sh"), script);
	await Bun.write(join(dist, "SHA256SUMS"), checksums([...artefacts, { name: "install.sh", data: script }]));
}
if (failed.length > 0) console.error(`Not built: ${failed.join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);
