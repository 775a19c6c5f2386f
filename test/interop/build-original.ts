// Builds the hubs and peers of the original's wire (original.rs) with cargo, where there is one, into dist/original/.
// That takes ten minutes once. Each has a Cargo.lock of its own: iroh 0.95 needs pre-releases that later ones break.
import { join } from "node:path";

if (!Bun.which("cargo")) console.log("Left out: building the original for the tests, because there is no cargo.");
else {
	for (const [name, folder] of [
		["0_95", "iroh-0.95"],
		["1", "iroh-1"],
	] as const) {
		const { exitCode } = Bun.spawnSync(["cargo", "build", "--locked"], {
			cwd: join(import.meta.dir, "original", folder),
			env: { ...process.env, CARGO_TARGET_DIR: join(import.meta.dir, "../../dist/original", name) },
			stdin: "ignore",
			stdout: "inherit",
			stderr: "inherit",
		});
		if (exitCode !== 0) process.exit(1);
	}
}
