// The benchmark's processes: started, waited for until they print what they should, and stopped by their own pid.
export interface Program {
	pid: number;
	/** What its output matched. */
	match: RegExpExecArray;
	/** Milliseconds from the start to that output. */
	readyMs: number;
	stop(): Promise<void>;
}

/** Starts a program and waits until what it prints matches. */
export async function startProgram(
	command: readonly string[],
	ready: RegExp,
	from: "stdout" | "stderr" = "stdout",
): Promise<Program> {
	const begun = performance.now();
	const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore", [from]: "pipe" });
	const output = child[from] as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
	const reader = output.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	for (;;) {
		const match = ready.exec(text);
		if (match) {
			const readyMs = performance.now() - begun;
			void (async () => {
				while (!(await reader.read()).done);
			})();
			return { pid: child.pid, match, readyMs, stop: () => stop(child) };
		}
		const { value, done } = await reader.read();
		if (done) throw new Error(`${command.join(" ")} ended without the expected output`);
		text += value;
	}
}

/** A program that says nothing when it is ready; `after` is called when it has been stopped. */
export function quietProgram(command: readonly string[], after = () => {}): Program {
	const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
	const end = async () => {
		await stop(child);
		after();
	};
	return { pid: child.pid, match: /$/.exec("") as RegExpExecArray, readyMs: 0, stop: end };
}

export function freePort(): number {
	const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	server.stop(true);
	return server.port;
}

/** Resolves when something listens on the IPv4 port, as a command sees it that has `inside` in front of it. */
export async function listening(port: number, inside: readonly string[] = []): Promise<void> {
	const line = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`);
	for (let i = 0; i < 200; i++) {
		if (line.test(Bun.spawnSync([...inside, "cat", "/proc/net/tcp"]).stdout.toString())) return;
		await Bun.sleep(50);
	}
	throw new Error(`nothing listens on port ${port}`);
}

// --- internal ---

async function stop(child: Bun.Subprocess): Promise<void> {
	child.kill("SIGTERM");
	await child.exited;
}
