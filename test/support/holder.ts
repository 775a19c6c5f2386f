// Other processes that open and hold an identity file, for the tests of identity.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Holder extends AsyncDisposable {
	/** Its first line: "open <key> <secret>", or what went wrong. */
	said: string;
	/** kill -9. Resolves when the process is gone. */
	kill(): Promise<void>;
	/** Lets the process close the file and exit. */
	end(): Promise<void>;
}

/** Lets several processes open the file at the same moment and close it again; returns what each printed. */
export async function raceForIdentity(path: string, processes: number): Promise<string[]> {
	const begin = `${path}-begin`;
	const children = Array.from({ length: processes }, () => {
		const command = [process.execPath, join(import.meta.dir, "identity-holder.ts"), path, begin];
		const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
		return child.stdout.pipeThrough(new TextDecoderStream()).getReader();
	});
	await Promise.all(children.map((reader) => reader.read()));
	writeFileSync(begin, "");
	return Promise.all(
		children.map(async (reader) => {
			let said = "";
			for (let part = await reader.read(); !part.done; part = await reader.read()) said += part.value;
			return said.trim();
		}),
	);
}

/** Another user of this machine, who owns no files. */
export const NOBODY = 65_534;

/** Lets another process open the file as `user` (ours by default) and close it; returns what it printed. */
export function openedBy(user: number | undefined, path: string): string {
	const { stdout } = Bun.spawnSync([process.execPath, join(import.meta.dir, "identity-holder.ts"), path], {
		env: { ...process.env, AS_USER: `${user ?? 0}` },
		stdin: "ignore",
		stderr: "inherit",
	});
	return stdout.toString().trim();
}

/** The command, in a process for which every flock fails with this errno. */
export const withoutFlock = (errno: string, ...command: readonly string[]): string[] =>
	withoutCall("flock", errno, ...command);

/** The command, in a process for which every such system call fails with this errno, or which it ends (KILL). */
export const withoutCall = (call: "flock" | "rename", errno: string, ...command: readonly string[]): string[] => [
	process.execPath,
	join(import.meta.dir, "without-call.ts"),
	call,
	errno,
	...command,
];

/** Lets another process open the file where flock fails with this errno, and close it; returns what it said. */
export function openedWithoutFlock(errno: string, path: string): string {
	const command = withoutFlock(errno, process.execPath, join(import.meta.dir, "identity-holder.ts"), path);
	const { stdout } = Bun.spawnSync(command, { stdin: "ignore", stderr: "inherit" });
	return stdout.toString().trim();
}

export async function holdIdentity(path: string): Promise<Holder> {
	const child = Bun.spawn([process.execPath, join(import.meta.dir, "identity-holder.ts"), path], {
		stdin: "pipe",
		stdout: "pipe",
		stderr: "inherit",
	});
	const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
	let said = "";
	while (!said.includes("\n")) {
		const { value, done } = await reader.read();
		if (done) break;
		said += value;
	}
	const kill = async () => {
		child.kill("SIGKILL");
		await child.exited;
	};
	const end = async () => {
		await child.stdin.end();
		await child.exited;
	};
	return { said: said.trim(), kill, end, [Symbol.asyncDispose]: kill };
}
