// Processor time of programs and what they have started, from /proc (Linux).
import { readdirSync, readFileSync } from "node:fs";

/** Ticks of /proc/PID/stat in a second, on every Linux that Bun runs on. */
const TICKS = 100;

/** Seconds of processor time so far, of these processes and of their children, the ended ones that were waited for included. */
export function cpuSeconds(pids: readonly number[]): number {
	const table = readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.flatMap((name) => stat(name));
	const wanted = new Set(pids);
	// Parents may have higher numbers than their children.
	for (let size = 0; size !== wanted.size; ) {
		size = wanted.size;
		for (const { pid, parent } of table) if (wanted.has(parent)) wanted.add(pid);
	}
	const ticks = table.filter(({ pid }) => wanted.has(pid)).reduce((sum, entry) => sum + entry.ticks, 0);
	return ticks / TICKS;
}

// --- internal ---

function stat(name: string): { pid: number; parent: number; ticks: number }[] {
	try {
		// The name of the program, in parentheses, may have spaces.
		const fields = readFileSync(`/proc/${name}/stat`, "utf8")
			.replace(/^.*\) /s, "")
			.split(" ");
		const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
		return [{ pid: Number(name), parent: Number(fields[1]), ticks }];
	} catch {
		// It has just ended.
		return [];
	}
}
