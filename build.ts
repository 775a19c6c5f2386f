// Builds the single-file executable: `bun build.ts [--target NAME]`. Targets are a table. Exactly one native add-on,
// the target's own, may get in; anything else fails the build, because Bun itself would ship a dead program.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { BunPlugin } from "bun";

interface Target {
	/** What `bun build --compile --target` calls it. */
	readonly bun: Bun.Build.CompileTarget;
	/** The package that carries its native add-on. */
	readonly addon: string;
	readonly executable: string;
}

/** iroh publishes no add-on for Intel Macs, so there is no darwin-x64. */
const TARGETS: Record<string, Target> = {
	"linux-x64": { bun: "bun-linux-x64", addon: "@number0/iroh-linux-x64-gnu", executable: "hivemind-p2p" },
	"linux-arm64": { bun: "bun-linux-arm64", addon: "@number0/iroh-linux-arm64-gnu", executable: "hivemind-p2p" },
	"linux-x64-musl": { bun: "bun-linux-x64-musl", addon: "@number0/iroh-linux-x64-musl", executable: "hivemind-p2p" },
	"linux-arm64-musl": {
		bun: "bun-linux-arm64-musl",
		addon: "@number0/iroh-linux-arm64-musl",
		executable: "hivemind-p2p",
	},
	"darwin-arm64": { bun: "bun-darwin-arm64", addon: "@number0/iroh-darwin-arm64", executable: "hivemind-p2p" },
	"windows-x64": { bun: "bun-windows-x64", addon: "@number0/iroh-win32-x64-msvc", executable: "hivemind-p2p.exe" },
};

const here = import.meta.dir;
const require = createRequire(import.meta.url);

/** This machine's target. */
function hostTarget(): string {
	const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
	const musl = process.platform === "linux" && !report?.header?.glibcVersionRuntime;
	const platform = process.platform === "win32" ? "windows" : process.platform;
	return `${platform}-${process.arch}${musl ? "-musl" : ""}`;
}

/** The target's add-on as a file, in exactly the version of the binding. */
function addonFile(target: Target): string {
	const { version } = require("@number0/iroh/package.json");
	let manifest: { version: string; main: string };
	try {
		manifest = require(`${target.addon}/package.json`);
	} catch {
		throw new Error(`${target.addon} is not installed: this machine or its registry has no add-on for that target`);
	}
	if (manifest.version !== version)
		throw new Error(`${target.addon} is ${manifest.version}, but @number0/iroh is ${version}`);
	return join(require.resolve(`${target.addon}/package.json`), "..", manifest.main);
}

/** Puts a module with the one add-on in the place of @number0/iroh, whose own loader would embed several or none. */
function oneAddon(file: string): BunPlugin {
	const names = Object.keys(require("@number0/iroh")).filter((name) => /^[A-Za-z]\w*$/.test(name));
	return {
		name: "one-addon",
		setup(build) {
			build.onResolve({ filter: /^@number0\/iroh$/ }, () => ({ path: "@number0/iroh", namespace: "one-addon" }));
			build.onLoad({ filter: /.*/, namespace: "one-addon" }, () => ({
				loader: "js",
				contents: [
					`import file from ${JSON.stringify(file)} with { type: "file" };`,
					`import { loadNative } from ${JSON.stringify(join(here, "src/native.ts"))};`,
					"const native = loadNative(file);",
					...names.map((name) => `export const ${name} = native.${name};`),
				].join("\n"),
			}));
		},
	};
}

async function build(name: string, outdir: string): Promise<void> {
	const target = TARGETS[name];
	if (!target) throw new Error(`unknown target ${name}; targets are ${Object.keys(TARGETS).join(", ")}`);
	const addon = addonFile(target);
	const outfile = join(outdir, target.executable);
	const result = await Bun.build({
		entrypoints: [join(here, "src/main.ts")],
		root: here,
		plugins: [oneAddon(addon)],
		minify: true,
		metafile: true,
		throw: true,
		// Both would read files of the directory the program is run in: bunfig.toml can even run code.
		compile: { target: target.bun, outfile, autoloadDotenv: false, autoloadBunfig: false },
	});
	const addons = Object.keys(result.metafile?.inputs ?? {}).filter((input) => input.endsWith(".node"));
	if (addons.length !== 1 || resolve(here, addons[0] as string) !== addon) {
		throw new Error(`${name}: exactly ${addon} must be inside, but it is [${addons.join(", ")}]`);
	}
	const size = Bun.file(outfile).size / 1e6;
	console.log(`${name.padEnd(18)} ${outfile}  ${size.toFixed(1)} MB`);
}

const { values } = parseArgs({ options: { target: { type: "string" } } });
const outdir = join(here, "dist");
mkdirSync(outdir, { recursive: true });
await build(values.target ?? hostTarget(), outdir);
