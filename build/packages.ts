// Fetches from the npm registry what a target needs: its native add-on and Bun's executable, each as a package of
// an exact version. `bun install` does the work, so mirrors and .npmrc are respected, and a tarball whose SHA-512 is
// not the registry's is refused.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Package {
	readonly name: string;
	readonly version: string;
	readonly directory: string;
	/** "sha512-…", from the registry or the lockfile. */
	readonly integrity: string | undefined;
	readonly manifest: Manifest;
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

/** The add-on in the version that the binding names, from node_modules or else from the registry. @throws Error */
export async function addonPackage(name: string): Promise<Package> {
	const binding = installed("@number0/iroh")?.manifest as { optionalDependencies?: Record<string, string> } | undefined;
	const version = binding?.optionalDependencies?.[name];
	if (!version) throw new Error(`@number0/iroh does not list ${name}: iroh no longer has an add-on for that target`);
	const found = installed(name);
	if (found && found.version !== version)
		throw new Error(`${name} is ${found.version}, but @number0/iroh is ${version}`);
	return found ?? (await fetchPackage(name, version));
}

/** The package in exactly this version. It is kept, so the next build needs no network. @throws Error that names it */
export async function fetchPackage(name: string, version: string): Promise<Package> {
	const kept = join(STORE, `${name.replace("/", "+")}@${version}`);
	if (!existsSync(kept)) await download(name, version, kept);
	const integrity = integrities(join(kept, "bun.lock")).get(name);
	if (!integrity?.startsWith("sha512-")) throw new Error(`${name}@${version}: the registry has no SHA-512 for it`);
	const committed = integrities(join(root, "bun.lock")).get(name);
	if (committed && committed !== integrity) {
		throw new Error(`${name}@${version}: the registry's SHA-512 is not the one in the committed lockfile`);
	}
	const found = read(name, join(kept, "node_modules", name), integrity);
	if (found.version !== version) throw new Error(`${name}@${version}: the registry sent ${found.version}`);
	return found;
}

// --- internal ---

function read(name: string, directory: string, integrity: string | undefined): Package {
	const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
	return { name, version: manifest.version, directory, integrity, manifest };
}

/** Installs into a temporary directory, which is renamed when it is complete. */
async function download(name: string, version: string, kept: string): Promise<void> {
	mkdirSync(STORE, { recursive: true });
	const work = mkdtempSync(join(STORE, "fetch-"));
	try {
		await Bun.write(join(work, "package.json"), JSON.stringify({ private: true, dependencies: { [name]: version } }));
		for (const file of [".npmrc", "bunfig.toml"]) {
			if (existsSync(join(root, file))) cpSync(join(root, file), join(work, file));
		}
		// Without these, a package for another platform is skipped silently.
		const foreign = ["--os=*", "--cpu=*", "--libc=*"];
		const options = ["--ignore-scripts", "--linker=hoisted", "--backend=copyfile", "--no-progress"];
		const child = Bun.spawn([process.execPath, "install", ...foreign, ...options], {
			cwd: work,
			env: { ...process.env },
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
		rmSync(kept, { recursive: true, force: true });
		mkdirSync(dirname(kept), { recursive: true });
		renameSync(work, kept);
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
