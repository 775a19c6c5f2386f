// Runs the tests: builds the executable that the command-line tests run, then `bun test` in a network namespace that
// has only loopback, and says whether it could. Usage: bun test/run.ts [arguments of bun test]
import { join } from "node:path";
import { isolated } from "./support/isolated.ts";

const root = join(import.meta.dir, "..");
const inherit = { cwd: root, stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;

const build = Bun.spawnSync([process.execPath, "build.ts"], inherit);
if (build.exitCode !== 0) process.exit(build.exitCode);

const { command, note } = isolated([process.execPath, "test", ...process.argv.slice(2)]);
console.log(note);
process.exit(Bun.spawnSync(command, inherit).exitCode ?? 1);
