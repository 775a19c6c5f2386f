// Copies of the project to build in, so that a test neither sees nor changes the real dist/.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./built.ts";

const SOURCES = [
	"src",
	"build",
	"build.ts",
	"package.json",
	"bun.lock",
	"bunfig.toml",
	"tsconfig.json",
	"install.sh",
	"LICENSE",
];
const places: string[] = [];

/** A copy in a directory whose path has another length each time; its packages are hard links. */
export function copyProject(): string {
	const place = join(mkdtempSync(join(tmpdir(), "hivemind-repro-")), "deeper".repeat(places.length), "project");
	places.push(place);
	mkdirSync(place, { recursive: true });
	for (const name of SOURCES) cpSync(join(ROOT, name), join(place, name), { recursive: true });
	const linked = Bun.spawnSync(["cp", "-al", join(ROOT, "node_modules"), join(place, "node_modules")]);
	// On another file system, or with a cp that has no -l.
	if (linked.exitCode !== 0) cpSync(join(ROOT, "node_modules"), join(place, "node_modules"), { recursive: true });
	return place;
}

/** Runs a project's build.ts, without a registry. */
export async function buildIn(place: string, args: string[]) {
	const child = Bun.spawn([process.execPath, join(place, "build.ts"), ...args], {
		// Not the project's directory: a build must not depend on where it is started.
		cwd: tmpdir(),
		env: { ...process.env, SOURCE_DATE_EPOCH: "1767225600", BUN_CONFIG_REGISTRY: "http://127.0.0.1:1" },
		stdout: "pipe",
		stderr: "pipe",
	});
	const [status, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
	return { status, stdout, stderr };
}

export function removeCopies(): void {
	for (const place of places) rmSync(place.replace(/(hivemind-repro-\w+).*/, "$1"), { recursive: true, force: true });
}
