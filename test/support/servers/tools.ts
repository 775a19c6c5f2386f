// Real servers and their clients as processes of their own. Each is ended by its pid when it is disposed of.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, Program, type RunOptions } from "../executable.ts";

/** A server that is ready. */
export interface Server extends AsyncDisposable {
	port: number;
	program: Program;
}

/** Starts a script of this folder, which prints "listening PORT" once it is ready. */
export async function startScript(interpreter: readonly string[], name: string, ...args: string[]): Promise<Server> {
	const program = new Program([...interpreter, join(import.meta.dir, name), ...args], {});
	const [, port] = await program.line(/^listening (\d+)$/);
	return { port: Number(port), program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** Runs a script of this folder to its end; it has to succeed. What it printed on stdout. */
export const runScript = (interpreter: readonly string[], name: string, ...args: string[]): Promise<string> =>
	output([...interpreter, join(import.meta.dir, name), ...args]);

/** Runs a command to its end. `stdin` is all that it can read. */
export async function finish(
	command: readonly string[],
	{ stdin = "", ...options }: RunOptions & { stdin?: string } = {},
): Promise<Finished> {
	await using program = new Program(command, options);
	program.type(stdin);
	program.endInput();
	return await program.exited;
}

/** What a command prints on stdout. Rejects, with all that it printed, unless it succeeds. */
export async function output(command: readonly string[], options?: RunOptions & { stdin?: string }): Promise<string> {
	const { status, stdout, stderr } = await finish(command, options);
	if (status === 0) return stdout;
	throw new Error(`${command.join(" ")} ended with ${status}\nstdout: ${stdout}\nstderr: ${stderr}`);
}

/** Ends a server as its administrator would. All that it has printed. */
export function ended(program: Program, signal: NodeJS.Signals): Promise<Finished> {
	program.signal(signal);
	return program.exited;
}

/** A port that was free a moment ago, for servers that do not take port 0. */
export async function freePort(): Promise<number> {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	const server = createServer().on("error", reject);
	server.listen(0, "127.0.0.1", () => {
		const { port } = server.address() as { port: number };
		server.close(() => resolve(port));
	});
	return promise;
}

export interface Folder extends AsyncDisposable {
	path: string;
	/** The path of a file in it. */
	file(name: string): string;
}

export async function folder(): Promise<Folder> {
	const path = await mkdtemp(join(tmpdir(), "hivemind-p2p-server-"));
	return {
		path,
		file: (name) => join(path, name),
		[Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
	};
}

export const sha256 = (bytes: Uint8Array | string): string =>
	new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

export const fileSha256 = async (path: string): Promise<string> => sha256(await Bun.file(path).bytes());
