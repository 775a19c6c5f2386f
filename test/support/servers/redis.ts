// Redis without a file on disk.
import { Program } from "../executable.ts";
import { folder, freePort, output, type Server } from "./tools.ts";

export async function startRedis(): Promise<Server> {
	await using stack = new AsyncDisposableStack();
	const { path } = stack.use(await folder());
	const port = await freePort();
	const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", path];
	const program = stack.use(new Program(["redis-server", ...settings], { cwd: path }));
	await program.line(/Ready to accept connections/);
	const owned = stack.move();
	return { port, program, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What a command prints; `port` may be that of a tunnel. */
export const redis = (port: number, ...words: string[]): Promise<string> =>
	output(["redis-cli", "-h", "127.0.0.1", "-p", `${port}`, ...words]);
