// `bun run relays`: plays the scenarios of chaos.ts that have a relay, with iroh's own: the one that IROH_RELAY names or
// that is in PATH, or else one that cargo builds into dist/relay, which takes ten minutes once. Arguments are chaos.ts'.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RELAY } from "./world.ts";

/** That of the binding's iroh or newer: relays serve older endpoints. */
const VERSION = "1.4.1";

const root = join(import.meta.dir, "../../dist/relay");
const built = join(root, "bin/iroh-relay");
const inherit = { stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;

if (!RELAY && !existsSync(built) && Bun.which("cargo")) {
	const crate = ["iroh-relay", "--version", VERSION, "--locked", "--features", "server"];
	Bun.spawnSync(["cargo", "install", ...crate, "--root", root], inherit);
}
const relay = RELAY ?? (existsSync(built) ? built : undefined);
if (!relay) {
	console.log("Left out: there is neither an iroh-relay (in PATH or IROH_RELAY) nor a cargo that can build one.");
	process.exit(0);
}
const run = [process.execPath, join(import.meta.dir, "../bench/run.ts"), "../chaos/chaos", "relay"];
const { exitCode } = Bun.spawnSync([...run, ...process.argv.slice(2)], {
	...inherit,
	env: { ...process.env, IROH_RELAY: relay },
});
process.exit(exitCode ?? 1);
