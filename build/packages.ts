// Fetches from the npm registry what a target needs: its native add-on and Bun's executable, each as a package of
// an exact version. `bun install` does the work, so mirrors and .npmrc are respected, with a lockfile of ours: a tarball
// whose SHA-512 is not the one in build/checksums is refused, whatever the registry says about it.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { committedChecksums, integrityOf } from "./checksums.ts";

export interface Package {
	readonly name: string;
	readonly version: string;
	readonly directory: string;
	/** "sha512-…", from the registry or the lockfile. */
	readonly integrity: string | undefined;
	readonly manifest: Manifest;
	/** Not the registry's file but another build of it (addon.ts), of which `integrity` is the hash. */
	readonly given?: boolean;
}

export interface Manifest {
	name: string;
	version: string;
	main?: string;
	license?: string;
	homepage?: string;
	repository?: string | { url?: string };
}

const root = join(import.meta.dir, "..");
const require = createRequire(join(root, "package.json"));
/** Inside node_modules, so that it survives the removal of dist/ and goes when node_modules does. */
const STORE = join(root, "node_modules/.cache/hivemind-p2p");

/** A package that `bun install` has installed from the committed lockfile, or undefined. */
export function installed(name: string): Package | undefined {
	const [directory] = (require.resolve.paths(name) ?? []).map((path) => join(path, name)).filter(existsSync);
	if (!directory) return undefined;
	return read(name, directory, integrities(join(root, "bun.lock")).get(name));
}

/** The version that the binding wants of each of its add-ons. */
export function addonVersions(): Readonly<Record<string, string>> {
	const binding = installed("@number0/iroh")?.manifest as { optionalDependencies?: Record<string, string> } | undefined;
	return binding?.optionalDependencies ?? {};
}

/** The add-on in the version that the binding names, from node_modules or else from the registry. @throws Error */
export async function addonPackage(name: string): Promise<Package> {
	const version = addonVersions()[name];
	if (!version) throw new Error(`@number0/iroh does not list ${name}: iroh no longer has an add-on for that target`);
	const found = installed(name);
	if (!found) return await fetchPackage(name, version);
	if (found.version !== version) throw new Error(`${name} is ${found.version}, but @number0/iroh is ${version}`);
	if (found.integrity !== integrityOf(`${name}@${version}`, committedChecksums())) {
		throw new Error(`${name}@${version}: its SHA-512 in bun.lock is not the one in build/checksums`);
	}
	return found;
}

/**
 * The package in exactly this version, whose tarball has the SHA-512 of `checksums`. It is kept, so the next build needs
 * no network. @throws Error that names it
 */
export async function fetchPackage(name: string, version: string, checksums = committedChecksums()): Promise<Package> {
	const integrity = integrityOf(`${name}@${version}`, checksums);
	const kept = join(STORE, `${name.replace("/", "+")}@${version}`);
	if (integrities(join(kept, "bun.lock")).get(name) !== integrity) {
		await install(name, version, integrity, (directory) => {
			rmSync(kept, { recursive: true, force: true });
			mkdirSync(dirname(kept), { recursive: true });
			renameSync(directory, kept);
		});
	}
	const found = read(name, join(kept, "node_modules", name), integrity);
	if (found.version !== version) throw new Error(`${name}@${version}: the registry sent ${found.version}`);
	return found;
}

/** The SHA-512 that the registry's tarball has; undefined if the registry does not have the package. @throws Error */
export async function registryIntegrity(name: string, version: string): Promise<string | undefined> {
	try {
		return await install(name, version, undefined, (directory) => integrities(join(directory, "bun.lock")).get(name));
	} catch (error) {
		if (error instanceof Error && /\b404\b/.test(error.message)) return undefined;
		throw error;
	}
}

// --- internal ---

function read(name: string, directory: string, integrity: string | undefined): Package {
	const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
	return { name, version: manifest.version, directory, integrity, manifest };
}

/**
 * Installs into a temporary directory, which `use` gets when it is complete. With `integrity`, the tarball must have it,
 * and what the registry says about the package is not even asked for.
 */
async function install<T>(
	name: string,
	version: string,
	integrity: string | undefined,
	use: (directory: string) => T,
): Promise<T> {
	mkdirSync(STORE, { recursive: true });
	const work = mkdtempSync(join(STORE, "fetch-"));
	try {
		const dependencies = { [name]: version };
		await Bun.write(join(work, "package.json"), JSON.stringify({ name: "fetch", private: true, dependencies }));
		if (integrity) {
			const workspaces = { "": { name: "fetch", dependencies } };
			const packages = { [name]: [`${name}@${version}`, "", {}, integrity] };
			await Bun.write(join(work, "bun.lock"), JSON.stringify({ lockfileVersion: 1, workspaces, packages }));
		}
		for (const file of [".npmrc", "bunfig.toml"]) {
			if (existsSync(join(root, file))) cpSync(join(root, file), join(work, file));
		}
		// Without these, a package for another platform is skipped silently.
		const foreign = ["--os=*", "--cpu=*", "--libc=*"];
		const options = ["--ignore-scripts", "--linker=hoisted", "--backend=copyfile", "--no-progress"];
		const frozen = integrity ? ["--frozen-lockfile"] : [];
		const cache = join(work, "cache");
		const child = Bun.spawn([process.execPath, "install", ...frozen, ...foreign, ...options], {
			cwd: work,
			// The usual cache is not checked again, so what is in there would be taken as it is.
			env: { ...process.env, BUN_INSTALL_CACHE_DIR: cache },
			stdin: "ignore",
			stdout: "ignore",
			stderr: "pipe",
		});
		const said = await child.stderr.text();
		if ((await child.exited) !== 0 || !existsSync(join(work, "node_modules", name, "package.json"))) {
			const reason = said.split("\n").find((line) => /error/i.test(line)) ?? said.trim();
			throw new Error(
				`${name}@${version} is not available from the registry (${reason.replace(/^error: /, "").trim()})`,
			);
		}
		rmSync(cache, { recursive: true, force: true });
		return use(work);
	} finally {
		rmSync(work, { recursive: true, force: true });
	}
}

/** The "sha512-…" of each package in a bun.lock, by name. */
function integrities(path: string): Map<string, string> {
	if (!existsSync(path)) return new Map();
	const lock = Bun.JSONC.parse(readFileSync(path, "utf8")) as { packages?: Record<string, unknown[]> };
	const found = new Map<string, string>();
	for (const [name, entry] of Object.entries(lock.packages ?? {})) {
		const integrity = entry.at(-1);
		if (typeof integrity === "string") found.set(name, integrity);
	}
	return found;
}
