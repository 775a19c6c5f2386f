// Runs the tests: builds the executable that the command-line tests need, then runs `bun test` in a network namespace
// that has only loopback, or says that it could not. Usage: bun test/run.ts [arguments of bun test]
import { join } from "node:path";
import { isolated } from "./support/isolated.ts";

const root = join(import.meta.dir, "..");
const inherit = { cwd: root, stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;

const build = Bun.spawnSync([process.execPath, "build.ts"], inherit);
if (build.exitCode !== 0) process.exit(build.exitCode);

// The tests of the build and of the installer look at what a release would consist of. Building that needs the registry
// once. Without it, or for a target whose add-on the registry lacks, those tests are skipped and say so.
const names = process.argv.slice(2).filter((word) => !word.startsWith("-"));
if (names.length === 0 || names.some((name) => /build|install|workflows/.test(name))) {
	Bun.spawnSync([process.execPath, "build.ts", "--all", "--archive"], inherit);
}

// A test that starts several programs on a busy machine needs more than bun's default of five seconds.
const { command, note } = isolated([process.execPath, "test", "--timeout", "30000", ...process.argv.slice(2)]);
console.log(note);
process.exit(Bun.spawnSync(command, inherit).exitCode ?? 1);
