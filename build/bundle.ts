// Bundles and compiles one executable that contains exactly one native add-on. Bun by itself would embed several, or
// none, and report success either way.

import { copyFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import type { BunPlugin } from "bun";
import { exportNames } from "./addon.ts";
import type { Target } from "./targets.ts";

export interface BundleOptions {
	/** The root directory of the project, and the working directory: the names of chunks depend on paths from there. */
	root: string;
	target: Target;
	/** The file of the native add-on. */
	addon: string;
	/** Bun's executable for the target; undefined for the Bun that runs the build. */
	runtime: string | undefined;
	outfile: string;
}

/** Compiles `outfile`, and returns the directory of each other package in it. @throws Error unless it has the right add-on */
export async function bundle(options: BundleOptions): Promise<string[]> {
	// Where it comes from is not to be seen in the executable, either.
	const addon = join(dirname(options.outfile), basename(options.addon));
	copyFileSync(options.addon, addon);
	try {
		return await compile({ ...options, addon });
	} finally {
		rmSync(addon);
	}
}

/** @throws Error unless the wanted add-on is the only one among the inputs (paths from the working directory) */
export function checkInputs(inputs: readonly string[], addon: string): void {
	const addons = inputs.filter((input) => input.endsWith(".node"));
	if (addons.length !== 1 || resolve(addons[0] as string) !== resolve(addon)) {
		throw new Error(`the only add-on must be ${addon}, but the bundle has [${addons.join(", ")}]`);
	}
}

/** The directories of the packages that the inputs come from, sorted. */
export function packagesOf(inputs: readonly string[]): string[] {
	const found = inputs.flatMap(
		(input) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(input.replaceAll("\\", "/")) ?? [],
	);
	return [...new Set(found.map((path) => resolve(path)))].sort();
}

// --- internal ---

async function compile({ root, target, addon, runtime, outfile }: BundleOptions): Promise<string[]> {
	const result = await Bun.build({
		entrypoints: [join(root, "src/main.ts")],
		root,
		plugins: [oneAddon(root, addon)],
		minify: true,
		// Otherwise every built-in module that any command imports is loaded at each start, and everything is parsed first
		// (docs/binding-notes.md, "Single-file executable").
		splitting: true,
		bytecode: true,
		format: "esm",
		metafile: true,
		throw: true,
		compile: {
			target: target.bun,
			executablePath: runtime ?? process.execPath,
			outfile,
			// They would read files from the directory that the program is run in; a bunfig.toml can even run code.
			autoloadDotenv: false,
			autoloadBunfig: false,
			autoloadTsconfig: false,
			autoloadPackageJson: false,
			execArgv: [...RUNTIME_FLAGS],
		},
	});
	const inputs = Object.keys(result.metafile?.inputs ?? {});
	checkInputs(inputs, addon);
	return packagesOf(inputs.filter((input) => resolve(input) !== resolve(addon)));
}

const RUNTIME_FLAGS = [
	// Also the bundle of certificate authorities (ca-certificates.crt), the keychain and the store of Windows: without it
	// Bun reads only /etc/ssl/cert.pem and the files of /etc/ssl/certs that are named by their hash.
	"--use-system-ca",
	// Only what is in the executable may run: no --preload of BUN_OPTIONS, no debugger of BUN_INSPECT. The program makes
	// no code from strings itself. Variables cannot undo it (docs/binding-notes.md, "Single-file executable").
	"--disallow-code-generation-from-strings=strict",
] as const;

/** Replaces @number0/iroh, whose own loader would embed several add-ons or none, by a module with exactly one. */
function oneAddon(root: string, file: string): BunPlugin {
	const require = createRequire(join(root, "package.json"));
	const names = exportNames(require);
	return {
		name: "one-addon",
		setup(build) {
			build.onResolve({ filter: /^@number0\/iroh$/ }, () => ({ path: "@number0/iroh", namespace: "one-addon" }));
			build.onLoad({ filter: /.*/, namespace: "one-addon" }, () => ({
				loader: "js",
				contents: [
					`import file from ${JSON.stringify(file)} with { type: "file" };`,
					`import { loadNative } from ${JSON.stringify(join(root, "src/transport/native-addon.ts"))};`,
					"const native = loadNative(file);",
					...names.map((name) => `export const ${name} = native.${name};`),
				].join("\n"),
			}));
		},
	};
}
