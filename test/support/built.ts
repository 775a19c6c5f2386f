// What `bun build.ts --all --archive` made in dist/, for the tests that inspect it. The runner (test/run.ts) builds it;
// a target whose add-on the registry lacks is missing, and its tests are skipped.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { archiveName, hostTarget, TARGETS, type Target, targetOf } from "../../build/targets.ts";

export const ROOT = join(import.meta.dir, "../..");
export const DIST = join(ROOT, "dist");

export interface Built {
	name: string;
	target: Target;
	executable: string;
	archive: string;
}

/** The targets that were built and archived. */
export const BUILT: Built[] = Object.keys(TARGETS).flatMap((name) => {
	const target = targetOf(name);
	const executable = join(DIST, name, target.executable);
	const archive = join(DIST, archiveName(name));
	return existsSync(executable) && existsSync(archive) ? [{ name, target, executable, archive }] : [];
});

const missing = Object.keys(TARGETS).filter((name) => !BUILT.some((one) => one.name === name));
if (missing.length > 0) console.log(`Not built, so their tests are skipped: ${missing.join(", ")}.`);

const given = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;

/** Another build of this machine's add-on that the tests and the executables use (test/run.ts), and build.ts's arguments. */
export const GIVEN_ADDON = { file: given, args: given === undefined ? [] : ["--addon", `${hostTarget()}=${given}`] };

/** Whether a target was built with the given add-on. */
export const hasGivenAddon = ({ name }: Built): boolean => given !== undefined && name === hostTarget();

/** The add-on file of a target that was built. */
export function addonFile(built: Built): string {
	if (given !== undefined && hasGivenAddon(built)) return given;
	const { target } = built;
	for (const directory of [
		join(ROOT, "node_modules", target.addon),
		...[...new Bun.Glob("*").scanSync({ cwd: STORE, onlyFiles: false })]
			.filter((entry) => entry.startsWith(`${target.addon.replace("/", "+")}@`))
			.map((entry) => join(STORE, entry, "node_modules", target.addon)),
	]) {
		const manifest = join(directory, "package.json");
		if (existsSync(manifest)) return join(directory, JSON.parse(readFileSync(manifest, "utf8")).main);
	}
	throw new Error(`${target.addon} is missing, but its executable was built`);
}

const STORE = join(ROOT, "node_modules/.cache/hivemind-p2p");
