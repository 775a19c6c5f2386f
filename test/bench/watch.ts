// What programs hold in memory and descriptors, and whether it grows.
import { readdirSync } from "node:fs";
import { rss } from "./tunnel.ts";

/** Sockets that were reset are released a moment later. */
const SLACK_FILES = 4;

/** Prints and keeps what programs hold. */
export class Watch {
	readonly programs: Record<string, { pid: number }>;
	readonly #slackMb: number;
	#samples: { memory: number[]; files: number[] }[] = [];

	/** `slackMb` is what the garbage collector may leave for later: how much there is differs from round to round. */
	constructor(programs: Record<string, { pid: number }>, slackMb = 15) {
		this.programs = programs;
		this.#slackMb = slackMb;
	}

	async look(when: string): Promise<void> {
		// What was closed just now is released a moment later.
		await Bun.sleep(2000);
		const programs = Object.values(this.programs);
		const memory = await Promise.all(programs.map(rss));
		const files = programs.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length);
		this.#samples.push({ memory, files });
		const names = Object.keys(this.programs).join(" / ");
		console.log(`${when}; ${names} ${memory.map(Math.round).join(" / ")} MB, ${files.join(" / ")} descriptors`);
	}

	/** @throws Error if a program has held more at every look of the second half than at any of the first, and not just a little */
	expectFlat(): void {
		const half = Math.floor(this.#samples.length / 2);
		const grew = (i: number, of: "memory" | "files", slack: number): boolean => {
			const values = this.#samples.map((sample) => sample[of][i] as number);
			return Math.min(...values.slice(-half)) > Math.max(...values.slice(0, half)) + slack;
		};
		const names = Object.keys(this.programs);
		const grown = names.filter((_, i) => grew(i, "memory", this.#slackMb) || grew(i, "files", SLACK_FILES));
		if (grown.length > 0) throw new Error(`${grown.join(" and ")} grew`);
	}
}
