// Runs a command in a network namespace that has only loopback, where the machine allows it, so that no packet can
// leave.
import { existsSync } from "node:fs";

const LOOPBACK_ONLY = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

/** The command to run instead, and a line that says where it will run. */
export function isolated(command: string[]): { command: string[]; note: string } {
	const allowed =
		process.platform === "linux" &&
		existsSync("/usr/bin/unshare") &&
		Bun.spawnSync([...LOOPBACK_ONLY, "true"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
	return allowed
		? { command: [...LOOPBACK_ONLY, ...command], note: "Runs in a network namespace that has only loopback." }
		: {
				command,
				note: "Runs in the machine's own network: unshare -n is not allowed here. All addresses are loopback.",
			};
}
