// Runs the tests: builds the executable that the command-line tests need, then runs `bun test` in a network namespace
// that has only loopback, or says that it could not. Usage: bun test/run.ts [--addon FILE] [arguments of bun test]. With
// FILE, another build of the binding (.node or .node.gz), the tests and the executable use that one.
import { join } from "node:path";
import { hostTarget } from "../build/targets.ts";
import { isolated } from "./support/isolated.ts";
import { otherAddon, unpacked, withAddon } from "./support/other-addon.ts";

/** What is nearest to the binding: run once more with the other build of it, where there is one. */
const NEAREST = ["unit/transport", "e2e/wire", "e2e/conformance", "e2e/crossings", "e2e/failures", "property/ticket"];

const root = join(import.meta.dir, "..");
const inherit = { cwd: root, stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;
const [first, second, ...others] = process.argv.slice(2);
const args = first === "--addon" ? others : process.argv.slice(2);
const names = args.filter((word) => !word.startsWith("-"));

const build = (...more: string[]): number =>
	Bun.spawnSync([process.execPath, "build.ts", ...more], inherit).exitCode ?? 1;

// A test that starts several programs on a busy machine needs more than bun's default of five seconds.
const test = (words: readonly string[], env: NodeJS.ProcessEnv = process.env): number => {
	const { command, note } = isolated([process.execPath, "test", "--timeout", "30000", ...words]);
	console.log(note);
	return Bun.spawnSync(command, { ...inherit, env }).exitCode ?? 1;
};

function run(addon: string | undefined): number {
	const given = addon === undefined ? [] : ["--addon", `${hostTarget()}=${addon}`];
	const status = build(...given);
	if (status !== 0) return status;
	// The tests of the build and of the installer look at what a release would consist of. Building that needs the registry
	// once. Without it, or for a target whose add-on the registry lacks, those tests are skipped and say so.
	if (names.length === 0 || names.some((name) => /build|install|workflows/.test(name))) {
		build("--all", "--archive", ...given);
	}
	return test(args, addon === undefined ? process.env : withAddon(addon));
}

/** Once more with a binding that takes Uint8Array, so that the program works on the day when it is released. */
function runNearest(): number {
	const other = otherAddon();
	if (!other) {
		console.log("Left out: the tests with a binding that takes Uint8Array (TEST_ADDON can name a build of it).");
		return 0;
	}
	console.log(`Once more with another build of the binding, ${other}:`);
	return unpacked(other, (addon) => test(NEAREST, withAddon(addon)));
}

let status = first === "--addon" && second ? unpacked(second, run) : run(undefined);
if (names.length === 0 && first !== "--addon") status ||= runNearest();
process.exit(status);
