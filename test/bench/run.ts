// Runs a script of this folder in a network namespace that has only loopback, if the machine allows it. Otherwise its
// endpoints would ask the router for a port mapping (docs/binding-notes.md, "Relays"). Usage: bun test/bench/run.ts bench|soak [--quick]
import { isolated } from "../support/isolated.ts";

const [script, ...args] = process.argv.slice(2);
const { command, note } = isolated([process.execPath, `${import.meta.dir}/${script}.ts`, ...args]);
console.log(note);
process.exit(Bun.spawnSync(command, { stdout: "inherit", stderr: "inherit" }).exitCode ?? 1);
