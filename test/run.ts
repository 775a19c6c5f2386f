// Runs the tests: builds the executable that the command-line tests run, then `bun test` in a network namespace that
// has only loopback, so that no packet can leave this machine. Says which of the two it did.
// Usage: bun test/run.ts [arguments of bun test]
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const bun = process.execPath;

const build = Bun.spawnSync([bun, "build.ts"], { cwd: root, stdout: "inherit", stderr: "inherit" });
if (build.exitCode !== 0) process.exit(build.exitCode);

const loopbackOnly = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
const allowed =
	process.platform === "linux" &&
	existsSync("/usr/bin/unshare") &&
	Bun.spawnSync([...loopbackOnly, "true"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;

console.log(
	allowed
		? "Tests run in a network namespace with only loopback."
		: "Tests run in the machine's own network (unshare -n is not allowed here); they use loopback addresses only.",
);
const tests = Bun.spawnSync([...(allowed ? loopbackOnly : []), bun, "test", ...process.argv.slice(2)], {
	cwd: root,
	stdin: "ignore",
	stdout: "inherit",
	stderr: "inherit",
});
process.exit(tests.exitCode ?? 1);
