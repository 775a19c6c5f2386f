// Bundles and compiles one executable with exactly one native add-on in it. Called by build.ts. Bun itself would embed
// several add-ons, or none, and exit with 0 either way: a program that is dead on arrival.

import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { BunPlugin } from "bun";
import type { Target } from "./targets.ts";

export interface BundleOptions {
	/** The project's directory. */
	root: string;
	target: Target;
	/** The add-on's file. */
	addon: string;
	/** Bun's executable for the target; without it, the Bun that runs this. */
	runtime: string | undefined;
	outfile: string;
}

/** Compiles `outfile`. Returns the directory of each package that is inside. @throws Error when the wrong things are */
export async function bundle({ root, target, addon, runtime, outfile }: BundleOptions): Promise<string[]> {
	const result = await Bun.build({
		entrypoints: [join(root, "src/main.ts")],
		root,
		plugins: [oneAddon(root, addon)],
		minify: true,
		metafile: true,
		throw: true,
		compile: {
			target: target.bun,
			executablePath: runtime ?? process.execPath,
			outfile,
			// Both would read files of the directory the program is run in: bunfig.toml can even run code.
			autoloadDotenv: false,
			autoloadBunfig: false,
		},
	});
	const inputs = Object.keys(result.metafile?.inputs ?? {});
	checkInputs(inputs, addon);
	return packagesOf(inputs);
}

/** Throws unless exactly one native add-on, the wanted one, is among a bundle's inputs (paths from the working directory). */
export function checkInputs(inputs: readonly string[], addon: string): void {
	const addons = inputs.filter((input) => input.endsWith(".node"));
	if (addons.length !== 1 || resolve(addons[0] as string) !== resolve(addon)) {
		throw new Error(`exactly ${addon} must be inside, but it is [${addons.join(", ")}]`);
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

/** Puts a module with the one add-on in the place of @number0/iroh, whose own loader would embed several or none. */
function oneAddon(root: string, file: string): BunPlugin {
	const require = createRequire(join(root, "package.json"));
	const names = Object.keys(require("@number0/iroh")).filter((name) => /^[A-Za-z]\w*$/.test(name));
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
