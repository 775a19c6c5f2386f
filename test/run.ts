// Runs the tests: builds the executable that the command-line tests run, then `bun test` in a network namespace that
// has only loopback, and says whether it could. Usage: bun test/run.ts [arguments of bun test]
import { join } from "node:path";
import { isolated } from "./support/isolated.ts";

const root = join(import.meta.dir, "..");
const inherit = { cwd: root, stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;

const build = Bun.spawnSync([process.execPath, "build.ts"], inherit);
if (build.exitCode !== 0) process.exit(build.exitCode);

// The tests of the build and of the installer look into what a release would have. That needs the registry once; without
// it, or for a target whose add-on the registry lacks, those tests are skipped and say so.
const names = process.argv.slice(2).filter((word) => !word.startsWith("-"));
if (names.length === 0 || names.some((name) => /build|install|workflows/.test(name))) {
	Bun.spawnSync([process.execPath, "build.ts", "--all", "--archive"], inherit);
}

// Several programs of one test on a busy machine need more than the five seconds that bun gives by itself.
const { command, note } = isolated([process.execPath, "test", "--timeout", "30000", ...process.argv.slice(2)]);
console.log(note);
process.exit(Bun.spawnSync(command, inherit).exitCode ?? 1);
