// Starts a script of this folder where only loopback is, if the machine allows it: the endpoints it starts would
// otherwise ask the router for a port mapping. Usage: bun test/bench/run.ts bench|soak [--quick]
import { isolated } from "../support/isolated.ts";

const [script, ...args] = process.argv.slice(2);
const { command, note } = isolated([process.execPath, `${import.meta.dir}/${script}.ts`, ...args]);
console.log(note);
process.exit(Bun.spawnSync(command, { stdout: "inherit", stderr: "inherit" }).exitCode ?? 1);
